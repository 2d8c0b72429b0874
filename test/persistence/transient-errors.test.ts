/** Every error that a database or a client is known to raise is told for what it is. */
import { describe, expect, it } from 'vitest'
import type { ErrorKind } from '../../src/persistence/transient-errors.ts'
import { classifyError } from '../../src/persistence/transient-errors.ts'

const withCode = (code: string, more: object = {}): Error =>
  Object.assign(new Error('said by the test'), { code }, more)

const postgres: Record<ErrorKind, readonly string[]> = {
  lost: ['08000', '08003', '08006', '08007', '08P01', '40003', '57P01', '57P02', '57P05'],
  aborted: ['25P03', '25P04', '40000', '40001', '40P01', '55P03', '57014'],
  unavailable: ['08001', '08004', '25006', '53000', '53100', '53200', '53300', '57P03', '58030'],
  fatal: ['22P02', '23505', '23514', '28P01', '3D000', '42601', '42P01', '0A000', 'XX000']
}

describe('an error of Postgres', () => {
  const table = Object.entries(postgres).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const))
  it.each(table)('with SQLSTATE %s is %s', (code, kind) => {
    expect(classifyError(withCode(code))).toBe(kind)
  })
})

describe('an error of a socket', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 'unavailable'],
    ['ENOTFOUND', 'getaddrinfo', 'unavailable'],
    ['EAI_AGAIN', 'getaddrinfo', 'unavailable'],
    ['ENOENT', 'connect', 'unavailable'],
    ['ETIMEDOUT', 'connect', 'unavailable'],
    ['EHOSTUNREACH', 'connect', 'unavailable'],
    ['ECONNRESET', 'connect', 'unavailable'],
    ['ETIMEDOUT', 'read', 'lost'],
    ['EHOSTUNREACH', 'read', 'lost'],
    ['ECONNRESET', 'read', 'lost'],
    ['EPIPE', 'write', 'lost']
  ])('%s of %s is %s', (code, syscall, kind) => {
    expect(classifyError(withCode(code, { syscall }))).toBe(kind)
  })

  it('is unavailable where every address of a host was tried in vain', () => {
    const tried = ['10.0.0.1', '::1'].map((address) => withCode('ETIMEDOUT', { syscall: 'connect', address }))
    expect(classifyError(Object.assign(new AggregateError(tried), { code: 'ETIMEDOUT' }))).toBe('unavailable')
  })
})

describe('an error of a client', () => {
  it.each([
    ['Connection terminated unexpectedly', 'lost'],
    ['Connection terminated', 'lost'],
    ['Query read timeout', 'lost'],
    ['timeout expired', 'unavailable'],
    ['timeout exceeded when trying to connect', 'unavailable'],
    ['Connection terminated due to connection timeout', 'unavailable'],
    ['Client has encountered a connection error and is not queryable', 'unavailable'],
    ['Client was closed and is not queryable', 'unavailable'],
    ['Cannot use a pool after calling end on the pool', 'unavailable'],
    ['PGlite is closed', 'unavailable']
  ])('that says "%s" is %s', (message, kind) => {
    expect(classifyError(new Error(message))).toBe(kind)
  })

  it.each([
    ['CONNECTION_CLOSED', 'lost'],
    ['CONNECTION_DESTROYED', 'lost'],
    ['CONNECTION_ENDED', 'unavailable'],
    ['CONNECT_TIMEOUT', 'unavailable'],
    ['MAX_PARAMETERS_EXCEEDED', 'fatal']
  ])('with code %s is %s', (code, kind) => {
    expect(classifyError(withCode(code))).toBe(kind)
  })
})

describe('anything else', () => {
  it.each([new TypeError('x is not a function'), 'ECONNRESET', null, undefined, 7, {}])('is fatal: %s', (thrown) => {
    expect(classifyError(thrown)).toBe('fatal')
  })
})

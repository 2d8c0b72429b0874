/**
 * What an error of the database means for the statement that met it.
 *
 * Owns: the table of error codes of Postgres, Node and the clients. Does not own: retries.
 *
 * Invariants
 * 1. `aborted` and `unavailable` are said only where it is certain that the statement did not take effect. Where a
 *    connection ended under a statement that may have reached the server, it is `lost`.
 * 2. What the table does not know is `fatal`: told, never retried.
 */

/** `lost`: the connection ended, the outcome is unknown · `aborted`: taken back, to be tried again · `unavailable`: the server
 * could not be reached or could not write · `fatal`: a mistake, which a retry would repeat. */
export type ErrorKind = 'lost' | 'aborted' | 'unavailable' | 'fatal'

const kindsByCode: Readonly<Record<Exclude<ErrorKind, 'fatal'>, readonly string[]>> = {
  lost: [
    '08000', // connection exception
    '08003', // connection does not exist
    '08006', // connection failure
    '08007', // transaction resolution unknown
    '08P01', // protocol violation: what poolers say when their server connection ends
    '40003', // statement completion unknown
    '57P01', // admin shutdown: may come after the commit and before its answer
    '57P02', // crash shutdown
    '57P05', // idle session timeout
    'CONNECTION_CLOSED', // postgres.js
    'CONNECTION_DESTROYED'
  ],
  aborted: [
    '25P03', // idle in transaction timeout
    '25P04', // transaction timeout
    '40000', // transaction rollback
    '40001', // serialization failure
    '40P01', // deadlock
    '55P03', // lock not available
    '57014' // cancelled, or statement timeout
  ],
  unavailable: [
    '08001', // unable to establish a connection
    '08004', // connection rejected
    '25006', // read-only: a standby, or a primary that is stepping down
    '53000', // insufficient resources
    '53100', // disk full
    '53200', // out of memory
    '53300', // too many connections
    '57P03', // cannot connect now
    '58030', // i/o error
    'CONNECT_TIMEOUT', // postgres.js
    'CONNECTION_ENDED', // postgres.js: ended by its owner, nothing was sent
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ENOENT' // no such socket
  ]
}

/** Sockets say so both when they connect and when they are in use; `syscall` tells which. */
const socketCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
  'ENETDOWN'
])

/** What clients throw without a code. */
const kindsByMessage: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^timeout expired$/, 'unavailable'],
  [/^timeout exceeded when trying to connect$/, 'unavailable'],
  [/^Connection terminated due to connection timeout$/, 'unavailable'],
  [/ is not queryable$/, 'unavailable'],
  [/^Cannot use a pool after calling end on the pool$/, 'unavailable'],
  [/^PGlite is clos(ed|ing)$/, 'unavailable'],
  [/^Connection terminated( unexpectedly)?$/, 'lost'],
  [/^Query read timeout$/, 'lost']
]

const kinds: ReadonlyMap<string, ErrorKind> = new Map(
  (['lost', 'aborted', 'unavailable'] as const).flatMap((kind) =>
    kindsByCode[kind].map((code) => [code, kind] as const)
  )
)

interface ErrorLike {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly message?: unknown
  /** What an AggregateError holds: one for each address that was tried. */
  readonly errors?: readonly unknown[]
}

export function classifyError(error: unknown): ErrorKind {
  if (typeof error !== 'object' || error === null) return 'fatal'
  const { code, syscall, message, errors } = error as ErrorLike
  if (typeof code === 'string') {
    const kind = kinds.get(code)
    if (kind !== undefined) return kind
    if (socketCodes.has(code)) return syscall === 'connect' || errors !== undefined ? 'unavailable' : 'lost'
  }
  return kindsByMessage.find(([pattern]) => pattern.test(String(message)))?.[1] ?? 'fatal'
}

/** A row with the same key was committed by someone else in between; a second look finds it. */
export const isUniqueViolation = (error: unknown): boolean => (error as ErrorLike | null)?.code === '23505'

/**
 * A transaction is given up while code that nobody can stop still has its client: its connection is closed, and not used again.
 * `cause`: why.
 */
export class AbandonedError extends Error {
  constructor(cause: unknown) {
    super('the transaction was given up', { cause })
  }
}

/** Somebody else kept a lock for longer than the statement may wait; nothing took effect. */
export const isLockTimeout = (error: unknown): boolean => (error as ErrorLike | null)?.code === '55P03'

/** The table or its schema does not exist. */
export const isUndefinedTable = (error: unknown): boolean =>
  ['42P01', '3F000'].includes(String((error as ErrorLike | null)?.code))

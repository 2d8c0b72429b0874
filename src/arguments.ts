/**
 * The arguments of single calls, read: what is wrong is refused with the name of the argument and the remedy, before
 * anything is stored.
 */
import type { AnyEventObject } from 'xstate'
import { decode, encode } from './actors/snapshot-codec.ts'
import { InvalidArgumentError } from './errors.ts'
import { checkSize, type Bounds } from './bounds.ts'
import type { Address, SpawnSettings } from './options.ts'
import { readDurationMs, readText } from './plain-arguments.ts'
import { LIVE_STATUSES, TERMINAL_STATUSES, type ActorStatus, type Json } from './persistence/store.ts'

export * from './plain-arguments.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** The last moment that a Date can express. */
const LAST_DATE_MS = 8.64e15

export function readId(argument: string, value: unknown): string {
  if (typeof value === 'string' && UUID.test(value)) return value.toLowerCase()
  throw new InvalidArgumentError(argument, 'is no actor id', 'Ids are UUIDs; an actor is found by its key with { key }')
}

export function readAddress(address: unknown): Address {
  if (typeof address === 'object' && address !== null && 'key' in address) return { key: readText('key', address.key) }
  return readId('the address', address)
}

/** An event as `send` takes it: as it is stored, and a copy, which what the caller does to its object later does not reach. */
export function readEvent(event: unknown, bounds: Bounds): { readonly copy: AnyEventObject; readonly json: Json } {
  const type = typeof event === 'object' && event !== null ? (event as Partial<AnyEventObject>).type : undefined
  if (typeof type !== 'string' || type.length === 0 || type === '*') {
    throw new InvalidArgumentError('the event', 'has no type', "Send an object such as { type: 'payment.confirmed' }")
  }
  if (type.startsWith('xstate.') || type.startsWith('perdure.')) {
    throw new InvalidArgumentError(
      'the event',
      "has a type of XState's or perdure's own",
      "Choose a type that does not begin with 'xstate.' or 'perdure.'"
    )
  }
  const tree = encode(event, 'event')
  const json = JSON.stringify(tree)
  checkSize('event', json, bounds)
  return { copy: decode(tree, 'event') as AnyEventObject, json }
}

export function readKeyScope(scope: SpawnSettings['keyScope']): readonly ActorStatus[] {
  if (scope === undefined || scope === 'live') return LIVE_STATUSES
  const all = [...LIVE_STATUSES, ...TERMINAL_STATUSES]
  if (scope === 'always') return all
  // An actor that lives without its key could not take it back when another has it by then.
  const isWhole = Array.isArray(scope) && LIVE_STATUSES.every((status) => scope.includes(status))
  if (isWhole && scope.every((status) => all.includes(status))) return [...new Set(scope)]
  throw new InvalidArgumentError(
    'keyScope',
    'is no set of statuses that holds all live ones',
    `Pass 'live', 'always', or ${LIVE_STATUSES.join(', ')} and some of ${TERMINAL_STATUSES.join(', ')}`
  )
}

export function readStart({ startAt, startIn }: SpawnSettings): { startAt: number | null; startInMs: number | null } {
  if (startAt !== undefined && startIn !== undefined) {
    throw new InvalidArgumentError('startAt', 'and startIn are both given', 'Pass one of them')
  }
  const at = startAt === undefined ? null : Number(startAt)
  if (at !== null && !(Math.abs(at) <= LAST_DATE_MS)) {
    throw new InvalidArgumentError('startAt', 'is no time', 'Pass a valid Date, or epoch milliseconds')
  }
  return { startAt: at, startInMs: startIn === undefined ? null : readDurationMs('startIn', startIn) }
}

export function readIfExists(ifExists: SpawnSettings['ifExists'] = 'reject'): 'reject' | 'return' {
  if (ifExists === 'reject' || ifExists === 'return') return ifExists
  throw new InvalidArgumentError('ifExists', 'is unknown', "Pass 'reject' or 'return'")
}

/**
 * The arguments of single calls, read: what is wrong is refused with the name of the argument and the remedy, before
 * anything is stored.
 */
import * as Duration from 'effect/Duration'
import type { AnyEventObject } from 'xstate'
import { decode, encode } from './actors/snapshot-codec.ts'
import { InvalidArgumentError } from './errors.ts'
import { checkSize, type Limits } from './limits.ts'
import type { Address, DurationInput, SpawnSettings } from './options.ts'
import { LIVE_STATUSES, TERMINAL_STATUSES, type ActorStatus, type Json } from './persistence/store.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const LONE_SURROGATE = /\p{Surrogate}/u
/** The last moment that a Date can express. */
const LAST_DATE_MS = 8.64e15
const MAX_DURATION_MS = 1000 * 365 * 24 * 3_600_000
const MAX_TEXT = 1024
const MAX_PRIORITY = 32_767

/** A name that nobody knows is a mistake in spelling: what was meant would be left out in silence. */
export function refuseUnknown(argument: string, given: object, known: readonly string[]): void {
  const name = Object.keys(given).find((key) => !known.includes(key))
  if (name === undefined) return
  throw new InvalidArgumentError(`${argument}: '${name}'`, 'is unknown', `Known: ${known.join(', ')}`)
}

export function readDurationMs(argument: string, value: DurationInput): number {
  let ms: number
  try {
    ms = Duration.toMillis(value)
  } catch {
    ms = NaN
  }
  if (ms >= 0 && ms <= MAX_DURATION_MS) return ms
  throw new InvalidArgumentError(
    argument,
    'is no duration',
    "Pass milliseconds, or words such as '10 seconds' or '1 hour'"
  )
}

/** How long something is kept; null: for ever. */
export function readRetentionMs(value: DurationInput | false): number | null {
  return value === false || value === Infinity ? null : readDurationMs('retention', value)
}

/** A text that goes into a column, and into an index: not empty, not endless, nothing that Postgres cannot hold. */
export function readText(argument: string, value: unknown): string {
  const isText = typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT
  if (isText && !value.includes('\0') && !LONE_SURROGATE.test(value)) return value
  throw new InvalidArgumentError(
    argument,
    `is no usable text`,
    `Pass 1 to ${MAX_TEXT} characters of well-formed Unicode without NUL`
  )
}

export function readId(argument: string, value: unknown): string {
  if (typeof value === 'string' && UUID.test(value)) return value.toLowerCase()
  throw new InvalidArgumentError(argument, 'is no actor id', 'Ids are UUIDs; an actor is found by its key with { key }')
}

export function readAddress(address: unknown): Address {
  if (typeof address === 'object' && address !== null && 'key' in address) return { key: readText('key', address.key) }
  return readId('the address', address)
}

/** An event as `send` takes it: as it is stored, and a copy, which what the caller does to its object later does not reach. */
export function readEvent(event: unknown, limits: Limits): { readonly copy: AnyEventObject; readonly json: Json } {
  const type = typeof event === 'object' && event !== null ? (event as Partial<AnyEventObject>).type : undefined
  if (typeof type !== 'string' || type.length === 0 || type === '*') {
    throw new InvalidArgumentError('the event', 'has no type', "Send an object such as { type: 'payment.confirmed' }")
  }
  if (type.startsWith('xstate.')) {
    throw new InvalidArgumentError(
      'the event',
      "has a type of XState's own",
      "Choose a type that does not begin with 'xstate.'"
    )
  }
  const tree = encode(event, 'event')
  const json = JSON.stringify(tree)
  checkSize('event', json, limits)
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

export function readPriority(priority: number = 0): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return priority
  throw new InvalidArgumentError(
    'priority',
    'is out of range',
    `Pass a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`
  )
}

export function readCount(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError(argument, 'is no count', 'Pass a whole number above 0')
}

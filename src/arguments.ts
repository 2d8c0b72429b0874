/**
 * The arguments of single calls, read: what is wrong is refused with the name of the argument and the remedy, before
 * anything is stored.
 */
import type { AnyEventObject } from 'xstate'
import { copyStorable } from './actors/snapshot-codec.ts'
import { InvalidArgumentError } from './errors.ts'
import { checkSize, type Bounds } from './bounds.ts'
import type { Address, SpawnSettings } from './options.ts'
import { lookAt, readDurationMs, readList, readText, readTimeMs } from './plain-arguments.ts'
import { LIVE_STATUSES, TERMINAL_STATUSES, type ActorStatus, type Json } from './persistence/store.ts'
import { isTelemetryEvent, type TelemetryEventName } from './telemetry/catalogue.ts'

export * from './plain-arguments.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function readId(argument: string, value: unknown): string {
  if (typeof value === 'string' && UUID.test(value)) return value.toLowerCase()
  throw new InvalidArgumentError(argument, 'is no actor id', 'Ids are UUIDs; an actor is found by its key with { key }')
}

export function readAddress(address: unknown): Address {
  const remedy = 'Pass the id of an actor, or { key }'
  const at: unknown = lookAt('the address', remedy, () =>
    typeof address === 'object' && address !== null && 'key' in address ? { key: address.key } : address
  )
  if (typeof at === 'object' && at !== null && 'key' in at) return { key: readText('key', at.key) }
  return readId('the address', at)
}

/** An event as `send` takes it: as it is stored, and a copy, which what the caller does to its object later does not reach. */
export function readEvent(event: unknown, bounds: Bounds): { readonly copy: AnyEventObject; readonly json: Json } {
  // The copy is what is judged: of the given object nobody knows what it says when it is asked again.
  const isObject = typeof event === 'object' && event !== null
  const { copy, json } = isObject ? copyStorable(event, 'event') : { copy: undefined, json: '' }
  const type = (copy as Partial<AnyEventObject> | undefined)?.type
  if (typeof type !== 'string' || type.length === 0) {
    throw new InvalidArgumentError('the event', 'has no type', "Send an object such as { type: 'payment.confirmed' }")
  }
  if (type === '*') {
    const problem = "has the type '*', XState's wildcard, which no event can have"
    throw new InvalidArgumentError('the event', problem, "Choose a type such as 'payment.confirmed'")
  }
  if (type.startsWith('xstate.') || type.startsWith('perdure.')) {
    throw new InvalidArgumentError(
      'the event',
      "has a type of XState's or perdure's own",
      "Choose a type that does not begin with 'xstate.' or 'perdure.'"
    )
  }
  checkSize('event', json, bounds)
  return { copy: copy as AnyEventObject, json }
}

export function readKeyScope(scope: SpawnSettings['keyScope']): readonly ActorStatus[] {
  if (scope === undefined || scope === 'live') return LIVE_STATUSES
  const all = [...LIVE_STATUSES, ...TERMINAL_STATUSES]
  if (scope === 'always') return all
  // An actor that lives without its key could not take it back when another has it by then.
  const given = new Set(typeof scope === 'string' ? [] : readList('keyScope', scope))
  const isWhole = LIVE_STATUSES.every((status) => given.has(status))
  if (isWhole && [...given].every((status) => all.includes(status))) return [...given]
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
  const at = startAt === undefined ? null : readTimeMs('startAt', startAt)
  return { startAt: at, startInMs: startIn === undefined ? null : Math.ceil(readDurationMs('startIn', startIn)) }
}

export function readIfExists(ifExists: SpawnSettings['ifExists'] = 'reject'): 'reject' | 'return' {
  if (ifExists === 'reject' || ifExists === 'return') return ifExists
  throw new InvalidArgumentError('ifExists', 'is unknown', "Pass 'reject' or 'return'")
}

export function readTelemetryEvent<Name extends TelemetryEventName>(event: Name): Name {
  if (isTelemetryEvent(event)) return event
  throw new InvalidArgumentError('the event of on()', 'is unknown', 'runtime.telemetry lists those that there are')
}

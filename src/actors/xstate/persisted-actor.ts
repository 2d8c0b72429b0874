/**
 * A stored document in the form in which XState's users know it, that of `getPersistedSnapshot()`, with the timers beside it;
 * and back. For `migrate`, whose author reads and writes it.
 *
 * Owns: both translations. Does not own: the stored form (tree-snapshot.ts), values (snapshot-codec.ts), whether a machine can
 * take the result up: reading it back tells (tree-hydration.ts).
 *
 * Invariants
 * 1. What comes back as it was handed out is the document that it was, but for `nodes`: numbers of states mean nothing in
 *    another machine.
 * 2. A timer goes with the actor that set it, or that it is for.
 */
import type { AnyEventObject, MachineContext, StateValue } from 'xstate'
import type { Json } from '../../persistence/store.ts'
import { decode, encode, parseJson, type ActorRefs, type StoredRef } from '../snapshot-codec.ts'
import { type ActorKind, kindOf } from './actor-kinds.ts'
import type { Logic, MachineLogic } from './internals.ts'
import type { ActorRecord, TimerRecord, TreeRecord } from './tree-snapshot.ts'

/** A machine as it was stored. What is absent is empty. */
export interface PersistedMachine {
  readonly value: StateValue
  readonly context: MachineContext
  readonly status?: 'active' | 'done' | 'error' | 'stopped'
  readonly output?: unknown
  readonly error?: unknown
  readonly historyValue?: Readonly<Record<string, readonly { readonly id: string }[]>>
  readonly children?: Readonly<Record<string, PersistedChild>>
}

/** A child as it was stored, by the id under which its parent has it. */
export interface PersistedChild {
  /** The name of its logic. */
  readonly src: string
  /** Of a machine a PersistedMachine; of other logic what XState has for it, as `{ status: 'active', input }` for a promise. */
  readonly snapshot: object
  /** Its number within the actor; leave it out for a child that is new. */
  readonly session?: number
  /** Where it is not the id under which its parent has it. */
  readonly id?: string
  readonly systemId?: string
  readonly syncSnapshot?: boolean
}

export interface PersistedTimer {
  /** Of the `after` of a state: `xstate.after.<delay>.<id of the state>`, as is the type of its event. */
  readonly id?: string
  readonly event: AnyEventObject
  /** Epoch milliseconds. */
  readonly dueAt: number
  /** Sessions of the actor that set it and of the one that it is for. 0, the default: the machine itself. */
  readonly source?: number
  readonly target?: number
}

/** An actor as it was stored. */
export interface PersistedActor extends PersistedMachine {
  readonly timers?: readonly PersistedTimer[]
}

/** A reference to an actor in a context: to be kept or left out, not to be used. */
class StoredReference {
  readonly stored: StoredRef
  constructor(stored: StoredRef) {
    this.stored = stored
  }
}

const refs: ActorRefs = {
  toRef: (value) => (value instanceof StoredReference ? value.stored : undefined),
  fromRef: ({ session, id, parent }) => new StoredReference(given({ session, id, parent })),
  toStandIn: () => undefined
}

// ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Throws MalformedValueError. */
export function readPersisted(stored: Json): PersistedActor {
  const record = parseJson(stored, 'it') as TreeRecord
  const timers = (record.timers ?? []).map(({ id, event, dueAt, source, target }, index) => ({
    ...given({ id }),
    event: decode(event, `timers[${index}].event`, refs) as AnyEventObject,
    dueAt,
    source,
    target
  }))
  return { ...(showActor(record, '') as PersistedMachine), timers }
}

function showActor(record: ActorRecord, path: string): object {
  if ('snapshot' in record) return decode(record.snapshot, `${path}snapshot`, refs) as object
  const { value, status, history = {}, children = {} } = record
  const shown: Record<string, unknown> = { status }
  for (const field of DATA) if (field in record) shown[field] = decode(record[field], `${path}${field}`, refs)
  if (value === undefined) return shown
  const historyValue = mapValues(history, (ids) => ids.map((id) => ({ id })))
  return { ...shown, value, historyValue, children: mapValues(children, (child, key) => showChild(child, key, path)) }
}

function showChild(record: ActorRecord, key: string, path: string): PersistedChild {
  const { session, id, src, systemId, sync } = record
  return {
    src: src as string,
    snapshot: showActor(record, `${path}children.${key}.`),
    ...given({ session, id, systemId, syncSnapshot: sync })
  }
}

// ── back ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The document of `actor` for a machine, in place of the one it was read from. Throws NotSerializableError, TypeError. */
export function writePersisted(actor: PersistedActor, machine: unknown, before: Json): Json {
  return JSON.stringify(new Writing(parseJson(before, 'it') as TreeRecord).write(actor, machine as MachineLogic))
}

/** Sessions of children that one stored document has and another, made of it, has not. */
export function goneSessions(before: Json, after: Json): readonly number[] {
  const left = new Set(sessionsOf(parseJson(after, 'it') as TreeRecord))
  return sessionsOf(parseJson(before, 'it') as TreeRecord).filter((session) => !left.has(session))
}

function sessionsOf({ session, children = {}, unlisted = [] }: Partial<TreeRecord>): readonly number[] {
  return [...(session === undefined ? [] : [session]), ...[...Object.values(children), ...unlisted].flatMap(sessionsOf)]
}

class Writing {
  readonly #before: TreeRecord
  readonly #sessions = new Set([0])
  #next: number

  constructor(before: TreeRecord) {
    this.#before = before
    this.#next = before.next
    for (const { session } of before.unlisted ?? []) if (session !== undefined) this.#sessions.add(session)
  }

  write(actor: PersistedActor, machine: MachineLogic): TreeRecord {
    const { format, unlisted } = this.#before
    const root = this.#writeActor(actor, machine, '')
    const timers = (actor.timers ?? []).flatMap((timer, index) => this.#writeTimer(timer, index))
    return { ...root, format, ...given({ unlisted }), timers, next: this.#next }
  }

  #writeActor(shown: object, logic: Logic | undefined, path: string): ActorRecord {
    // Logic that is gone has no form of its own: hydration refuses it, and says so.
    if (logic && IN_ONE.has(kindOf(logic))) return { snapshot: encode(shown, `${path}snapshot`, refs) }
    const { status = 'active', value, historyValue, children, ...data } = shown as PersistedMachine
    const record: ActorRecord = { status }
    const fields: Partial<Record<string, unknown>> = data
    for (const field of DATA) {
      if (fields[field] !== undefined) record[field] = encode(fields[field], `${path}${field}`, refs) as never
    }
    if (value === undefined) return record
    record.value = value as ActorRecord['value'] & {}
    record.history = mapValues(historyValue ?? {}, (nodes) => nodes.map(({ id }) => id))
    record.children = mapValues(children ?? {}, (child, key) => {
      const childLogic = (logic as MachineLogic | undefined)?.implementations.actors[child.src]
      return this.#writeChild(child, childLogic, `${path}children.${key}.`)
    })
    return record
  }

  #writeChild(child: PersistedChild, logic: Logic | undefined, path: string): ActorRecord {
    const { src, snapshot, session = this.#next++, id, systemId, syncSnapshot } = child
    if (this.#sessions.has(session)) throw new TypeError(`${path}session is that of another child; leave it out`)
    this.#sessions.add(session)
    const sync = syncSnapshot === true ? true : undefined
    return { session, src, ...given({ id, systemId, sync }), ...this.#writeActor(snapshot, logic, path) }
  }

  #writeTimer({ id, event, dueAt, source = 0, target = 0 }: PersistedTimer, index: number): readonly TimerRecord[] {
    if (!Number.isFinite(dueAt)) throw new TypeError(`timers[${index}].dueAt is no time in milliseconds`)
    if (!this.#sessions.has(source) || !this.#sessions.has(target)) return []
    const record = { source, target, event: encode(event, `timers[${index}].event`, refs), dueAt, ...given({ id }) }
    return [{ seq: this.#next++, ...record }]
  }
}

/** Kinds whose snapshot is stored as it is. */
const IN_ONE: ReadonlySet<ActorKind> = new Set(['pure', 'remote'])

const DATA = ['output', 'error', 'context', 'input', 'attempt', 'isPausing'] as const

function mapValues<From, To>(values: Readonly<Record<string, From>>, map: (value: From, key: string) => To) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]))
}

/** Without the fields that are undefined. */
function given<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

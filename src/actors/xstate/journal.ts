/**
 * The effects of a committed turn as data, so that they run even if this process dies before they did.
 *
 * An action is stored by its name or address, with its parameters, event and context; emits, logs and deliveries are data
 * anyway. What has no address (a closure made inside `enqueueActions`, a target outside of the tree, parameters with
 * functions in them) is stored by its place only: with it go the inputs of the turn, and it is found by running the turn again
 * on the snapshot before.
 *
 * Owns: the journal's form, both ways. Does not own: when effects run, and which have (`performed` is the caller's).
 *
 * Invariants
 * 1. An effect has the same place in the journal as among the journaled effects of its turn, also where it can no longer run:
 *    idempotency keys are made from places.
 * 2. Nothing that was derived is used unless the derived turn has the same effects, one by one, by kind, actor and type.
 * 3. What can no longer run is a problem that is told, and hinders no other effect.
 */
import type { AnyEventObject } from 'xstate'
import { NotSerializableError } from '../../errors.ts'
import type { Json } from '../../persistence/store.ts'
import { decode, encode, parseJson, type StoredRef } from '../snapshot-codec.ts'
import { actionAt, addressOf, type RunAction } from './action-addresses.ts'
import type { ActionEffect, TreeEffect } from './effects.ts'
import { isMachine, isMachineSnapshot, type LiveActor, type Logic, type MachineLogic } from './internals.ts'
import { type Input, LiveTree } from './live-tree.ts'
import { sessionIdOf, sessionOf } from './references.ts'
import { hydrateTree } from './tree-hydration.ts'

export interface EncodedJournal {
  readonly journal: Json
  /** The snapshot before the turn must be kept beside it. */
  readonly needsBefore: boolean
}

export interface DecodedJournal {
  /** All effects of the journal, in their places. One that can no longer run does nothing, and is told in `problems`. */
  readonly effects: readonly TreeEffect[]
  /** How many of them had run, as `markPerformed` noted. */
  readonly performed: number
  readonly problems: readonly string[]
}

interface JournalRecord {
  readonly performed?: number
  readonly effects: readonly EffectRecord[]
  /** Events and contexts of actions, each stored once. */
  readonly events: readonly unknown[]
  readonly contexts: readonly unknown[]
  readonly turn?: { readonly now: number; readonly inputs: readonly unknown[] }
}

interface EffectRecord {
  readonly kind: TreeEffect['kind']
  readonly session: number
  /** Of an action or event; the label of a log. */
  readonly type?: string
  /** To be found by running the turn again. */
  readonly derived?: true
  /** The event of an emit or a delivery, the value of a log. */
  readonly data?: unknown
  readonly action?: ActionRecord
}

interface ActionRecord {
  /** Address; absent: found by its name. */
  readonly at?: string
  readonly code?: string
  readonly params?: unknown
  /** Index into `events`. */
  readonly event: number
  /** Index into `contexts`; absent: the committed context of its actor. */
  readonly context?: number
  /** Absent: the root. Else the actor, and the names of logic that lead from the root machine to its machine. */
  readonly self?: StoredRef
  readonly via?: readonly string[]
}

const JOURNALED = new Set<TreeEffect['kind']>(['action', 'log', 'emit', 'start', 'deliver', 'foreign'])

/** Whether an effect has a place in the journal of its turn. */
export function isJournaled(effect: TreeEffect): boolean {
  return JOURNALED.has(effect.kind)
}

/** The journal, knowing that its first effects have run. */
export function markPerformed(journal: Json, performed: number): Json {
  return JSON.stringify({ ...(JSON.parse(journal) as JournalRecord), performed })
}

// ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** null: no effect but the start of work, which the snapshot knows of. Throws NotSerializableError. */
export function encodeTreeJournal(effects: readonly TreeEffect[], tree: LiveTree): EncodedJournal | null {
  const journaled = effects.filter(isJournaled)
  if (journaled.every(({ kind }) => kind === 'start')) return null
  const events = new Numbering()
  const contexts = new Numbering()
  const records = journaled.map((effect) => describe(effect, tree, events, contexts))
  const needsBefore = records.some(({ derived }) => derived)
  const record: JournalRecord = {
    effects: records,
    events: events.values.map((event) => encode(event, 'event', tree.refs)),
    contexts: contexts.values.map((context) => encode(context, 'context', tree.refs)),
    ...(needsBefore && {
      turn: { now: tree.nowMs, inputs: tree.inputs.map((input) => encode(input, `input '${input.kind}'`, tree.refs)) }
    })
  }
  return { journal: JSON.stringify(record), needsBefore }
}

/** Numbers objects in the order in which they come up. */
class Numbering {
  readonly #numbers = new Map<unknown, number>()

  numberOf(value: unknown): number {
    const known = this.#numbers.get(value)
    if (known !== undefined) return known
    this.#numbers.set(value, this.#numbers.size)
    return this.#numbers.size - 1
  }

  get values(): readonly unknown[] {
    return [...this.#numbers.keys()]
  }
}

function describe(effect: TreeEffect, tree: LiveTree, events: Numbering, contexts: Numbering): EffectRecord {
  const type = typeOf(effect)
  const record = { kind: effect.kind, session: sessionOf(tree.actorId, effect.sessionId) as number, ...(type !== undefined && { type }) }
  switch (effect.kind) {
    case 'emit':
    case 'deliver':
      return { ...record, data: encode(effect.event, `event '${type}'`, tree.refs) }
    case 'log':
      return { ...record, data: loggable(effect.value, tree) }
    case 'foreign':
      return { ...record, derived: true }
    case 'action':
      return { ...record, ...describeAction(effect, tree, events, contexts) }
    default:
      return record
  }
}

/** What is only logged must not keep a turn from being stored. */
function loggable(value: unknown, tree: LiveTree): unknown {
  try {
    return encode(value, 'logged value', tree.refs)
  } catch (error) {
    return (error as Error).message
  }
}

function describeAction(effect: ActionEffect, tree: LiveTree, events: Numbering, contexts: Numbering): Partial<EffectRecord> {
  const { params, args, run } = effect
  const self = args.self as LiveActor
  const machine = self.logic as MachineLogic
  const isNamed = machine.implementations.actions[effect.type] === run
  const address = isNamed ? {} : addressOf(machine, run)
  const stored = storable(params, tree)
  return {
    ...((!address || !stored) && { derived: true }),
    action: {
      ...address,
      ...(params !== undefined && stored && { params: stored.value }),
      event: events.numberOf(args.event),
      ...(contextOf(tree.actorAt(effect.sessionId)) !== args.context && { context: contexts.numberOf(args.context) }),
      ...(self !== tree.root && { self: tree.refs.toRef(self) as StoredRef, via: logicNames(self) })
    }
  }
}

function storable(params: unknown, tree: LiveTree): { readonly value: unknown } | undefined {
  try {
    return { value: encode(params, 'params', tree.refs) }
  } catch (error) {
    if (error instanceof NotSerializableError) return undefined
    throw error
  }
}

function contextOf(actor: LiveActor | undefined): unknown {
  return actor && isMachineSnapshot(actor._snapshot) ? actor._snapshot.context : undefined
}

function logicNames(actor: LiveActor): readonly string[] {
  return actor._parent ? [...logicNames(actor._parent), actor.src as string] : []
}

function typeOf(effect: TreeEffect): string | undefined {
  if (effect.kind === 'action') return effect.type
  if (effect.kind === 'log') return effect.label
  return 'event' in effect ? effect.event.type : undefined
}

// ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function decodeTreeJournal(journal: Json, before: Json | null, tree: LiveTree): DecodedJournal {
  try {
    return new JournalReader(parseJson(journal, 'the journal') as JournalRecord, before, tree).read()
  } catch (error) {
    return { effects: [], performed: 0, problems: [`the journal cannot be read: ${(error as Error).message}`] }
  }
}

class JournalReader {
  readonly #record: JournalRecord
  readonly #before: Json | null
  readonly #tree: LiveTree
  readonly #events: readonly AnyEventObject[]
  readonly #contexts: readonly unknown[]
  #derived: readonly TreeEffect[] | undefined

  constructor(record: JournalRecord, before: Json | null, tree: LiveTree) {
    this.#record = record
    this.#before = before
    this.#tree = tree
    this.#events = record.events.map((event) => decode(event, 'event', tree.refs) as AnyEventObject)
    this.#contexts = record.contexts.map((context) => decode(context, 'context', tree.refs))
  }

  read(): DecodedJournal {
    const problems: string[] = []
    const effects = this.#record.effects.map((record, place) => {
      try {
        return this.#effect(record, place)
      } catch (error) {
        problems.push(`effect ${place} (${record.kind} '${record.type}'): ${(error as Error).message}`)
        return nothing(this.#sessionId(record), record)
      }
    })
    return { effects, performed: this.#record.performed ?? 0, problems }
  }

  #effect(record: EffectRecord, place: number): TreeEffect {
    const sessionId = this.#sessionId(record)
    const { kind, type } = record
    switch (kind) {
      case 'action':
        return this.#action(record, record.action as ActionRecord, place)
      case 'log':
        return { kind, sessionId, label: type, value: this.#data(record) }
      case 'emit':
      case 'deliver':
        return { kind, sessionId, event: this.#data(record) as AnyEventObject }
      case 'start': {
        const actor = this.#tree.actorAt(sessionId)
        if (!actor) throw new Error('its actor is gone')
        return { kind, sessionId, actor, state: actor._snapshot }
      }
      case 'foreign':
        return this.#derive(place)
      default:
        throw new Error('effects of this kind are not journaled')
    }
  }

  #action(record: EffectRecord, action: ActionRecord, place: number): TreeEffect {
    const sessionId = this.#sessionId(record)
    const type = record.type as string
    const { refs, system } = this.#tree
    const actor = this.#tree.actorAt(sessionId)
    const derived = record.derived ? (this.#derive(place) as ActionEffect) : undefined
    const self = actor ?? (action.self && refs.fromRef(action.self))
    const context = action.context === undefined ? contextOf(actor) : this.#contexts[action.context]
    const event = this.#events[action.event]
    if (!event || !self) throw new Error('its record is malformed')
    return {
      kind: 'action',
      sessionId,
      type,
      params: derived ? derived.params : decodeParams(action, this.#tree),
      args: { context, event, self, system },
      run: derived ? derived.run : this.#run(type, action)
    }
  }

  #run(type: string, { at, code, via = [] }: ActionRecord): RunAction {
    let machine = this.#tree.blueprint.machine as unknown as Logic
    for (const name of via) {
      const child = isMachine(machine) ? machine.implementations.actors[name] : undefined
      if (!child) throw new Error(`the machine has no actor '${name}' any more`)
      machine = child
    }
    const known = machine as MachineLogic
    const run = at !== undefined && code !== undefined ? actionAt(known, { at, code }) : known.implementations.actions[type]
    if (typeof run !== 'function') throw new Error(`the machine has no such action any more${at ? ` at ${at}` : ''}`)
    return run as RunAction
  }

  /** The effect in this place of the turn, run again. */
  #derive(place: number): TreeEffect {
    const derived = (this.#derived ??= this.#runTurnAgain())
    const { effects } = this.#record
    const isSame = derived.length === effects.length && effects.every((record, index) => this.#isSame(record, derived[index]))
    if (!isSame) throw new Error('it has no address, and its turn has other effects when it is run again')
    return derived[place] as TreeEffect
  }

  #isSame(record: EffectRecord, effect: TreeEffect | undefined): boolean {
    return effect?.kind === record.kind && effect.sessionId === this.#sessionId(record) && typeOf(effect) === record.type
  }

  #runTurnAgain(): readonly TreeEffect[] {
    const { turn } = this.#record
    if (!turn) throw new Error('its turn was not stored')
    const { blueprint, actorId, host } = this.#tree
    const twin = new LiveTree(blueprint, actorId, host)
    if (this.#before !== null) hydrateTree(twin, this.#before)
    twin.beginTurn(turn.now)
    for (const input of turn.inputs) twin.apply(decode(input, 'input', twin.refs) as Input)
    return twin.endTurn().filter(isJournaled)
  }

  #data({ data }: EffectRecord): unknown {
    return decode(data, 'data', this.#tree.refs)
  }

  #sessionId({ session }: EffectRecord): string {
    return sessionIdOf(this.#tree.actorId, session)
  }
}

function decodeParams({ params }: ActionRecord, tree: LiveTree): unknown {
  return decode(params, 'params', tree.refs)
}

/** Stands in the place of an effect that can no longer run. */
function nothing(sessionId: string, { type = '' }: EffectRecord): ActionEffect {
  const args = { context: undefined, event: { type: '' }, self: undefined, system: undefined }
  return { kind: 'action', sessionId, type, params: undefined, args, run: () => undefined }
}

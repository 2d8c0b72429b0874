/**
 * The effects of a committed turn as data, so that they run even if this process dies before they did.
 *
 * An action is stored by its name or address, with its parameters, event and context; emits, logs and deliveries are
 * data anyway. What has no address (a closure made inside `enqueueActions`, a target outside of the tree, parameters
 * with functions in them) is stored by its place only: with it go the inputs of the turn, and it is found by running
 * the turn again on the snapshot before.
 *
 * Owns: the journal's form, and writing it. Does not own: reading it (journal-reading.ts), when effects run, and which
 * have (`performed` is the caller's).
 *
 * Invariants
 * 1. An effect has the same place in the journal as among the journaled effects of its turn, also where it can no
 *    longer run: idempotency keys are made from places.
 * 2. An event or a context is stored once, however many actions it was handed to; not at all where it is the committed
 *    one.
 */
import { NotSerializableError } from '../../errors.ts'
import type { Json } from '../../persistence/store.ts'
import { encode, type StoredRef } from '../snapshot-codec.ts'
import { addressOf } from './action-addresses.ts'
import type { ActionEffect, TreeEffect } from './effects.ts'
import { isMachineSnapshot, type LiveActor, type MachineLogic } from './internals.ts'
import type { LiveTree } from './live-tree.ts'
import { sessionOf } from './references.ts'

export interface EncodedJournal {
  readonly journal: Json
  /** The snapshot before the turn must be kept beside it. */
  readonly needsBefore: boolean
}

export interface JournalRecord {
  /** Of the transition whose effects these are, where a move to another version of the machine has raised that of the row. */
  readonly version?: number
  readonly performed?: number
  readonly effects: readonly EffectRecord[]
  /** Events and contexts of actions, each stored once. */
  readonly events: readonly unknown[]
  readonly contexts: readonly unknown[]
  readonly turn?: { readonly now: number; readonly inputs: readonly unknown[] }
}

export interface EffectRecord {
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

export interface ActionRecord {
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

/** The journal of a row whose version is about to rise for another reason than a transition: idempotency keys stay as they were. */
export function keepVersion(journal: Json, version: number): Json {
  return JSON.stringify({ version, ...(JSON.parse(journal) as JournalRecord) })
}

/** The journal, knowing that its first effects have run. */
export function markPerformed(journal: Json, performed: number): Json {
  return JSON.stringify({ ...(JSON.parse(journal) as JournalRecord), performed })
}

/** null: no effect but the start of work, which the snapshot knows of. Throws NotSerializableError. */
export function encodeTreeJournal(effects: readonly TreeEffect[], tree: LiveTree): EncodedJournal | null {
  if (!effects.some((effect) => isJournaled(effect) && effect.kind !== 'start')) return null
  const journaled = effects.filter(isJournaled)
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
  const record = {
    kind: effect.kind,
    session: sessionOf(tree.actorId, effect.sessionId) as number,
    ...(type !== undefined && { type })
  }
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

function describeAction(
  effect: ActionEffect,
  tree: LiveTree,
  events: Numbering,
  contexts: Numbering
): Partial<EffectRecord> {
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

export function contextOf(actor: LiveActor | undefined): unknown {
  return actor && isMachineSnapshot(actor._snapshot) ? actor._snapshot.context : undefined
}

function logicNames(actor: LiveActor): readonly string[] {
  return actor._parent?.logic ? [...logicNames(actor._parent), actor.src as string] : []
}

export function typeOf(effect: TreeEffect): string | undefined {
  if (effect.kind === 'action') return effect.type
  if (effect.kind === 'log') return effect.label
  return 'event' in effect ? effect.event.type : undefined
}

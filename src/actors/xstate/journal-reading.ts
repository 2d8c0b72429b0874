/**
 * A journal back into effects, for the tree that was hydrated from the snapshot beside it.
 *
 * Owns: finding actions by name and address, running a turn again for what has neither, and telling what can no longer
 * run.
 * Does not own: the journal's form (journal.ts).
 *
 * Invariants
 * 1. Nothing that was derived is used unless the derived turn has the same effects, one by one, by kind, actor and
 *    type.
 * 2. What can no longer run is a problem that is told; it hinders no other effect and moves none from its place.
 */
import type { AnyEventObject } from 'xstate'
import type { Json } from '../../persistence/store.ts'
import { decode, parseJson } from '../snapshot-codec.ts'
import { actionAt, type RunAction } from './action-addresses.ts'
import type { ActionEffect, TreeEffect } from './effects.ts'
import { isMachine, type Logic, type MachineLogic } from './internals.ts'
import { type ActionRecord, contextOf, type EffectRecord, isJournaled, type JournalRecord, typeOf } from './journal.ts'
import type { Input } from './host.ts'
import { LiveTree } from './live-tree.ts'
import { sessionIdOf } from './references.ts'
import { hydrateTree } from './tree-hydration.ts'

export interface DecodedJournal {
  /**
   * All effects of the journal, in their places. One that can no longer run does nothing, and is told in `problems`.
   */
  readonly effects: readonly TreeEffect[]
  /** How many of them had run, as `markPerformed` noted. */
  readonly performed: number
  /** Of the transition whose effects they are, where it is not that of the row. */
  readonly version: number | undefined
  readonly problems: readonly string[]
}

export function decodeTreeJournal(journal: Json, before: Json | null, tree: LiveTree): DecodedJournal {
  try {
    return new JournalReader(parseJson(journal, 'the journal') as JournalRecord, before, tree).read()
  } catch (error) {
    return {
      effects: [],
      performed: 0,
      version: undefined,
      problems: [`the journal cannot be read: ${(error as Error).message}`]
    }
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
        problems.push(`effect ${place} (${record.kind} '${record.type ?? ''}'): ${(error as Error).message}`)
        return nothing(this.#sessionId(record), record)
      }
    })
    const { performed = 0, version } = this.#record
    return { effects, performed, version, problems }
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
    const run =
      at !== undefined && code !== undefined ? actionAt(known, { at, code }) : known.implementations.actions[type]
    if (typeof run !== 'function') throw new Error(`the machine has no such action any more${at ? ` at ${at}` : ''}`)
    return run as RunAction
  }

  /** The effect in this place of the turn, run again. */
  #derive(place: number): TreeEffect {
    const derived = (this.#derived ??= this.#runTurnAgain())
    const { effects } = this.#record
    const isSame =
      derived.length === effects.length && effects.every((record, index) => this.#isSame(record, derived[index]))
    if (!isSame) throw new Error('it has no address, and its turn has other effects when it is run again')
    return derived[place] as TreeEffect
  }

  #isSame(record: EffectRecord, effect: TreeEffect | undefined): boolean {
    return (
      effect?.kind === record.kind && effect.sessionId === this.#sessionId(record) && typeOf(effect) === record.type
    )
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

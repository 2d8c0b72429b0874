/**
 * One turn: everything that waits for an actor is given to its tree, one entry after the other, each to quiescence.
 *
 * Owns: deferral (which events the present state takes, which wait) and what becomes of every entry.
 * Does not own: the machine (transition.ts), the commit (actor.ts). No I/O and no clock: the time comes in.
 *
 * Invariants
 * 1. An event that the present state has no transition for waits, in order of arrival, until a state that has one: after
 *    every entry the waiting events are offered again, oldest first, before the next entry.
 * 2. Every sent event ends in exactly one list of the result.
 * 3. Nothing in the result has happened: it is what will be so if the commit succeeds.
 */
import type { AnyEventObject } from 'xstate'
import { added, NONE } from './lists.ts'
import type { Entry, SendEntry, SignalEntry, StopEntry } from './mailbox.ts'
import { reasonOfStop, STOP_EVENT_TYPE } from './stop-request.ts'
import { isOfChildren, type MachineTree, type TreeEffect } from './transition.ts'

/** An event that waits for a state that takes it. `seq: null`: it is not in the inbox yet. */
export type WaitingEvent = { readonly event: AnyEventObject } & (
  | { readonly seq: number; readonly send: null }
  | { readonly seq: null; readonly send: SendEntry }
)

export interface TurnRules {
  readonly unhandled: 'defer' | 'drop'
  /** Dedup keys that this actor is known to have taken. */
  readonly knownKeys: { has(key: string): boolean }
  /** How many events may wait. */
  readonly inboxLimit: number
}

/** Both bounds of the database's time (clock.ts): timers are set from the later, and fired by the earlier. */
export interface TurnTime {
  readonly earliestMs: number
  readonly latestMs: number
}

export interface Turn {
  readonly effects: readonly TreeEffect[]
  /** Applied, or dropped as XState would. */
  readonly applied: readonly SendEntry[]
  /** Everything that waits now, old and new, in order. */
  readonly waiting: readonly WaitingEvent[]
  /** Arrival numbers of the signals that were applied. */
  readonly consumed: readonly number[]
  /** Sent with a key that was taken before, or earlier in this turn. */
  readonly duplicates: readonly SendEntry[]
  /** Came when the machine had ended, or waited when it ended. */
  readonly refused: readonly SendEntry[]
  /** Would have had to wait, but the inbox is full. */
  readonly overflowed: readonly SendEntry[]
  readonly stops: readonly StopEntry[]
  /** Why an operator has the actor stopped, where that was in this turn and for a reason. */
  readonly stopReason: string | null
}

/** Throws where the tree cannot be brought on; it is spoiled then. */
export function runTurn(
  tree: MachineTree,
  entries: readonly Entry[],
  waiting: readonly WaitingEvent[],
  rules: TurnRules,
  time: TurnTime
): Turn {
  const run = new TurnRun(tree, waiting, rules)
  tree.beginTurn(time.latestMs)
  for (const entry of entries) {
    run.take(entry, time)
    run.offerWaiting()
  }
  return run.finish(tree.endTurn())
}

/** A turn under way. Lists that are rarely filled are made anew with each entry; an empty one costs nothing. */
class TurnRun {
  readonly #tree: MachineTree
  readonly #rules: TurnRules
  #applied: SendEntry[] = []
  #consumed: number[] = []
  #waiting: readonly WaitingEvent[]
  #refused: readonly SendEntry[] = NONE
  #overflowed: readonly SendEntry[] = NONE
  #repeated: readonly SendEntry[] = NONE
  #stops: readonly StopEntry[] = NONE
  #stopReason: string | null = null
  #acceptedKeys: Set<string> | undefined

  constructor(tree: MachineTree, waiting: readonly WaitingEvent[], rules: TurnRules) {
    this.#tree = tree
    this.#waiting = waiting
    this.#rules = rules
  }

  take(entry: Entry, time: TurnTime): void {
    switch (entry.kind) {
      case 'send':
        return this.#takeSend(entry)
      case 'signal':
        return this.#takeSignal(entry)
      case 'timers':
        return this.#fireTimers(time)
      case 'stop':
        this.#stops = [...this.#stops, entry]
        if (this.#isActive) this.#tree.apply({ kind: 'stop' })
        return
      default:
        this.#tree.apply(entry)
    }
  }

  offerWaiting(): void {
    for (let index = 0; index < this.#waiting.length && this.#isActive;) {
      const next = this.#waiting[index] as WaitingEvent
      if (!this.#takes(next.event.type)) {
        index++
        continue
      }
      this.#waiting = this.#waiting.toSpliced(index, 1)
      this.#give(next.event)
      if (next.send) this.#applied = added(this.#applied, next.send)
      else this.#consumed = added(this.#consumed, next.seq)
      index = 0
    }
  }

  finish(effects: readonly TreeEffect[]): Turn {
    // What was sent in this turn and still waits when the machine ends was never accepted: nobody would read it.
    if (!this.#isActive) {
      this.#refused = [...this.#refused, ...this.#waiting.flatMap(({ send }) => send ?? [])]
      this.#waiting = this.#waiting.filter(({ send }) => send === null)
    }
    const isRefused = ({ dedupKey }: SendEntry): boolean => this.#refused.some((entry) => entry.dedupKey === dedupKey)
    const repeated = this.#repeated
    return {
      effects,
      applied: this.#applied,
      waiting: this.#waiting,
      consumed: this.#consumed,
      duplicates: repeated.length === 0 ? NONE : repeated.filter((entry) => !isRefused(entry)),
      refused: repeated.length === 0 ? this.#refused : [...this.#refused, ...repeated.filter(isRefused)],
      overflowed: this.#overflowed,
      stops: this.#stops,
      stopReason: this.#stopReason
    }
  }

  #takeSend(entry: SendEntry): void {
    if (this.#isRepeated(entry.dedupKey)) this.#repeated = [...this.#repeated, entry]
    else if (!this.#isActive) this.#refused = [...this.#refused, entry]
    else if (this.#takes(entry.event.type)) {
      this.#give(entry.event)
      this.#applied = added(this.#applied, entry)
      this.#accept(entry.dedupKey)
    } else if (this.#waiting.length < this.#rules.inboxLimit) {
      this.#waiting = [...this.#waiting, { event: entry.event, seq: null, send: entry }]
      this.#accept(entry.dedupKey)
    } else this.#overflowed = [...this.#overflowed, entry]
  }

  #takeSignal({ event, seq }: SignalEntry): void {
    if (this.#isActive && (isOfChildren(event) || this.#takes(event.type))) {
      this.#give(event)
      this.#consumed = added(this.#consumed, seq)
    } else this.#waiting = [...this.#waiting, { event, seq, send: null }]
  }

  #fireTimers(time: TurnTime): void {
    for (const seq of this.#tree.dueTimers(time.earliestMs)) {
      this.#tree.apply({ kind: 'timer', seq })
      this.offerWaiting()
    }
  }

  get #isActive(): boolean {
    return this.#tree.status === 'active'
  }

  #takes(type: string): boolean {
    return this.#rules.unhandled === 'drop' || type === STOP_EVENT_TYPE || this.#tree.takes(type) !== 'defer'
  }

  #give(event: AnyEventObject): void {
    if (isOfChildren(event)) return this.#tree.hear(event)
    if (event.type !== STOP_EVENT_TYPE) return this.#tree.apply({ kind: 'event', event })
    this.#stopReason = reasonOfStop(event)
    this.#tree.apply({ kind: 'stop' })
  }

  #isRepeated(key: string | null): boolean {
    return key !== null && (this.#rules.knownKeys.has(key) || (this.#acceptedKeys?.has(key) ?? false))
  }

  #accept(key: string | null): void {
    if (key !== null) this.#acceptedKeys = (this.#acceptedKeys ?? new Set()).add(key)
  }
}

/** The machine was not touched, and nothing is new: what came was sent before, comes too late, or waits in the inbox as it did. */
export function changesNothing({ applied, consumed, waiting }: Turn, entries: readonly Entry[]): boolean {
  const isTouched = applied.length > 0 || consumed.length > 0 || waiting.some(({ send }) => send !== null)
  return !isTouched && entries.every(({ kind }) => kind === 'send' || kind === 'signal')
}

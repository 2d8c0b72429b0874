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
import type { Entry, SendEntry, SignalEntry, StopEntry } from './mailbox.ts'
import type { MachineTree, TreeEffect } from './transition.ts'

/** An event that waits for a state that takes it. `seq: null`: it is not in the inbox yet. */
export type WaitingEvent = { readonly event: AnyEventObject } & (
  | { readonly seq: number; readonly send: null }
  | { readonly seq: null; readonly send: SendEntry }
)

/** An event of this type in an inbox is a request to stop; `send` refuses the type to everybody else. */
export const STOP_EVENT_TYPE = 'xstate.stop'

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
}

export function runTurn(
  tree: MachineTree,
  entries: readonly Entry[],
  waitingBefore: readonly WaitingEvent[],
  rules: TurnRules,
  time: TurnTime
): Turn {
  const applied: SendEntry[] = []
  const refused: SendEntry[] = []
  const overflowed: SendEntry[] = []
  const repeated: SendEntry[] = []
  const consumed: number[] = []
  const stops: StopEntry[] = []
  let waiting: WaitingEvent[] = [...waitingBefore]
  const acceptedKeys = new Set<string>()

  const takes = (type: string): boolean =>
    rules.unhandled === 'drop' || type === STOP_EVENT_TYPE || tree.takes(type) !== 'defer'

  const give = (event: AnyEventObject): void =>
    tree.apply(event.type === STOP_EVENT_TYPE ? { kind: 'stop' } : { kind: 'event', event })

  const offerWaiting = (): void => {
    for (let index = 0; index < waiting.length && tree.status === 'active';) {
      const next = waiting[index] as WaitingEvent
      if (!takes(next.event.type)) {
        index++
        continue
      }
      waiting.splice(index, 1)
      give(next.event)
      if (next.send) applied.push(next.send)
      else consumed.push(next.seq)
      index = 0
    }
  }

  const offerSend = (entry: SendEntry): void => {
    const key = entry.dedupKey
    if (key !== null && (rules.knownKeys.has(key) || acceptedKeys.has(key))) return void repeated.push(entry)
    if (tree.status !== 'active') return void refused.push(entry)
    if (takes(entry.event.type)) {
      give(entry.event)
      applied.push(entry)
    } else if (waiting.length < rules.inboxLimit) {
      waiting.push({ event: entry.event, seq: null, send: entry })
    } else {
      return void overflowed.push(entry)
    }
    if (key !== null) acceptedKeys.add(key)
  }

  const offerSignal = (entry: SignalEntry): void => {
    if (tree.status === 'active' && takes(entry.event.type)) {
      give(entry.event)
      consumed.push(entry.seq)
    } else {
      waiting.push({ event: entry.event, seq: entry.seq, send: null })
    }
  }

  const fireDueTimers = (): void => {
    for (const seq of tree.dueTimers(time.earliestMs)) {
      tree.apply({ kind: 'timer', seq })
      offerWaiting()
    }
  }

  tree.beginTurn(time.latestMs)
  for (const entry of entries) {
    if (entry.kind === 'send') offerSend(entry)
    else if (entry.kind === 'signal') offerSignal(entry)
    else if (entry.kind === 'timers') fireDueTimers()
    else if (entry.kind === 'stop') {
      stops.push(entry)
      if (tree.status === 'active') tree.apply({ kind: 'stop' })
    } else tree.apply(entry)
    offerWaiting()
  }
  const effects = tree.endTurn()

  // What was sent in this turn and still waits when the machine ends was never accepted: nobody would read it.
  if (tree.status !== 'active') {
    for (const { send } of waiting) if (send) refused.push(send)
    waiting = waiting.filter((event) => event.send === null)
  }
  const refusedKeys = new Set(refused.map((entry) => entry.dedupKey))
  const isRefused = (entry: SendEntry): boolean => refusedKeys.has(entry.dedupKey)
  return {
    effects,
    applied,
    waiting,
    consumed,
    duplicates: repeated.filter((entry) => !isRefused(entry)),
    refused: [...refused, ...repeated.filter(isRefused)],
    overflowed,
    stops
  }
}

/** All that was sent is answered without the machine: it was sent before, or comes too late. */
export function changesNothing({ applied, waiting }: Turn, entries: readonly Entry[]): boolean {
  return (
    entries.every(({ kind }) => kind === 'send') && applied.length === 0 && waiting.every(({ send }) => send === null)
  )
}

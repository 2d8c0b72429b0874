/**
 * The delayed events of one tree, as data.
 *
 * Owns: `after`, delayed `raise` and `sendTo`, and `cancel`, with the rules of XState's own scheduler.
 * Does not own: clocks (the time comes in), firing (live-tree.ts).
 *
 * Invariants
 * 1. A timer has an absolute time, so that sleeping does not prolong it.
 * 2. A second timer with the source and id of a first takes over its name: the first still fires, but can no longer be
 *    cancelled; and when the first fires, the second can no longer be cancelled either. This is what XState does.
 */
import type { AnyEventObject } from 'xstate'

export interface Timer {
  readonly seq: number
  /** Session ids of the actor that set it and of the one that gets the event. */
  readonly source: string
  readonly target: string
  /** undefined: cannot be cancelled by id. */
  readonly id: string | undefined
  readonly event: AnyEventObject
  readonly dueAt: number
  /** Has lost its id to a later timer. */
  isNameless: boolean
}

/** The last moment that a date can express: what a delay of Infinity comes to. */
const END_OF_TIME = 8.64e15

export function dueTime(nowMs: number, delayMs: number): number {
  return delayMs > 0 ? Math.min(nowMs + delayMs, END_OF_TIME) : nowMs
}

export class TimerTable {
  #timers: Timer[] = []

  all(): readonly Timer[] {
    return this.#timers
  }

  add(timer: Timer): void {
    if (timer.id !== undefined && !timer.isNameless) this.#takeName(timer.source, timer.id)
    this.#timers.push(timer)
  }

  /** Removes a timer that is about to fire; undefined where it was cancelled meanwhile. */
  take(seq: number): Timer | undefined {
    const index = this.#timers.findIndex((timer) => timer.seq === seq)
    if (index < 0) return undefined
    const [timer] = this.#timers.splice(index, 1) as [Timer]
    if (timer.id !== undefined) this.#takeName(timer.source, timer.id)
    return timer
  }

  cancel(source: string, id: string): void {
    const index = this.#timers.findIndex((timer) => timer.source === source && timer.id === id && !timer.isNameless)
    if (index >= 0) this.#timers.splice(index, 1)
  }

  cancelAll(source: string): void {
    if (this.#timers.length > 0)
      this.#timers = this.#timers.filter((timer) => timer.source !== source || timer.isNameless)
  }

  clear(): void {
    this.#timers = []
  }

  next(): Timer | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers) if (!earliest || isBefore(timer, earliest)) earliest = timer
    return earliest
  }

  /** In the order in which they fire. */
  due(nowMs: number): readonly Timer[] {
    return this.#timers.filter((timer) => timer.dueAt <= nowMs).toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #takeName(source: string, id: string): void {
    for (const timer of this.#timers) if (timer.source === source && timer.id === id) timer.isNameless = true
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.seq < b.seq)
}

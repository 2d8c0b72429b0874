/** Time that stands still until it is told to move. Epoch milliseconds. */
import type { SyncedClock } from '../clock.ts'

interface Alarm {
  readonly dueMs: number
  readonly callback: () => void
}

export class VirtualClock implements SyncedClock {
  #nowMs: number
  #alarms: readonly Alarm[] = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  earliestMs(): number {
    return this.#nowMs
  }

  latestMs(): number {
    return this.#nowMs
  }

  /** The database has this very clock. */
  addSample(): void {}

  schedule(dueMs: number, callback: () => void): () => void {
    const alarm = { dueMs, callback }
    this.#alarms = [...this.#alarms, alarm].toSorted((a, b) => a.dueMs - b.dueMs)
    if (dueMs <= this.#nowMs) queueMicrotask(() => this.moveTo(this.#nowMs))
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm)
    }
  }

  /** When the next alarm rings; undefined: none is set. */
  get nextAlarmMs(): number | undefined {
    return this.#alarms[0]?.dueMs
  }

  /** Moves on, and rings what is due by then, in order. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms)
    const due = this.#alarms.filter(({ dueMs }) => dueMs <= this.#nowMs)
    this.#alarms = this.#alarms.filter(({ dueMs }) => dueMs > this.#nowMs)
    for (const { callback } of due) callback()
  }
}

/** One actor's alarm: calls back when the earliest of its timers is due. */
import type { Clock } from '../clock.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #dueAt: number | undefined
  #cancel: (() => void) | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Epoch milliseconds by the database's clock; undefined: no alarm. */
  set(dueAt: number | undefined): void {
    if (dueAt === this.#dueAt) return
    this.#cancel?.()
    this.#dueAt = dueAt
    this.#cancel = dueAt === undefined ? undefined : this.#clock.schedule(dueAt, () => this.#fire())
  }

  // Forgets that it was set: a timer that is still there after the turn has rung too early and is to ring again.
  #fire(): void {
    this.#dueAt = undefined
    this.#cancel = undefined
    this.#ring()
  }
}

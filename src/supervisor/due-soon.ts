/**
 * Rows that this node has let go and that are due before a picker would look by itself: at that time it looks.
 *
 * The last look was before they were let go, so it could not tell the picker of them.
 *
 * Owns: the earliest of these times; the look at it tells of the next. Does not own: looking (picker.ts), waiting for times
 * that lie further ahead, which the looks until then find.
 */
import type { Clock } from '../clock.ts'
import type { Commit } from '../persistence/store.ts'

export interface DueSoonOptions {
  readonly clock: Clock
  readonly pollMs: number
  readonly look: () => void
}

export class DueSoon {
  readonly #options: DueSoonOptions
  #dueMs = Infinity
  #callOff = (): void => undefined

  constructor(options: DueSoonOptions) {
    this.#options = options
  }

  /** A commit that has let go of its row is in the database. */
  note({ timerAt, retryInMs }: Pick<Commit, 'timerAt' | 'retryInMs'>): void {
    const { clock, pollMs } = this.#options
    const nowMs = clock.latestMs()
    const dueMs = retryInMs === null ? timerAt : nowMs + retryInMs
    if (dueMs === null || dueMs >= this.#dueMs || dueMs - nowMs >= pollMs) return
    this.clear()
    this.#dueMs = dueMs
    this.#callOff = clock.schedule(dueMs, () => {
      this.#dueMs = Infinity
      this.#options.look()
    })
  }

  clear(): void {
    this.#callOff()
    this.#dueMs = Infinity
  }
}

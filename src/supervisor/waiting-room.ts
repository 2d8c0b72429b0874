/**
 * Calls that wait until their node is a member again.
 *
 * Owns: who waits, and for how long. Does not own: membership; its owner says when it has come.
 *
 * Invariants
 * 1. They are let in, or turned away, in the order in which they came.
 * 2. Nobody waits for longer than a lease, or than a minute, and no more than so many wait at once.
 */
import { LeaseLostError, OverloadedError } from '../errors.ts'

interface Waiting<Value> {
  readonly sinceMs: number
  readonly resolve: (value: Value) => void
  readonly reject: (reason: unknown) => void
}

const MAX_WAITING = 100_000
const MAX_WAIT_MS = 60_000

export class WaitingRoom<Value> {
  readonly #withinMs: number
  readonly #stopped: AbortSignal
  #waiting: Waiting<Value>[] = []
  /** Set for whoever came first, while anybody is there. */
  #timer: NodeJS.Timeout | null = null

  constructor(leaseMs: number, stopped: AbortSignal) {
    this.#withinMs = Math.min(leaseMs, MAX_WAIT_MS)
    this.#stopped = stopped
    stopped.addEventListener('abort', () => this.#leave((one) => one.reject(stopped.reason)))
  }

  /**
   * `resolve` is called within `letIn`, so that nobody who comes after that can be first; `reject` with LeaseLostError,
   * OverloadedError, or the reason of the signal.
   */
  enter(resolve: (value: Value) => void, reject: (reason: unknown) => void): void {
    if (this.#stopped.aborted) return reject(this.#stopped.reason)
    if (this.#waiting.length >= MAX_WAITING) return reject(new OverloadedError(MAX_WAITING))
    this.#waiting.push({ sinceMs: performance.now(), resolve, reject })
    this.#timer ??= setTimeout(() => this.#turnAway(), this.#withinMs)
  }

  letIn(value: Value): void {
    this.#leave((one) => one.resolve(value))
  }

  #leave(tell: (one: Waiting<Value>) => void): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    for (const one of this.#waiting.splice(0)) tell(one)
  }

  #turnAway(): void {
    const now = performance.now()
    const first = this.#waiting.findIndex(({ sinceMs }) => now - sinceMs < this.#withinMs)
    const late = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first)
    const next = this.#waiting[0]
    this.#timer = next ? setTimeout(() => this.#turnAway(), Math.ceil(next.sinceMs + this.#withinMs - now)) : null
    for (const { reject } of late) reject(new LeaseLostError(`it has not joined within ${this.#withinMs} ms`))
  }
}

/**
 * What the code that runs now is for: an action, or invoked work, of a durable actor.
 *
 * Owns: handing that along asynchronous calls. Does not own: when effects run (actors/effect-runner.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PermitUse } from './definitions.ts'

export interface CurrentWork {
  readonly key: string
  readonly actorId: string
  /** 1, 2, … of an activity; 1 for all else. */
  readonly attempt: number
  /** Of invoked work that may end its actor's turn in a transaction of its own. */
  readonly transact: Transact | null
  readonly permits: Permits
}

export interface Permits {
  /**
   * Resolves when work may begin, to what is to be called when it is over. `holder`: its name, the same when it is repeated after a
   * crash. Rejects with Throttled where that takes longer, with NonRetryableError where it never can, with the reason of `signal`.
   */
  take(uses: readonly PermitUse[], holder: string, signal: AbortSignal): Promise<() => void>
}

/**
 * Runs `work` in a transaction, commits in it what its actor does on hearing of the result, and resolves when that is done. Rejects
 * with what `work` rejects with, or with the reason of `signal`: then nothing has happened.
 */
export type Transact = (work: (client: unknown) => Promise<unknown>, signal: AbortSignal) => Promise<void>

const current = new AsyncLocalStorage<CurrentWork>()

/** undefined outside of durable actors, e.g. where a machine runs under plain XState. */
export function currentWork(): CurrentWork | undefined {
  return current.getStore()
}

/** Runs `effect` so that `currentWork()` answers `work` in it and in all that it starts. */
export function runAsWork(work: CurrentWork, effect: () => unknown): unknown {
  return current.run(work, effect)
}

/**
 * The idempotency key of the action or invoked work that calls it, also after an `await`.
 *
 * Effects run at least once: what was not acknowledged before a crash runs again, with the same key. Hand the key to the service
 * that you call (most payment and mail services take one), and it takes effect once. The same for every repetition of that effect,
 * and never the same for another: for an action `<actor>:<version>:<index>`, for invoked work its session id. At most 80
 * characters of ASCII.
 *
 * @returns undefined outside an effect of a durable actor, e.g. where the machine runs under plain XState
 * @example
 * const charge = fromPromise(({ input }) => stripe.charges.create(input, { idempotencyKey: idempotencyKey() }))
 */
export function idempotencyKey(): string | undefined {
  return currentWork()?.key
}

/**
 * The key under which the effect that runs now may be repeated.
 *
 * Effects run at least once: what was not acknowledged before a crash runs again, with the same key. Hand the key to the
 * service that you call (most payment and mail services take one), and it takes effect once.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<string>()

/**
 * The idempotency key of the action or invoked work that calls it, also after an `await`.
 *
 * The same for every repetition of that effect, and never the same for another: for an action `<actor>:<version>:<index>`,
 * for invoked work its session id. At most 80 characters of ASCII.
 *
 * @returns undefined outside an effect of a durable actor, e.g. where the machine runs under plain XState
 * @example
 * const charge = fromPromise(({ input }) => stripe.charges.create(input, { idempotencyKey: idempotencyKey() }))
 */
export function idempotencyKey(): string | undefined {
  return current.getStore()
}

/** Runs `effect` so that `idempotencyKey()` answers `key` in it and in all that it starts. */
export function runAsEffect(key: string, effect: () => unknown): unknown {
  return current.run(key, effect)
}

/**
 * `transaction`: invoked work whose writes to the database are a part of the commit of the transition that it causes.
 *
 * Owns: what the user's function is handed. Does not own: the transaction, and the turn in it (actors/own-transaction.ts).
 */
import { fromPromise, type NonReducibleUnknown, type PromiseActorLogic } from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { readRetry, readFields, type RetryInput } from '../plain-arguments.ts'
import type { RetryPolicy } from '../retry-policy.ts'
import { isRetryable } from './activity.ts'
import { currentWork } from './current-work.ts'
import { define } from './definitions.ts'

export interface TransactionArgs<TInput = NonReducibleUnknown, TClient = unknown> {
  readonly input: TInput
  /** In the transaction: a pg client, what postgres.js hands to the callback of `begin`, or a PGlite transaction, as the runtime's `database` is. */
  readonly client: TClient
  /** Aborted when the state is left, or the actor leaves this process; then the transaction is rolled back. */
  readonly signal: AbortSignal
  readonly attempt: number
  readonly idempotencyKey: string
  readonly actorId: string
}

export interface TransactionOptions {
  /**
   * As that of an activity. Default: only what lost a race for rows (a deadlock, a serialization failure) is tried again, five times
   * in all and with short pauses; `false`: the first error comes as `onError`.
   */
  readonly retry?: RetryInput
}

const OPTIONS = ['retry'] as const satisfies readonly (keyof TransactionOptions)[]

/** A race is lost to somebody who is done soon. */
const RACE_RETRY: RetryPolicy = { maxAttempts: 5, initialMs: 20, factor: 3, maxMs: 1_000, jitter: 0.5 }
/** Postgres for a serialization failure, and for a deadlock. */
const RACE_CODES: readonly unknown[] = ['40001', '40P01']

/**
 * Invoked work in the database, exactly once, for `setup({ actors })`. `fn` runs in a transaction; when it returns, the machine takes
 * the transition of `onDone`, and that is committed in the same transaction. So either both are there, or neither: what a crash cuts
 * off has not happened, and begins again; so does what is cut off by the loss of the connection, by a deadlock or by a serialization
 * failure. What else `fn` throws rolls back, and comes as `onError`.
 *
 * Do only statements in it, and few: it holds a connection of the pool, and its locks, until it returns. It must not end the
 * transaction itself. Not for other services: those get an `activity`. Throws InvalidArgumentError for options that cannot be used.
 *
 * @example
 * const take = transaction(async ({ input, client }: TransactionArgs<{ item: string }, pg.ClientBase>) => {
 *   await client.query('update stock set pieces = pieces - 1 where item = $1', [input.item])
 * })
 */
export function transaction<TOutput, TInput = NonReducibleUnknown, TClient = unknown>(
  fn: (args: TransactionArgs<TInput, TClient>) => PromiseLike<TOutput> | TOutput,
  options: TransactionOptions = {}
): PromiseActorLogic<TOutput, TInput> {
  if (typeof fn !== 'function') {
    throw new InvalidArgumentError('transaction', 'is given no function', 'Pass transaction(async ({ client }) => …)')
  }
  const { retry } = readFields('transaction', options, OPTIONS)
  const logic = fromPromise<TOutput, TInput>(async ({ input, signal }) => {
    const work = currentWork()
    if (!work?.transact) {
      throw new InvalidArgumentError(
        'transaction',
        'has no database to run in',
        'Run the machine in a runtime on Postgres; in a test under plain XState, provide({ actors }) a stand-in'
      )
    }
    const { attempt, key: idempotencyKey, actorId } = work
    await work.transact(async (client) => {
      return fn({ input, client: client as TClient, signal, attempt, idempotencyKey, actorId })
    }, signal)
    // The output went with the commit, and the machine has moved on: nobody waits for it here.
    return undefined as TOutput
  })
  return define(logic, {
    kind: 'activity',
    retry: retry === undefined ? RACE_RETRY : readRetry(retry),
    isRetryable: retry === undefined ? (error) => isRetryable(error) && hasLostRace(error) : isRetryable,
    limits: []
  })
}

/** Whatever stands between the client and `fn` may have wrapped the error. */
function hasLostRace(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (RACE_CODES.includes((at as { code?: unknown }).code)) return true
  }
  return false
}

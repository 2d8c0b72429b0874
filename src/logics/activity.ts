/**
 * `activity`: invoked work that fails now and then, and is tried again until it succeeds or its policy gives up.
 *
 * Owns: one attempt: what the user's function is handed, its timeout. Where there is no perdure, all attempts.
 * Does not own: when a failed attempt is tried again in a durable actor: that is in its row (actors/xstate/activity-logic.ts).
 */
import { fromPromise, type EventObject, type NonReducibleUnknown, type PromiseActorLogic } from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { readDurationMs, readRetry, readFields, type DurationInput, type RetryInput } from '../plain-arguments.ts'
import { nextAttemptInMs, type RetryPolicy } from '../retry-policy.ts'
import { currentWork } from './current-work.ts'
import { define } from './definitions.ts'
import { ActivityTimeoutError, NonRetryableError } from './errors.ts'
import { readLimitUses, type LimitUses } from './limit-use.ts'

export interface ActivityArgs<TInput> {
  readonly input: TInput
  /** Aborted when the state is left, when the attempt takes too long, or the actor leaves this process. */
  readonly signal: AbortSignal
  /** 1, 2, … An attempt that a crash cut off has the same number when it is repeated. */
  readonly attempt: number
  /** The same for all attempts. Under plain XState: the session id of the child. */
  readonly idempotencyKey: string
  /** Of the durable actor whose work it is. Under plain XState: the session id of the parent, or of the child. */
  readonly actorId: string
  readonly emit: (event: EventObject) => void
}

export interface ActivityOptions<TInput = NonReducibleUnknown> extends LimitUses<TInput> {
  /** Default: 5 attempts, 1 second apart, then 2, 4, 8, with 20 % of chance in it. `false`: one attempt. */
  readonly retry?: RetryInput
  /** For each attempt: then its signal is aborted, and it has failed with ActivityTimeoutError. Default: none. */
  readonly timeout?: DurationInput
}

/** What a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** How long an attempt that was told to end keeps its permits. */
const MAX_HOLD_MS = 30_000

const OPTIONS = ['retry', 'timeout', 'rateLimit', 'concurrency'] as const satisfies readonly (keyof ActivityOptions)[]

/**
 * Invoked work with retries, for `setup({ actors })`: like `fromPromise`, but an attempt that fails is repeated by a policy. Which
 * attempt it is and when the next is due are in the actor's row: a pause costs no memory and outlives crashes. Leaving the state
 * ends it. The error of the last attempt comes as `onError`.
 *
 * An attempt runs at least once: hand `idempotencyKey` on. Throws InvalidArgumentError for options that cannot be used.
 *
 * @example
 * const charge = activity(({ input, signal, idempotencyKey }: ActivityArgs<{ amount: number }>) =>
 *   stripe.charge(input.amount, { signal, idempotencyKey }), { retry: { maxAttempts: 8 }, timeout: '10 seconds' })
 */
export function activity<TOutput, TInput = NonReducibleUnknown>(
  fn: (args: ActivityArgs<TInput>) => PromiseLike<TOutput> | TOutput,
  given: ActivityOptions<TInput> = {}
): PromiseActorLogic<TOutput, TInput> {
  if (typeof fn !== 'function') {
    throw new InvalidArgumentError('activity', 'is given no function', 'Pass activity(async ({ input }) => …)')
  }
  const options = readFields('activity', given, OPTIONS)
  const retry = readRetry(options.retry ?? true)
  const timeoutMs = readTimeoutMs(options.timeout)
  const limits = readLimitUses(options)
  const logic = fromPromise<TOutput, TInput>(async ({ input, signal, self, emit }) => {
    const work = currentWork()
    const args = { input, emit }
    if (work) {
      const { attempt, key: idempotencyKey, actorId } = work
      const run = (own: AbortSignal) => fn({ ...args, signal: own, attempt, idempotencyKey, actorId })
      if (limits.length === 0) return runAttempt(run, signal, timeoutMs)
      const uses = limits.map((limit) => limit.of(input))
      const release = await work.permits.take(uses, idempotencyKey, signal)
      return runAttempt((own) => releaseAfter(run, own, release), signal, timeoutMs)
    }
    const named = { idempotencyKey: self.sessionId, actorId: self._parent?.sessionId ?? self.sessionId }
    return runAllAttempts(
      (attempt) => runAttempt((own) => fn({ ...args, ...named, signal: own, attempt }), signal, timeoutMs),
      retry,
      signal
    )
  })
  return define(logic, { kind: 'activity', retry, isRetryable, limits })
}

function readTimeoutMs(timeout: DurationInput | undefined): number | null {
  if (timeout === undefined) return null
  const timeoutMs = readDurationMs('timeout', timeout)
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS) return timeoutMs
  throw new InvalidArgumentError('timeout', 'is out of range', 'Pass more than 0 and at most 24 days')
}

/** false: the error says that another attempt would fail as well. */
export function isRetryable(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (at instanceof NonRetryableError || (at as { _tag?: unknown })._tag === 'NonRetryableError') return false
  }
  return true
}

/** An attempt that is told to end keeps its permits while it heeds that, but for so long at most. */
async function releaseAfter<TOutput>(
  run: (signal: AbortSignal) => PromiseLike<TOutput> | TOutput,
  signal: AbortSignal,
  release: () => void
): Promise<TOutput> {
  signal.addEventListener('abort', () => setTimeout(release, MAX_HOLD_MS).unref(), { once: true })
  try {
    return await run(signal)
  } finally {
    release()
  }
}

async function runAttempt<TOutput>(
  attempt: (signal: AbortSignal) => PromiseLike<TOutput> | TOutput,
  signal: AbortSignal,
  timeoutMs: number | null
): Promise<TOutput> {
  if (timeoutMs === null) return attempt(signal)
  const timeout = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new ActivityTimeoutError(timeoutMs)
      timeout.abort(error)
      reject(error)
    }, timeoutMs)
  })
  try {
    return await Promise.race([attempt(AbortSignal.any([signal, timeout.signal])), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the row does for a durable actor, within this process. */
async function runAllAttempts<TOutput>(
  run: (attempt: number) => Promise<TOutput>,
  retry: RetryPolicy | null,
  signal: AbortSignal
): Promise<TOutput> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(attempt)
    } catch (error) {
      const pauseMs = isRetryable(error) ? nextAttemptInMs(retry, attempt, Math.random()) : null
      if (pauseMs === null || signal.aborted) throw error
      await pause(pauseMs, signal)
      if (signal.aborted) throw error
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, MAX_TIMER_MS))
    signal.addEventListener('abort', done)
  })
}

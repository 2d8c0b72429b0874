/**
 * When a failed attempt is tried again. Pure.
 */
export interface RetryPolicy {
  /** Attempts in all, the first included; then the actor is parked. */
  readonly maxAttempts: number
  /** Pause after the first failed attempt. */
  readonly initialMs: number
  /** Growth of the pause from one attempt to the next. */
  readonly factor: number
  readonly maxMs: number
  /** 0 … 1: how much of the pause is random, so that actors which failed together do not come back together. */
  readonly jitter: number
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  initialMs: 1000,
  factor: 2,
  maxMs: 300_000,
  jitter: 0.2
}

/** When a failed attempt is followed by the next, in milliseconds; null: never, the actor is parked. */
export function nextAttemptInMs(policy: RetryPolicy | null, attempt: number, random: number): number | null {
  return policy !== null && attempt < policy.maxAttempts ? backOffMs(policy, attempt, random) : null
}

/** The pause after failed attempt `attempt` (1, 2, …), in milliseconds; `random` is in [0, 1). */
export function backOffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const pause = Math.min(policy.initialMs * policy.factor ** (attempt - 1), policy.maxMs)
  return Math.round(pause * (1 - policy.jitter * random))
}

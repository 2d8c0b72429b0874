/**
 * Arguments that can be read without knowing anything of machines: texts, counts, durations, retry policies.
 *
 * Owns: what such an argument may be, and how it is refused. Does not own: events, addresses, options of a spawn (arguments.ts).
 */
import * as Duration from 'effect/Duration'
import { InvalidArgumentError } from './errors.ts'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy.ts'

/** Milliseconds, or words: `500`, `'10 seconds'`, `'1 hour'`, `'30 days'`. */
export type DurationInput = number | `${number} ${'milli' | 'second' | 'minute' | 'hour' | 'day' | 'week'}${'' | 's'}`

/** A retry policy as users write it. `true`: the default one; `false`: none. */
export type RetryInput =
  | boolean
  | (Partial<Omit<RetryPolicy, 'initialMs' | 'maxMs'>> & {
      readonly initial?: DurationInput
      readonly max?: DurationInput
    })

const LONE_SURROGATE = /\p{Surrogate}/u
const MAX_DURATION_MS = 1000 * 365 * 24 * 3_600_000
const MAX_TEXT = 1024
const MAX_PRIORITY = 32_767

/** A name that nobody knows is a mistake in spelling: what was meant would be left out in silence. */
export function refuseUnknown(argument: string, given: object, known: readonly string[]): void {
  const name = Object.keys(given).find((key) => !known.includes(key))
  if (name === undefined) return
  throw new InvalidArgumentError(`${argument}: '${name}'`, 'is unknown', `Known: ${known.join(', ')}`)
}

export function readDurationMs(argument: string, value: DurationInput): number {
  let ms: number
  try {
    ms = Duration.toMillis(value)
  } catch {
    ms = NaN
  }
  if (ms >= 0 && ms <= MAX_DURATION_MS) return ms
  throw new InvalidArgumentError(
    argument,
    'is no duration',
    "Pass milliseconds, or words such as '10 seconds' or '1 hour'"
  )
}

/** How long something is kept; null: for ever. */
export function readRetentionMs(value: DurationInput | false): number | null {
  return value === false || value === Infinity ? null : readDurationMs('retention', value)
}

/** A text that goes into a column, and into an index: not empty, not endless, nothing that Postgres cannot hold. */
export function readText(argument: string, value: unknown): string {
  const isText = typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT
  if (isText && !value.includes('\0') && !LONE_SURROGATE.test(value)) return value
  throw new InvalidArgumentError(
    argument,
    `is no usable text`,
    `Pass 1 to ${MAX_TEXT} characters of well-formed Unicode without NUL`
  )
}

export function readPriority(priority: number = 0): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return priority
  throw new InvalidArgumentError(
    'priority',
    'is out of range',
    `Pass a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`
  )
}

export function readCount(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError(argument, 'is no count', 'Pass a whole number above 0')
}

/** null: no second attempt. */
export function readRetry(retry: RetryInput): RetryPolicy | null {
  if (retry === false) return null
  const { initial, max, ...rest } = retry === true ? {} : retry
  const { initialMs: defaultMs, maxMs: defaultMaxMs } = DEFAULT_RETRY_POLICY
  const initialMs = initial === undefined ? defaultMs : readDurationMs('retry.initial', initial)
  // A first pause above the default bound is meant as it is said.
  const maxMs = max === undefined ? Math.max(defaultMaxMs, initialMs) : readDurationMs('retry.max', max)
  const policy: RetryPolicy = { ...DEFAULT_RETRY_POLICY, ...rest, initialMs, maxMs }
  readCount('retry.maxAttempts', policy.maxAttempts)
  if (!(policy.factor >= 1)) throw new InvalidArgumentError('retry.factor', 'is below 1', 'Pass 1 or more')
  if (!(policy.jitter >= 0 && policy.jitter <= 1)) {
    throw new InvalidArgumentError('retry.jitter', 'is out of range', 'Pass a number from 0 to 1')
  }
  return policy
}

/**
 * Arguments that can be read without knowing anything of machines: counts, durations, retry policies, and texts (texts.ts).
 *
 * Owns: what such an argument may be, and how it is refused. Does not own: events, addresses, options of a spawn (arguments.ts).
 */
import * as Duration from 'effect/Duration'
import { InvalidArgumentError } from './errors.ts'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy.ts'
import { lookAt } from './texts.ts'

export * from './texts.ts'

/** Milliseconds, or words: `500`, `'10 seconds'`, `'1 hour'`, `'30 days'`. */
export type DurationInput = number | `${number} ${'milli' | 'second' | 'minute' | 'hour' | 'day' | 'week'}${'' | 's'}`

/** A retry policy as users write it. `true`: the default one; `false`: none. */
export type RetryInput =
  | boolean
  | (Partial<Omit<RetryPolicy, 'initialMs' | 'maxMs'>> & {
      readonly initial?: DurationInput
      readonly max?: DurationInput
    })

const MAX_DURATION_MS = 1000 * 365 * 24 * 3_600_000
const MAX_PRIORITY = 32_767
/** What Postgres has for an integer. */
const MAX_COUNT = 2 ** 31 - 1
/** From the year 1 to the last moment that a Date can express. */
const FIRST_TIME_MS = -62_135_596_800_000
const LAST_TIME_MS = 8.64e15

/**
 * The options of a call, each looked at once: what a getter or a proxy answers later counts for nothing. A name that nobody knows is a
 * mistake in spelling: what was meant would be left out in silence.
 */
export function readFields<Options extends object>(
  argument: string,
  given: Options,
  known: readonly (keyof Options & string)[]
): Options {
  const unknown = lookAt(argument, 'Pass a plain object', () => {
    const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given)
    return isRecord ? Object.keys(given).filter((name) => !known.some((each) => each === name)) : null
  })
  if (unknown === null) {
    throw new InvalidArgumentError(argument, 'is given no object', `Pass one with some of: ${known.join(', ')}`)
  }
  const [name] = unknown
  if (name !== undefined) {
    throw new InvalidArgumentError(`${argument}: '${name}'`, 'is unknown', `Known: ${known.join(', ')}`)
  }
  const entries = known.map((each) => [each, lookAt(argument, 'Pass a plain object', () => given[each])] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Options
}

/** A copy. Throws InvalidArgumentError where it is no array, or has holes, of which there may be billions. */
export function readList<Item>(argument: string, given: readonly Item[]): readonly Item[] {
  const remedy = 'Pass an array without holes'
  const items = lookAt(argument, remedy, () => {
    const isWhole = Array.isArray(given) && Object.keys(given).length >= given.length
    return isWhole ? Array.from(given as Item[]) : null
  })
  if (items !== null) return items
  throw new InvalidArgumentError(argument, 'is no array, or one with holes', remedy)
}

/** A copy. Throws InvalidArgumentError where it is no object. */
export function readRecord<Value>(
  argument: string,
  given: Readonly<Record<string, Value>>
): Readonly<Record<string, Value>> {
  const entries = lookAt(argument, 'Pass a plain object', () =>
    typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : null
  )
  if (entries !== null) return Object.fromEntries(entries)
  throw new InvalidArgumentError(argument, 'is no object', 'Pass one, by names')
}

export function readFlag(argument: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw new InvalidArgumentError(argument, 'is neither true nor false', 'Pass one of them, or leave it out')
}

export function readFunction<Fn>(argument: string, value: Fn): Fn {
  if (typeof value === 'function') return value
  throw new InvalidArgumentError(argument, 'is no function', 'Pass a function')
}

/** NaN: it is no Date, whatever it says of itself. */
function toTimeMs(value: unknown): number {
  try {
    return Date.prototype.getTime.call(value)
  } catch {
    return NaN
  }
}

/** Epoch milliseconds. */
export function readTimeMs(argument: string, value: Date | number): number {
  const ms = typeof value === 'number' ? value : toTimeMs(value)
  if (ms >= FIRST_TIME_MS && ms <= LAST_TIME_MS) return Math.round(ms)
  throw new InvalidArgumentError(argument, 'is no time', 'Pass a valid Date, or epoch milliseconds')
}

export function readDurationMs(argument: string, value: DurationInput): number {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? parseDurationMs(value) : NaN
  if (ms >= 0 && ms <= MAX_DURATION_MS) return ms
  throw new InvalidArgumentError(
    argument,
    'is no duration',
    "Pass milliseconds, or words such as '10 seconds' or '1 hour'"
  )
}

function parseDurationMs(words: Exclude<DurationInput, number>): number {
  try {
    return Duration.toMillis(words)
  } catch {
    return NaN
  }
}

/** A pause, or a term: one of no time at all would be an endless loop. */
export function readTermMs(argument: string, value: DurationInput): number {
  const ms = readDurationMs(argument, value)
  if (ms >= 1) return ms
  throw new InvalidArgumentError(argument, 'is no time', "Pass at least 1 millisecond, e.g. '1 second'")
}

/** How long something is kept; null: for ever. */
export function readRetentionMs(value: DurationInput | false): number | null {
  return value === false || value === Infinity ? null : readDurationMs('retention', value)
}

export function readPriority(priority: number = 0): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return priority
  throw new InvalidArgumentError(
    'priority',
    'is out of range',
    `Pass a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`
  )
}

export function readCount(argument: string, value: number, max: number = MAX_COUNT): number {
  if (Number.isSafeInteger(value) && value > 0 && value <= max) return value
  throw new InvalidArgumentError(argument, 'is no count', `Pass a whole number from 1 to ${max}`)
}

const RETRY_FIELDS = ['maxAttempts', 'initial', 'factor', 'max', 'jitter'] as const

/** null: no second attempt. */
export function readRetry(retry: RetryInput): RetryPolicy | null {
  if (retry === false) return null
  const { initial, max, ...rest } = retry === true ? {} : readFields('retry', retry, RETRY_FIELDS)
  const { initialMs: defaultMs, maxMs: defaultMaxMs } = DEFAULT_RETRY_POLICY
  const initialMs = initial === undefined ? defaultMs : readDurationMs('retry.initial', initial)
  // A first pause above the default bound is meant as it is said.
  const maxMs = max === undefined ? Math.max(defaultMaxMs, initialMs) : readDurationMs('retry.max', max)
  const policy: RetryPolicy = { ...DEFAULT_RETRY_POLICY, ...rest, initialMs, maxMs }
  readCount('retry.maxAttempts', policy.maxAttempts)
  if (!Number.isFinite(policy.factor) || policy.factor < 1) {
    throw new InvalidArgumentError('retry.factor', 'is no number from 1', 'Pass 1 or more')
  }
  if (!Number.isFinite(policy.jitter) || policy.jitter < 0 || policy.jitter > 1) {
    throw new InvalidArgumentError('retry.jitter', 'is out of range', 'Pass a number from 0 to 1')
  }
  return policy
}

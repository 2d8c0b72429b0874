/**
 * How an activity says which named limits it takes.
 *
 * Owns: the options `rateLimit` and `concurrency`, read. Does not own: the limits themselves, which a runtime has
 * (limiting/limits.ts), taking a permit of them (limiting/permits.ts).
 */
import { InvalidArgumentError } from '../errors.ts'
import { readFields, readName, readText } from '../plain-arguments.ts'
import type { NamedUse } from './definitions.ts'
import { NonRetryableError } from './errors.ts'

/** A limit by its name, or with what is to be taken of it. */
export type LimitUse<TInput> =
  | string
  | {
      readonly limit: string
      /** Each partition is a limit of its own. */
      readonly partition?: string | ((input: TInput) => string)
      /** How much of a rate it takes. Default 1. */
      readonly weight?: number | ((input: TInput) => number)
    }

export interface LimitUses<TInput> {
  /** A permit of this limit is taken before each attempt. */
  readonly rateLimit?: LimitUse<TInput>
  /** A slot of this limit is held during each attempt. */
  readonly concurrency?: LimitUse<TInput>
}

/** Beyond these the database's floats run out, for all that is taken at the same moment. */
const MIN_WEIGHT = 0.000_001
const MAX_WEIGHT = 2 ** 31 - 1

/** Throws InvalidArgumentError. */
export function readLimitUses<TInput>({ rateLimit, concurrency }: LimitUses<TInput>): readonly NamedUse[] {
  return [
    ...(concurrency === undefined ? [] : [readUse('concurrency', concurrency as LimitUse<unknown>)]),
    ...(rateLimit === undefined ? [] : [readUse('rateLimit', rateLimit as LimitUse<unknown>)])
  ]
}

function readUse(option: NamedUse['option'], given: LimitUse<unknown>): NamedUse {
  const use = typeof given === 'string' ? { limit: given } : readFields(option, given, ['limit', 'partition', 'weight'])
  const { partition, weight = 1 } = use
  const limit = readName(`${option}.limit`, use.limit)
  const fixed = typeof weight === 'function' ? null : readWeight(weight)
  if (partition !== undefined && typeof partition !== 'function') readText(`${option}.partition`, partition)
  return {
    option,
    limit,
    isPartitioned: partition !== undefined,
    weight: fixed,
    of: (input) => {
      try {
        return {
          option,
          limit,
          partition:
            typeof partition === 'function' ? readText('the partition', partition(input)) : (partition ?? null),
          weight: typeof weight === 'function' ? readWeight(weight(input)) : weight
        }
      } catch (error) {
        throw new NonRetryableError(`the ${option} of an activity cannot be told from its input; see cause.`, {
          cause: error
        })
      }
    }
  }
}

function readWeight(weight: number): number {
  if (Number.isFinite(weight) && weight >= MIN_WEIGHT && weight <= MAX_WEIGHT) return weight
  throw new InvalidArgumentError('weight', 'is no weight', `Pass a number from ${MIN_WEIGHT} to ${MAX_WEIGHT}`)
}

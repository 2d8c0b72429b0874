/**
 * The named limits of a runtime: the option `limits`, read, and held against what the activities of its machines take.
 *
 * Owns: the shape of the option, what a use of a limit must fit. Does not own: how uses are written (logics/limit-use.ts), permits.
 */
import type { AnyStateMachine } from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { definitionOf, type NamedUse } from '../logics/definitions.ts'
import type { PermitRule } from '../persistence/store.ts'
import {
  readCount,
  readTermMs,
  readFields,
  readFlag,
  readName,
  readRecord,
  type DurationInput
} from '../plain-arguments.ts'

/** What all nodes together may do at most: so many in a time, so many at once, or both. */
export interface LimitOptions {
  /** So many in each `per`. They become available evenly, not all at its beginning. */
  readonly rate?: number
  readonly per?: DurationInput
  /** So many at once after a pause. Default: `rate`. */
  readonly burst?: number
  /** So many at the same time. */
  readonly concurrency?: number
  /** Every use must name a partition, each of which is a limit of its own. Default: a use may name one. */
  readonly partition?: boolean
}

export interface Limit extends PermitRule {
  readonly isPartitioned: boolean
}

export type Limits = ReadonlyMap<string, Limit>

const LIMIT_OPTIONS = [
  'rate',
  'per',
  'burst',
  'concurrency',
  'partition'
] as const satisfies readonly (keyof LimitOptions)[]

/** Throws InvalidArgumentError. */
export function readLimits(limits: Readonly<Record<string, LimitOptions>> = {}): Limits {
  return new Map(
    Object.entries(readRecord('limits', limits)).map(([name, options]) => [
      readName('limits: a name', name),
      readLimit(name, options)
    ])
  )
}

function readLimit(name: string, options: LimitOptions): Limit {
  const argument = `limits: '${name}'`
  const { rate, per, burst, concurrency, partition } = readFields(argument, options, LIMIT_OPTIONS)
  if (rate === undefined && concurrency === undefined) {
    throw new InvalidArgumentError(argument, 'limits nothing', 'Give it a rate with a `per`, or a concurrency')
  }
  if ((rate === undefined) !== (per === undefined) || (rate === undefined && burst !== undefined)) {
    throw new InvalidArgumentError(
      argument,
      'has half a rate',
      "Pass rate and per, as in { rate: 100, per: '1 second' }"
    )
  }
  return {
    rate: rate === undefined || per === undefined ? null : readRate(argument, rate, per, burst ?? rate),
    concurrency: concurrency === undefined ? null : readCount(`${argument}.concurrency`, concurrency),
    isPartitioned: readFlag(`${argument}.partition`, partition, false)
  }
}

function readRate(argument: string, rate: number, per: DurationInput, burst: number): PermitRule['rate'] {
  const perMs = readTermMs(`${argument}.per`, per)
  return {
    tokensPerMs: readCount(`${argument}.rate`, rate) / perMs,
    burst: readCount(`${argument}.burst`, burst)
  }
}

/** Throws InvalidArgumentError where an activity that the machine names takes what the limits do not have. */
export function checkUses(machine: AnyStateMachine, limits: Limits): void {
  for (const use of listUses(machine, new Set())) {
    const problem = findMisuse(use, use.weight, limits)
    if (problem === null) continue
    throw new InvalidArgumentError(
      `machines: '${machine.id}'`,
      `has an activity whose ${use.option} ${problem.what}`,
      problem.remedy
    )
  }
}

/** Why a use of a limit cannot be; null: it can. `weight`: null where that depends on the input. */
export function findMisuse(
  { option, limit: name, isPartitioned }: Pick<NamedUse, 'option' | 'limit' | 'isPartitioned'>,
  weight: number | null,
  limits: Limits
): { readonly what: string; readonly remedy: string } | null {
  const limit = limits.get(name)
  if (limit === undefined) {
    const known = [...limits.keys()].join(', ') || 'none'
    return { what: `names an unknown limit, '${name}'`, remedy: `Known: ${known}. Add it to createRuntime({ limits })` }
  }
  const figure = option === 'rateLimit' ? 'rate' : 'concurrency'
  if (limit[figure] === null) {
    return { what: `names '${name}', which has no ${figure}`, remedy: `Give the limit a ${figure}, or name another` }
  }
  if (limit.isPartitioned && !isPartitioned) {
    return { what: `names no partition of '${name}'`, remedy: `Pass { limit: '${name}', partition }` }
  }
  if (limit.rate !== null && weight !== null && weight > limit.rate.burst) {
    return {
      what: `weighs ${weight}, more than the burst of '${name}' (${limit.rate.burst})`,
      remedy: 'Raise the burst, or make it lighter'
    }
  }
  return null
}

/** Of all activities that the machine names, and those of the machines among its actors. */
function listUses(machine: AnyStateMachine, seen: Set<unknown>): readonly NamedUse[] {
  if (seen.has(machine)) return []
  seen.add(machine)
  return Object.values(machine.implementations.actors).flatMap((logic: unknown) => {
    if (typeof logic !== 'object' || logic === null) return []
    const definition = definitionOf(logic)
    if (definition?.kind === 'activity') return definition.limits
    return 'implementations' in logic ? listUses(logic as AnyStateMachine, seen) : []
  })
}

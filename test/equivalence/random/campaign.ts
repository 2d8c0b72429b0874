/**
 * Random machines with random schedules, one for each seed.
 *
 * Owns: what a seed stands for, and the smallest machine that fails. Does not own: what is drawn (shapes.ts),
 * which differences are known (documented.ts).
 *
 * Invariant
 * 1. A seed stands for one machine and one schedule: a failure is repeated by its seed alone.
 */
import fc from 'fast-check'
import type { Case } from '../case.ts'
import { compareAll, type Comparison } from '../compare.ts'
import { tellDifference } from '../difference.ts'
import type { SteeredDatabase } from '../steered-database.ts'
import { findDocumented } from './documented.ts'
import { makeRandomMachine } from './machine.ts'
import { draw, type Draw } from './shapes.ts'

const SHRINK_WITHIN_MS = 20_000
export const GROUP = 'random'

export interface Seeds {
  /** The first. */
  readonly seed: number
  readonly count: number
}

/** Seeds in parts whose cases may share a runtime. */
export function inBatches({ seed, count }: Seeds): readonly Seeds[] {
  return Array.from({ length: Math.ceil(count / BATCH) }, (_, index) => ({
    seed: seed + index * BATCH,
    count: Math.min(BATCH, count - index * BATCH)
  }))
}

const BATCH = 250

export async function compareRandom(database: SteeredDatabase, { seed, count }: Seeds): Promise<readonly Comparison[]> {
  const cases = Array.from({ length: count }, (_, index) => makeCase(seed + index))
  return (await compareAll(database, cases)).map(withDocumentedDifference)
}

/** The smallest machine and schedule that can be found which differ as those of a seed do, in words. */
export async function shrink(database: SteeredDatabase, seed: number): Promise<string> {
  let smallest: Comparison | undefined
  const isEqual = async (drawn: Draw): Promise<boolean> => {
    const [comparison] = (await compareAll(database, [toCase(drawn, seed)])).map(withDocumentedDifference)
    const fails = comparison?.difference !== undefined && comparison.case.differsBy === undefined
    if (fails) smallest = comparison
    return !fails
  }
  const { counterexample } = await fc.check(fc.asyncProperty(draw, isEqual), {
    ...one(seed),
    interruptAfterTimeLimit: SHRINK_WITHIN_MS
  })
  const difference = smallest?.difference ? tellDifference(smallest.difference) : 'does not fail when it runs alone'
  return `${difference}\n${JSON.stringify(counterexample?.[0])}`
}

const one = (seed: number) => ({ seed, numRuns: 1, unbiased: true })

function makeCase(seed: number): Case {
  const [[drawn]] = fc.sample(
    fc.property(draw, () => true),
    one(seed)
  ) as [[Draw]]
  return toCase(drawn, seed)
}

const toCase = (drawn: Draw, seed: number): Case => ({
  group: GROUP,
  name: `seed ${seed}`,
  makeMachine: (note) => makeRandomMachine(drawn, note),
  steps: drawn.steps
})

/** A machine that was drawn cannot say beforehand what it will do that is known to be different. */
function withDocumentedDifference(comparison: Comparison): Comparison {
  const differsBy = findDocumented(comparison)
  return differsBy === undefined ? comparison : { ...comparison, case: { ...comparison.case, differsBy } }
}

/**
 * The shortest history of a failure that can be found: the plan is run again with parts left out, as long as what is left fails alike.
 *
 * Owns: which parts are left out. Does not own: a run (simulation.ts).
 *
 * Invariant
 * 1. The plan that it answers has failed, by one of the checks by which the first one did.
 */
import type { Plan, Step } from './plan.ts'
import { simulate, type Run, type RunOptions } from './simulation.ts'

export interface Failure {
  readonly plan: Plan
  readonly run: Run
}

/** `budget`: runs at most. */
export async function shrink(failure: Failure, options: RunOptions = {}, budget = 300): Promise<Failure> {
  const kinds = new Set(failure.run.violations.map(({ kind }) => kind))
  let shortest = failure
  let left = budget
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    left -= 1
    const plan = { ...shortest.plan, steps }
    const run = await simulate(plan, options).catch(() => null)
    if (run === null || !run.violations.some(({ kind }) => kinds.has(kind))) return false
    shortest = { plan, run }
    return true
  }
  // Halves first, then ever smaller parts; after one that could be left out, the rest is tried in parts of the same size.
  for (let size = Math.ceil(failure.plan.steps.length / 2); size >= 1 && left > 0; size = nextSize(size)) {
    for (let from = 0; from < shortest.plan.steps.length && left > 0;) {
      const { steps } = shortest.plan
      const isOut = await fails([...steps.slice(0, from), ...steps.slice(from + size)])
      if (!isOut) from += size
    }
  }
  return shortest
}

const nextSize = (size: number): number => (size === 1 ? 0 : Math.ceil(size / 2))

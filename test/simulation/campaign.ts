/**
 * Runs, one after the other, each of the next seed.
 *
 * Owns: how many, and what is said of those that fail. Does not own: a run (simulation.ts).
 */
import { describePlan, drawPlan } from './plan.ts'
import { shrink, type Failure } from './shrink.ts'
import { simulate, type RunOptions } from './simulation.ts'

export interface Campaign {
  readonly runs: number
  /** Calls that were answered, and not refused. */
  readonly accepted: number
  /** Faults that struck, by what they were. */
  readonly faults: ReadonlyMap<string, number>
  /** From the end of the faults until nothing was left to do, by the clock of the run, at most. */
  readonly longestRestMs: number
  readonly failures: readonly Failure[]
}

export interface CampaignOptions extends RunOptions {
  readonly seed: number
  readonly runs: number
  /** Ends with the first failure. */
  readonly isOverAtFirst?: boolean
}

export async function runCampaign({ seed, runs, isOverAtFirst, ...options }: CampaignOptions): Promise<Campaign> {
  const failures: Failure[] = []
  const faults = new Map<string, number>()
  let [ran, accepted, longestRestMs] = [0, 0, 0]
  for (; ran < runs && !(isOverAtFirst === true && failures.length > 0); ran++) {
    const plan = drawPlan(seed + ran)
    const run = await simulate(plan, options)
    accepted += run.accepted
    longestRestMs = Math.max(longestRestMs, run.restedAfterMs)
    for (const [name, times] of run.faults) faults.set(name, (faults.get(name) ?? 0) + times)
    if (run.violations.length > 0) failures.push({ plan, run })
  }
  return { runs: ran, accepted, faults, longestRestMs, failures }
}

/** For people: the seed, what was violated, and the shortest history that could be found. */
export async function explain(failure: Failure, options: RunOptions = {}): Promise<readonly string[]> {
  const { plan } = await shrink(failure, options)
  const { violations, trace } = await simulate(plan, { ...options, keepsTrace: true })
  const before = failure.plan.steps.length
  return [
    `seed ${plan.seed} fails; ${plan.steps.length} of its ${before} steps are enough:`,
    ...describePlan(plan),
    'what happened:',
    ...trace,
    'what was violated:',
    ...violations.map(({ check, kind, actor, says }) => `${check} ${kind}: ${actor} ${says}`)
  ]
}

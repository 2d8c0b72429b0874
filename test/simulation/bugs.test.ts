/** The check of the checker: bugs that are planted are found, and told of as shortly as can be. */
import { expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { runCampaign } from './campaign.ts'
import { shrink, type Failure } from './shrink.ts'

/** For machines that are busy. */
const timeout = 120_000
/** Each is found within as many runs from any seed that was tried, most within ten; these seeds take few. */
const RUNS = 300

/** By which of the checks, from which seed. */
const signs: Readonly<Record<string, readonly [seed: number, kinds: readonly string[]]>> = {
  'effects before commit': [1, ['uncommitted']],
  'compare-and-set without the owner': [1, ['version']],
  'no guard for wake-ups': [2_001, ['stranded']],
  'dedup keys forgotten at consumption': [2_001, ['doubled']],
  // Of an actor that leaves memory at once, it never comes.
  'timers re-armed in full': [1, ['timer', 'stranded']]
}

test.each(bugs.map((bug) => [bug.name, bug] as const))(
  'the planted bug is found: %s',
  { timeout },
  async (name, bug) => {
    const [seed, signsOfIt] = signs[name] as (typeof signs)[string]
    const { failures } = await runCampaign({ seed, runs: RUNS, bug, isOverAtFirst: true })
    const kinds = failures.flatMap(({ run }) => run.violations.map(({ kind }) => kind))
    expect(kinds.filter((kind) => signsOfIt.includes(kind))).not.toEqual([])
  }
)

test(
  'a failure is told by the shortest history that is found, which fails by the same check',
  { timeout },
  async () => {
    const bug = bugs.find(({ name }) => name === 'effects before commit')
    const { failures } = await runCampaign({ seed: 1, runs: 1, bug })
    const { plan, run } = await shrink(failures[0] as Failure, { bug }, 40)
    expect(plan.steps.length).toBeLessThan(5)
    expect(run.violations.map(({ kind }) => kind)).toContain('uncommitted')
  }
)

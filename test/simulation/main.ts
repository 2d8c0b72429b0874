/**
 * `npm run test:sim`: many simulated runs, and of those that fail the shortest history that can be found.
 *
 * The same seed makes the same run, whichever run it is of how many.
 *
 * Owns: the exit code: 1 where anything was violated.
 */
import { count, mark, partOf, readCommandLine, seed as seedFlag } from '../../scripts/command-line.ts'
import { bugs } from './bugs.ts'
import { explain, runCampaign } from './campaign.ts'
import { describePlan, drawPlan } from './plan.ts'
import { simulate } from './simulation.ts'

const usage = `Usage: npm run test:sim [-- --seed N --runs N --bug B --trace]

  --seed N   of the first run; default: another each time, printed
  --runs N   how many, each of the next seed; default 1000
  --bug B    with a bug planted whose name contains this (test/simulation/bugs.ts)
  --trace    tells each run, whether it fails or not`

const {
  seed,
  runs,
  trace,
  bug: wanted
} = readCommandLine(usage, {
  seed: seedFlag(),
  runs: count(1_000, { max: 10_000_000 }),
  bug: partOf(bugs.map(({ name }) => name)),
  trace: mark()
})
const bug = wanted === undefined ? undefined : bugs.find(({ name }) => name.includes(wanted))

/** Failures that are explained: each takes hundreds of runs. */
const EXPLAINED = 3
/** Runs between two lines that say how far it is. */
const PART = 100

const startedAt = performance.now()
say(`${runs} runs from seed ${seed}${bug ? `, with a bug: ${bug.name}` : ''}`)
if (trace) {
  for (let run = seed; run < seed + runs; run++) {
    const { trace, hash } = await simulate(drawPlan(run), { bug, keepsTrace: true })
    for (const line of [...describePlan(drawPlan(run)), ...trace, `hash ${hash}`]) say(line)
  }
}

let [accepted, failed, longestRestMs] = [0, 0, 0]
const faults = new Map<string, number>()
for (let done = 0; done < runs; done += PART) {
  const part = await runCampaign({ seed: seed + done, runs: Math.min(PART, runs - done), bug })
  accepted += part.accepted
  longestRestMs = Math.max(longestRestMs, part.longestRestMs)
  for (const [name, count] of part.faults) faults.set(name, (faults.get(name) ?? 0) + count)
  for (const failure of part.failures) {
    failed += 1
    const lines = failed <= EXPLAINED ? await explain(failure, { bug }) : [`seed ${failure.plan.seed} fails`]
    for (const line of lines) say(line)
  }
  say(`${done + part.runs} runs, ${failed} failed`)
}
const seconds = (performance.now() - startedAt) / 1000
for (const [name, count] of [...faults].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  say(`${name.padEnd(18)} ${count}`)
const rest = `at rest after ${longestRestMs.toLocaleString('en-US')} simulated ms at most`
say(`${accepted} calls accepted; ${rest}; ${(runs / seconds).toFixed(0)} runs a second`)
process.exitCode = failed === 0 ? 0 : 1

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * `npm run test:equivalence`: every case and thousands of random schedules, plain XState against perdure.
 *
 * Owns: the order of things, and the exit code: 1 where anything differs that docs/xstate.md does not name.
 * Does not own: the jobs (job.ts), sharing them out (workers.ts), the layout of the report.
 *
 * Invariant
 * 1. Ctrl-C ends the workers, and then removes what the run has made.
 */
import { choice, count, readCommandLine, seed as seedFlag } from '../../scripts/command-line.ts'
import { featureCases } from './features/index.ts'
import type { Job, Source } from './job.ts'
import { GROUP as RANDOM, inBatches } from './random/campaign.ts'
import { Report } from './report.ts'
import { openScratchDatabases } from './scratch-database.ts'
import { leftOut } from './scxml/index.ts'
import { shareOut, Worker, type XStateRelease } from './workers.ts'

const usage = `Usage: npm run test:equivalence [-- --random N --seed S --group G --xstate R]

  --random N   random schedules; default 10,000
  --seed S     the first of their seeds; default: another each time, printed
  --group G    one group only, as the report names it
  --xstate R   the release of XState: newest (default) or oldest, the oldest that is supported`

const {
  group,
  xstate,
  seed,
  random: number
} = readCommandLine(usage, {
  random: count(10_000, { min: 0, max: 10_000_000 }),
  seed: seedFlag(),
  group: choice([RANDOM, 'found', 'scxml', ...new Set(featureCases.map((each) => each.group))], undefined),
  xstate: choice<XStateRelease, XStateRelease>(['newest', 'oldest'], 'newest')
})
/** Two keep a Postgres busy. */
const WORKERS = 2
/** Failures of random machines that are made smaller before they are shown. */
const SHRUNK = 3

/** Listened to for good: the server of ours would end with the next signal that nobody else hears (scripts/postgres.ts). */
const interrupted = new Promise<number>((resolve) => process.on('SIGINT', () => resolve(130)))
const scratch = await openScratchDatabases(WORKERS)
const workers = scratch.urls.map((url) => new Worker(url, xstate))
try {
  process.exitCode = await Promise.race([run(), interrupted])
} finally {
  await Promise.all(workers.map((worker) => worker.end()))
  await scratch.discard()
}

/** The exit code. */
async function run(): Promise<number> {
  const startedAt = performance.now()
  const wantsRandom = group === undefined || group === RANDOM
  if (wantsRandom) say(`random schedules: ${number}, from seed ${seed}`)
  const sources: readonly Source[] = ['features', 'scxml', 'found']
  const jobs: readonly Job[] = [
    ...sources.map((source) => ({ do: 'compare', source, group }) as const),
    ...(wantsRandom ? inBatches({ seed, count: number }) : []).map(
      (seeds) => ({ do: 'compareRandom', ...seeds }) as const
    )
  ]
  const answers = await shareOut(jobs, workers)
  const report = new Report(answers.flatMap(({ findings }) => findings))
  say(`XState ${answers[0]?.release}\n\n${report.tell()}`)
  await tellSmallest(report)
  if (leftOut.length > 0) say(`\nSCXML cases left out: ${leftOut.length}`)
  for (const { name, reason } of leftOut) say(`  ${name}: ${reason}`)
  say(`\n${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
  return report.different.length === 0 ? 0 : 1
}

async function tellSmallest({ different }: Report): Promise<void> {
  const failures = different.filter(({ group }) => group === RANDOM).slice(0, SHRUNK)
  const jobs = failures.map(({ name }) => ({ do: 'shrink', seed: Number(name.replace('seed ', '')) }) as const)
  const answers = await shareOut(jobs, workers)
  for (const [index, { name }] of failures.entries()) {
    say(`\nthe smallest like ${RANDOM}: ${name}\n${answers[index]?.told}`)
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

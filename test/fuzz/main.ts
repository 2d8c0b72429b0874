/**
 * `npm run test:fuzz`: hostile arguments at every public call, and mangled documents in every column of a row.
 *
 * Owns: the exit code: 1 where anything came of it but a typed error, or the very thing stored.
 *
 * Invariant
 * 1. Ctrl-C ends the run and the server.
 */
import { choice, count, readCommandLine, seed as seedFlag } from '../../scripts/command-line.ts'
import { openScratchDatabases } from '../equivalence/scratch-database.ts'
import { tryAllRows, tryCalls, type Findings } from './campaign.ts'
import { openWorld, type World } from './world.ts'

const usage = `Usage: npm run test:fuzz [-- --runs N --seed S --only P]

  --runs N   calls; one mangled row is added for every four. Default 20,000
  --seed S   of the first; default: another each time, printed. Each case has the next one
  --only P   calls, or rows: so many of these alone`

const { runs, seed, only } = readCommandLine(usage, {
  runs: count(20_000, { max: 10_000_000 }),
  seed: seedFlag(),
  only: choice(['calls', 'rows'], undefined)
})
/** Cases between two lines that say how far it is. */
const PART = 2_000
const CALLS_FOR_A_ROW = 4
const SHOWN = 20

/** Listened to for good: the server of ours would end with the next signal that nobody else hears (scripts/postgres.ts). */
const interrupted = new Promise<never>((_, reject) => process.on('SIGINT', () => reject(new Error('interrupted'))))
const startedAt = performance.now()
const counts = new Map<string, number>()
let wrong = 0

const scratch = await openScratchDatabases(1)
try {
  const world = await openWorld(scratch.urls[0] as string)
  try {
    await Promise.race([runAll(world), interrupted])
  } finally {
    await world.close()
  }
} finally {
  await scratch.discard()
}
for (const [name, times] of [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  say(`${name.padEnd(50)} ${times}`)
const total = [...counts.values()].reduce((sum, times) => sum + times, 0)
say(`${total} cases, ${wrong} wrong; ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`)
process.exitCode = wrong === 0 ? 0 : 1

async function runAll(world: World): Promise<void> {
  const rows = only === 'rows' ? runs : Math.ceil(runs / CALLS_FOR_A_ROW)
  say(`from seed ${seed}`)
  if (only !== 'rows') await runParts('calls', runs, (part) => tryCalls(world, part))
  if (only !== 'calls') await runParts('rows', rows, (part) => tryAllRows(world, part))
}

async function runParts(
  what: string,
  all: number,
  run: (part: { seed: number; runs: number }) => Promise<Findings>
): Promise<void> {
  for (let done = 0; done < all; done += PART) {
    const part = await run({ seed: seed + done, runs: Math.min(PART, all - done) })
    for (const [name, times] of part.counts) counts.set(name, (counts.get(name) ?? 0) + times)
    for (const { seed, says } of part.wrong) if (++wrong <= SHOWN) say(`\n${what}, seed ${seed}: ${says}`)
    say(`${Math.min(done + PART, all)} ${what}, ${wrong} wrong`)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

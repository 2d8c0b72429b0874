/**
 * `npm run test:chaos`: real processes, a real Postgres, every fault in turn, and a table at the end.
 *
 * Owns: the order of things, and the exit code: 1 where anything was lost, doubled, shown too early or left.
 * Does not own: a bout (campaign.ts).
 *
 * Invariant
 * 1. Ctrl-C ends the workers and the server.
 */
import { amount, partOf, readCommandLine, seed as seedFlag } from '../../scripts/command-line.ts'
import { runBout, tabulate, type Bout } from './campaign.ts'
import { faults } from './faults.ts'
import { openGround } from './ground.ts'
import { seeded } from '../support/random.ts'

const usage = `Usage: npm run test:chaos [-- --minutes N --seed S --fault F]

  --minutes N   how long; default 5. Every fault comes once at least
  --seed S      of what is sent and when faults come; default: another each time, printed. What becomes of it is up to the machine
  --fault F     only faults whose name contains this`

const values = readCommandLine(usage, {
  minutes: amount(5, { max: 10_000 }),
  seed: seedFlag(),
  fault: partOf(faults.map(({ name }) => name))
})
const chosen = faults.filter(({ name }) => name.includes(values.fault ?? ''))
const deadline = performance.now() + values.minutes * 60_000
/** How often a fault comes in one bout. */
const TIMES = 3

/** Violations of one bout that are told one by one. */
const SHOWN = 20

const bouts: Bout[] = []
const random = seeded(values.seed)
/** Listened to for good: the server of ours would end with the next signal that nobody else hears (scripts/postgres.ts). */
const interrupted = new Promise<never>((_, reject) => process.on('SIGINT', () => reject(new Error('interrupted'))))

say(`${values.minutes} minutes, seed ${values.seed}`)
const ground = await openGround()
try {
  for (let turn = 0; turn < chosen.length || performance.now() < deadline; turn++) {
    const fault = chosen[turn % chosen.length] as (typeof chosen)[number]
    const cluster = await ground.open()
    try {
      const bout = await Promise.race([runBout(cluster, fault, TIMES, random), interrupted])
      bouts.push(bout)
      say(`${fault.name}: ${bout.acknowledged} acknowledged, ${bout.violations.length} violations`)
      for (const violation of bout.violations.slice(0, SHOWN)) say(JSON.stringify(violation))
    } finally {
      await cluster.close()
    }
  }
} finally {
  await ground.close()
}
for (const line of tabulate(bouts)) say(line)
process.exitCode = bouts.every(({ violations }) => violations.length === 0) ? 0 : 1

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

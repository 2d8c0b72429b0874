/**
 * The core benchmark: durable events a second and the latency of one, beside what else could be done on the same Postgres.
 *
 * Owns: who takes part. Does not own: measuring (throughput.ts, latency.ts), aims (aims.ts), wording (report.ts).
 *
 * Read the ratios, which are medians of each round's own: figures differ from machine to machine and from hour to hour.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { compareWithAims } from './aims.ts'
import type { Load } from './arguments.ts'
import { bareBatchesOnOne, bareBatchesOnTwo } from './contenders/bare-batches.ts'
import { barePgProber, barePostgresProber } from './contenders/bare-probes.ts'
import { bareUpdates } from './contenders/bare-updates.ts'
import { handWritten } from './contenders/hand-written.ts'
import {
  perdureAtOnce,
  perdurePg,
  perdurePgProber,
  perdurePostgres,
  perdurePostgresProber
} from './contenders/perdure.ts'
import { benchFolder, describeEnvironment, openServer } from './environment.ts'
import { measureLatency, samplesPerRound } from './latency.ts'
import { printAims, printEnvironment, printLatency, printThroughput } from './report.ts'
import { measureThroughput } from './throughput.ts'

/** The first of each list is what the others are compared with. */
const contenders = [
  bareUpdates,
  handWritten,
  bareBatchesOnOne,
  bareBatchesOnTwo,
  perdurePg,
  perdurePostgres,
  perdureAtOnce
]
const probers = [barePgProber, perdurePgProber, barePostgresProber, perdurePostgresProber]

export const core = {
  description: 'events/s of 1,000 awake actors and the latency of one, beside hand-written XState + pg and bare SQL',

  async run(load: Load): Promise<void> {
    const server = await openServer()
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      const throughput = await measureThroughput(server.url, contenders, load)
      const latency = await measureLatency(server.url, probers, load.rounds)
      const aims = compareWithAims(throughput, latency)

      const { actors, events, rounds } = load
      console.log(`\nThroughput of ${actors} instances × ${events} events (medians, rounds: ${rounds})`)
      printThroughput(throughput)
      console.log(`Latency of one event at low load (medians, rounds: ${rounds}, samples in each: ${samplesPerRound})`)
      printLatency(latency)
      console.log('Aims')
      printAims(aims)
      await writeResults({ environment, load, throughput, latency, aims })
    } finally {
      await server.stop()
    }
  }
}

async function writeResults(results: object): Promise<void> {
  const file = join(benchFolder, 'core.json')
  await mkdir(benchFolder, { recursive: true })
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`All figures: ${relative(process.cwd(), file)}`)
}

/**
 * The core benchmark: durable events a second and the latency of one, beside what else could be done on the same Postgres.
 *
 * Owns: who takes part. Does not own: measuring (throughput.ts, latency.ts), aims (aims.ts), wording (report.ts).
 *
 * Read the ratios, which are medians of each round's own: figures differ from machine to machine and from hour to hour.
 */
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
import { describeEnvironment, openServer } from './environment.ts'
import { measureLatency, samplesPerRound } from './latency.ts'
import { printAims, printEnvironment, printLatency, printThroughput, writeResults } from './report.ts'
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
      await writeResults('core', { environment, load, throughput, latency, aims })
    } finally {
      await server.stop()
    }
  }
}

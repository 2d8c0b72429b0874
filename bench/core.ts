/**
 * The core benchmark: durable events a second and the latency of one, beside what else could be done on the same Postgres.
 *
 * Owns: who takes part, what is aimed at. Does not own: measuring (throughput.ts, latency.ts), wording (report.ts).
 *
 * Read the ratios: figures differ from machine to machine, and Postgres and Node share this one.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Load } from './arguments.ts'
import { bareBatches } from './contenders/bare-batches.ts'
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
import { measureLatency, samplesPerRound, type Latency } from './latency.ts'
import { printAims, printEnvironment, printLatency, printThroughput, type Aim } from './report.ts'
import { ratioByRound } from './statistics.ts'
import { measureThroughput, type Throughput } from './throughput.ts'

const batchesOnOne = bareBatches(1)
const batchesOnTwo = bareBatches(2)

/** The first of each list is what the others are compared with. */
const contenders = [bareUpdates, handWritten, batchesOnOne, batchesOnTwo, perdurePg, perdurePostgres, perdureAtOnce]
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
      const aims = judge(throughput, latency)

      const { actors, events, rounds } = load
      console.log(`\nThroughput: ${actors} instances × ${events} events, medians of ${rounds} rounds`)
      printThroughput(throughput)
      console.log(`Latency of one event at low load: ${samplesPerRound} samples a round, medians of ${rounds} rounds`)
      printLatency(latency)
      console.log('Aims')
      printAims(aims)
      await writeResults({ environment, load, throughput, latency, aims })
    } finally {
      await server.stop()
    }
  }
}

function judge(throughput: readonly Throughput[], latency: readonly Latency[]): readonly Aim[] {
  const speeds = ({ name }: { readonly name: string }): readonly number[] =>
    find(throughput, name).rounds.map((round) => round.eventsPerSecond)
  const p50s = ({ name }: { readonly name: string }): readonly number[] =>
    find(latency, name).rounds.map((round) => round.p50Ms)
  const atLeast = (limit: number, measured: number) => ({ aim: `≥ ${limit}×`, measured, isMet: measured >= limit })
  const atMost = (limit: number, measured: number) => ({ aim: `≤ ${limit}×`, measured, isMet: measured <= limit })
  return [
    {
      what: `events/s of ${perdurePg.name} : ${handWritten.name}`,
      ...atLeast(5, ratioByRound(speeds(perdurePg), speeds(handWritten)))
    },
    {
      what: `events/s of ${perdurePg.name} : ${batchesOnTwo.name}`,
      ...atLeast(0.5, ratioByRound(speeds(perdurePg), speeds(batchesOnTwo)))
    },
    {
      what: `p50 of ${perdurePgProber.name} : ${barePgProber.name}`,
      ...atMost(1.2, ratioByRound(p50s(perdurePgProber), p50s(barePgProber)))
    },
    {
      what: `p50 of ${perdurePostgresProber.name} : ${barePostgresProber.name}`,
      ...atMost(1.2, ratioByRound(p50s(perdurePostgresProber), p50s(barePostgresProber)))
    }
  ]
}

function find<Result extends { readonly name: string }>(results: readonly Result[], name: string): Result {
  const result = results.find((each) => each.name === name)
  if (result === undefined) throw new Error(`nothing was measured of ${name}`)
  return result
}

async function writeResults(results: object): Promise<void> {
  const file = join(benchFolder, 'core.json')
  await mkdir(benchFolder, { recursive: true })
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`All figures: ${relative(process.cwd(), file)}`)
}

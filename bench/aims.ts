/**
 * What perdure is to reach, beside what was measured of it.
 */
import { bareBatchesOnTwo } from './contenders/bare-batches.ts'
import { barePgProber, barePostgresProber } from './contenders/bare-probes.ts'
import { handWritten } from './contenders/hand-written.ts'
import { perdurePg, perdurePgProber, perdurePostgresProber } from './contenders/perdure.ts'
import type { Latency } from './latency.ts'
import { ratioByRound } from './statistics.ts'
import type { Throughput } from './throughput.ts'

export interface Aim {
  /** Which ratio. */
  readonly what: string
  readonly aim: string
  readonly measured: number
  readonly isMet: boolean
}

interface Named {
  readonly name: string
}

export function compareWithAims(throughput: readonly Throughput[], latency: readonly Latency[]): readonly Aim[] {
  const speeds = (contender: Named) => find(throughput, contender).rounds.map((round) => round.eventsPerSecond)
  const p50s = (prober: Named) => find(latency, prober).rounds.map((round) => round.p50Ms)

  const isFaster = (contender: Named, baseline: Named, atLeast: number): Aim => {
    const measured = ratioByRound(speeds(contender), speeds(baseline))
    const what = `events/s, ${contender.name} : ${baseline.name}`
    return { what, aim: `≥ ${atLeast}×`, measured, isMet: measured >= atLeast }
  }
  const isAsQuick = (prober: Named, baseline: Named, atMost: number): Aim => {
    const measured = ratioByRound(p50s(prober), p50s(baseline))
    const what = `p50, ${prober.name} : ${baseline.name}`
    return { what, aim: `≤ ${atMost}×`, measured, isMet: measured <= atMost }
  }

  return [
    isFaster(perdurePg, handWritten, 5),
    isFaster(perdurePg, bareBatchesOnTwo, 0.5),
    isAsQuick(perdurePgProber, barePgProber, 1.2),
    isAsQuick(perdurePostgresProber, barePostgresProber, 1.2)
  ]
}

function find<Result extends Named>(results: readonly Result[], { name }: Named): Result {
  const result = results.find((each) => each.name === name)
  if (result === undefined) throw new Error(`nothing was measured of ${name}`)
  return result
}

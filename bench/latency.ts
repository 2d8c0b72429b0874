/**
 * How long one event takes to become durable when nothing else is going on.
 *
 * Owns: the order of measuring, warm-up and the clock.
 *
 * Invariants
 * 1. All probers are open all the time and take turns of a few samples each: they meet the same machine.
 * 2. One event is under way at a time.
 */
import type { Probe, Prober } from './contender.ts'
import { quantile } from './statistics.ts'

export interface LatencyRound {
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Latency {
  readonly name: string
  readonly rounds: LatencyRound[]
}

export const samplesPerRound = 2_000
const samplesPerTurn = 100
const instances = 100

export async function measureLatency(
  url: string,
  probers: readonly Prober[],
  rounds: number
): Promise<readonly Latency[]> {
  const probes: Probe[] = []
  try {
    for (const prober of probers) probes.push(await prober.open(url, instances))
    await takeSamples(probes)
    const results = probers.map(({ name }): Latency => ({ name, rounds: [] }))
    for (let round = 1; round <= rounds; round++) {
      const samples = await takeSamples(probes)
      for (const [index, result] of results.entries()) {
        const samplesMs = samples[index] as readonly number[]
        const measured = { p50Ms: quantile(samplesMs, 0.5), p99Ms: quantile(samplesMs, 0.99) }
        result.rounds.push(measured)
        console.log(`round ${round}  ${result.name}: p50 ${measured.p50Ms.toFixed(3)} ms`)
      }
    }
    return results
  } finally {
    for (const probe of probes) await probe.close()
  }
}

/** The samples of a round in milliseconds, for each probe. */
async function takeSamples(probes: readonly Probe[]): Promise<readonly (readonly number[])[]> {
  const samplesMs = probes.map((): number[] => [])
  for (let taken = 0; taken < samplesPerRound; taken += samplesPerTurn) {
    for (const [index, probe] of probes.entries()) {
      for (let sample = 0; sample < samplesPerTurn; sample++) {
        const startedAt = performance.now()
        await probe.apply()
        samplesMs[index]?.push(performance.now() - startedAt)
      }
    }
  }
  return samplesMs
}

/**
 * How long one event takes from a process that owns nothing to an actor that is awake elsewhere, when nothing else goes on.
 *
 * Invariant
 * 1. One event is under way at a time: the next is sent when the turn of the one before was told of by its node.
 */
import { quantile } from '../statistics.ts'
import { ticketEvent } from '../turnstile.ts'
import { openLeaf } from './leaf.ts'
import { startWorker } from './worker-process.ts'

interface Quantiles {
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface LeafLatency {
  readonly samples: number
  /** Until `send` resolves: the event is durable. */
  readonly queued: Quantiles
  /** Until this process hears, in a message of the other, that the turn is committed. */
  readonly applied: Quantiles
}

const schema = 'bench_nodes'
const actors = 100
const warmUp = 200
const samples = 2_000

export async function measureLeafLatency(url: string): Promise<LeafLatency> {
  const leaf = await openLeaf(url, schema)
  const worker = await startWorker(url, schema)
  try {
    const ids = await worker.order({ kind: 'create', actors })
    await worker.order({ kind: 'tell' })
    const queuedMs: number[] = []
    const appliedMs: number[] = []
    for (let number = 0; number < warmUp + samples; number++) {
      const told = new Promise<void>((resolve) => {
        const stop = worker.hear(({ kind }) => {
          if (kind !== 'turn') return
          stop()
          resolve()
        })
      })
      const startedAt = performance.now()
      await leaf.runtime.send(String(ids[number % actors]), ticketEvent(number))
      queuedMs.push(performance.now() - startedAt)
      await told
      appliedMs.push(performance.now() - startedAt)
    }
    return { samples, queued: describe(queuedMs.slice(warmUp)), applied: describe(appliedMs.slice(warmUp)) }
  } finally {
    await worker.stop()
    await leaf.close()
  }
}

const describe = (ms: readonly number[]): Quantiles => ({ p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99) })

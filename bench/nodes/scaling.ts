/**
 * How many durable events a second one, two and three worker processes manage, with the same actors shared among them.
 *
 * Measured twice in each round, on the same actors: with events that come up where their actor is awake, and with events
 * that all come from a process that owns nothing, by way of the durable inboxes.
 *
 * Invariants
 * 1. Rounds are interleaved (1 2 3 1 2 3 …), each in an empty schema, with new processes.
 * 2. Where the database does not hold exactly the events that were confirmed, the benchmark ends.
 */
import { setTimeout } from 'node:timers/promises'
import type { Load } from '../arguments.ts'
import { sendOneByOne } from '../drive.ts'
import { ask } from '../schema.ts'
import { ticketEvent } from '../turnstile.ts'
import { openLeaf } from './leaf.ts'
import { startWorkers, stopWorkers } from './worker-process.ts'

export interface ScalingRound {
  /** Events that come up where their actor is. */
  readonly ownPerSecond: number
  /** Events from elsewhere, until they are in the inboxes. */
  readonly queuedPerSecond: number
  /** The same, until all of them are applied. */
  readonly appliedPerSecond: number
}

export interface Scaling {
  readonly workers: number
  readonly rounds: ScalingRound[]
}

const schema = 'bench_nodes'
const workerCounts = [1, 2, 3]
const lookMs = 10

export async function measureScaling(url: string, load: Load): Promise<readonly Scaling[]> {
  const results = workerCounts.map((workers): Scaling => ({ workers, rounds: [] }))
  for (let round = 1; round <= load.rounds; round++) {
    for (const { workers, rounds } of results) {
      const measured = await measureRound(url, workers, load)
      rounds.push(measured)
      const perSecond = Object.values(measured).map((figure: number) => Math.round(figure).toLocaleString('en-US'))
      console.log(`round ${round}  ${workers} workers: ${perSecond.join(', ')} events/s`)
    }
  }
  return results
}

async function measureRound(url: string, count: number, { actors, events }: Load): Promise<ScalingRound> {
  const leaf = await openLeaf(url, schema)
  const workers = await startWorkers(url, schema, count)
  try {
    const each = Math.ceil(actors / count)
    const ids = (await Promise.all(workers.map((worker) => worker.order({ kind: 'create', actors: each })))).flat()
    const total = ids.length * events
    // One event each since they were created.
    const already = ids.length

    const ownMs = await time(() => Promise.all(workers.map((worker) => worker.order({ kind: 'drive', events }))))
    await whenApplied(url, already + total)

    const startedAt = performance.now()
    await sendOneByOne(ids, events, (id, number) => leaf.runtime.send(id, ticketEvent(number)))
    const queuedMs = performance.now() - startedAt
    await whenApplied(url, already + 2 * total)
    const appliedMs = performance.now() - startedAt
    const perSecond = (ms: number): number => (total / ms) * 1_000
    return {
      ownPerSecond: perSecond(ownMs),
      queuedPerSecond: perSecond(queuedMs),
      appliedPerSecond: perSecond(appliedMs)
    }
  } finally {
    await stopWorkers(workers)
    await leaf.close()
  }
}

/** Resolves when the actors have had exactly so many events. */
async function whenApplied(url: string, events: number): Promise<void> {
  const text = `select sum((snapshot->'context'->>'counter')::integer)::float8 as events from ${schema}.actor`
  for (;;) {
    const [row] = await ask(url, text, [])
    const applied = row?.['events'] as number
    if (applied === events) return
    if (applied > events) throw new Error(`${applied} events are in the database, and ${events} were sent`)
    await setTimeout(lookMs)
  }
}

async function time(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

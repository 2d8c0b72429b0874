/**
 * Emptying an engine before its node leaves: what rests goes at once, what is at work may come to an end.
 *
 *     close ──► at rest: lease given back with a commit, at once
 *           ──► at work (a turn, a promise): as it comes to rest, until the limit
 *           ──► at work that has no end (a callback, an observable): at once; it begins anew where the row is taken up
 *           ──► at the limit: left as it is, for `abandon`; its row is freed as the node leaves
 *
 * Owns: waiting, and counting what was at work. Does not own: what closes an engine (engine.ts), freeing rows (membership.ts).
 *
 * Invariants
 * 1. An actor leaves between its turns only: what it was told is committed and its effects have run, or its row knows nothing of it.
 * 2. Work is stopped after the commit that gives its row away: who begins it anew may do so while it still cleans up.
 */
import { setTimeout } from 'node:timers/promises'
import type { Actor } from './actor.ts'
import type { Engine } from './engine.ts'

/** What became of one queue. */
export interface Drained {
  readonly queue: string
  /** Its actors that were still executing at the limit. */
  readonly released: number
  /** Its actors that were executing when the drain began. */
  readonly inFlight: number
}

/** Between two looks at who has come to rest, in this process. */
const LOOK_MS = 10

/** Closes an engine, and resolves when nothing is left in it, or when the time for that `isOver`. */
export async function drainEngine(
  engine: Pick<Engine, 'close' | 'isEmpty' | 'registry'>,
  queues: readonly string[],
  isOver: () => boolean
): Promise<readonly Drained[]> {
  engine.close()
  const inFlight = countExecuting(engine.registry)
  while (!isOver() && !engine.isEmpty) {
    for (const actor of engine.registry) actor.passivate()
    await setTimeout(LOOK_MS)
  }
  const released = countExecuting(engine.registry)
  return queues.map((queue) => ({
    queue,
    released: released.get(queue) ?? 0,
    inFlight: inFlight.get(queue) ?? 0
  }))
}

function countExecuting(actors: Iterable<Actor>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { queue, isExecuting } of actors) if (isExecuting) counts.set(queue, (counts.get(queue) ?? 0) + 1)
  return counts
}

/**
 * The picker of one queue: leases rows that must run now, as many as the queue has room for here, and wakes their actors.
 *
 * Owns: demand. Does not own: which row comes first (sql/queries/pick.sql), waking (engine.ts).
 *
 * Invariants
 * 1. It asks for no more rows than the queue may execute beside those that it executes already: what is picked can run.
 * 2. Rows that were leased by a pick whose answer was lost are taken up as well.
 */
import type { Engine } from '../actors/engine.ts'
import type { Pick, Store } from '../persistence/store.ts'
import { classifyError } from '../persistence/transient-errors.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { makeLoop, type Loop } from './loop.ts'

export interface PickerOptions {
  readonly queue: string
  /** Actors of this queue that execute at once on this node. */
  readonly concurrency: number
  /** What this node can run. */
  readonly machines: Pick['machines']
  readonly store: Store
  readonly telemetry: Telemetry
  readonly engine: () => { readonly engine: Engine; readonly node: string } | null
  /** The longest pause between two looks at the database. */
  readonly pollMs: number
}

const MAX_PICK = 200
/** How soon a queue that is full, in this process, is looked at again; the database is not asked. */
const FULL_PAUSE_MS = 10
/** How soon a queue is looked at again that has rows which are due, but gives none of them; doubled for each time in a row. */
const REFUSED_PAUSE_MS = 50
/** How long after the loss of a pick the database may still be at it. */
const LOST_FOR_MS = 5_000

export function makePicker({ queue, concurrency, machines, store, telemetry, engine, pollMs }: PickerOptions): Loop {
  let refusedPauseMs = REFUSED_PAUSE_MS
  let lostUntil = 0
  const noteLoss = (error: unknown): never => {
    if (classifyError(error) === 'lost') lostUntil = performance.now() + LOST_FOR_MS
    throw error
  }
  return makeLoop({
    name: `queue ${queue}`,
    step: async () => {
      const current = engine()
      if (current === null || !current.engine.isOpen) return pollMs
      if (performance.now() < lostUntil) await current.engine.post.takeBackPicked()
      const inFlight = current.engine.room.executing(queue)
      telemetry.emit('scheduler.saturation', { queue, inFlight, concurrency })
      const demand = Math.min(concurrency - inFlight, current.engine.room.free, MAX_PICK)
      if (demand <= 0) return FULL_PAUSE_MS
      const pick = { node: current.node, queue, machines, limit: demand }
      const { rows, nextDueInMs, contended } = await store.pick(pick).catch(noteLoss)
      telemetry.emit('pick.stop', { queue, count: rows.length, demand })
      for (const { id, machine } of contended) telemetry.emit('partition.contended', { id, machine, count: 1 })
      for (const row of rows) current.engine.awaken(row)
      const pauseMs = refusedPauseMs
      refusedPauseMs = REFUSED_PAUSE_MS
      // Those that were put aside stood before others.
      if (rows.length === demand || contended.length > 0) return FULL_PAUSE_MS
      if (rows.length > 0 || nextDueInMs !== 0) return Math.min(pollMs, nextDueInMs ?? pollMs)
      // Others have those rows locked, or this node is dead and does not know it yet: asked at once, the answer is the same.
      refusedPauseMs = Math.min(pollMs, pauseMs * 2)
      return Math.min(pollMs, pauseMs)
    }
  })
}

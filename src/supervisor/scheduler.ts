/**
 * The scheduler: has actors come of schedules when their occurrences are due.
 *
 *     next occurrence ──► due? (the database's clock) ──► planned here ──► moved on and born, in one statement ──► pickers
 *
 * Runs on every node that serves a queue, and on all of them at once: the revision of a schedule lets one have each step (C1 and C2 of
 * persistence/schedules.ts). Who comes second has asked in vain, once.
 *
 * Owns: when to look. Does not own: which occurrences an actor comes of (occurrences.ts).
 *
 * Invariants
 * 1. Between two looks it sleeps until the next occurrence that it knows of, or LOOK_MS: without schedules that is all it costs.
 * 2. A schedule that cannot be read here, or whose machine this node does not know, is left to a node that can, and holds up no other.
 */
import type { DueSchedules, Schedule } from '../persistence/schedules.ts'
import type { Pick, Store } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { makeLoop, type Loop } from './loop.ts'
import { planStep } from './occurrences.ts'

export interface SchedulerOptions {
  readonly store: Store
  readonly telemetry: Telemetry
  /** What this node can run. */
  readonly machines: Pick['machines']
  /** Rows are to be had. */
  readonly poke: () => void
}

export interface Look {
  /** Schedules that moved on. */
  readonly moved: number
  /** Schedules that were due, but were moved by others meanwhile. */
  readonly lost: number
  /** Until the next schedule that was not due. */
  readonly nextInMs: number | null
}

/** The longest pause between two looks, where `poll` is not longer: a schedule that nobody announced here waits as long for this node. */
export const LOOK_MS = 30_000
/** After others had all that was due: what is next is not known yet. */
const LOST_PAUSE_MS = 100
/** How many due schedules one statement tells of, and another moves on. */
const MAX_DUE = 100

/** One look, and what comes of it: at all that is due, so that none hides behind those before it which cannot be read here. */
export async function fireDue(options: SchedulerOptions): Promise<Look> {
  let look: Look = { moved: 0, lost: 0, nextInMs: null }
  let due: readonly Schedule[] = []
  do {
    const found = await options.store.schedules.due(options.machines, MAX_DUE, due.at(-1) ?? null)
    due = found.due
    const { moved, lost } = await fire(found, options)
    look = { moved: look.moved + moved, lost: look.lost + lost, nextInMs: found.nextInMs }
  } while (due.length === MAX_DUE)
  return look
}

async function fire(
  { now, due }: DueSchedules,
  { store, telemetry, poke }: SchedulerOptions
): Promise<Omit<Look, 'nextInMs'>> {
  const moves = due.flatMap((schedule) => {
    try {
      return [planStep(schedule, now)]
    } catch (error) {
      telemetry.emit('schedule.failed', { schedule: schedule.name, error })
      return []
    }
  })
  const moved = moves.length > 0 ? await store.schedules.fire(moves) : []
  const fired = moved.filter(({ born }) => born.length > 0)
  for (const { name, born } of fired) telemetry.emit('schedule.fired', { schedule: name, ids: born })
  if (fired.length > 0) poke()
  return { moved: moved.length, lost: moves.length - moved.length }
}

export function makeScheduler(look: () => Promise<Look> | null, pollMs: number): Loop {
  const lookMs = Math.max(pollMs, LOOK_MS)
  return makeLoop({
    name: 'scheduler',
    step: async () => {
      const { moved, lost, nextInMs } = (await look()) ?? { moved: 0, lost: 0, nextInMs: null }
      if (moved > 0) return 0
      const pauseMs = Math.min(lookMs, Math.ceil(nextInMs ?? lookMs))
      return lost > 0 ? Math.min(pauseMs, LOST_PAUSE_MS) : pauseMs
    }
  })
}

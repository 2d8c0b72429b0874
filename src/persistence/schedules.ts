/**
 * The part of the contract of store.ts that schedules use.
 *
 * Owns: the words of schedules, and the contract of every operation on them.
 * Does not own: cron (cron.ts): a store knows moments, and not where they come from.
 *
 * Invariants, which every implementation keeps by itself, whatever its callers do
 * C1. A schedule's `revision` changes with every change of it, and is never used again: `save` and `fire` take effect only where it is
 *     the one that they name.
 * C2. A schedule moves on and the actors of its occurrences come into being in one step, or neither does.
 * C3. Nothing comes of a schedule once `setPaused(name, true)` or `remove` has answered.
 */
import type { Json, Pick } from './store.ts'

/** What becomes of occurrences that no node took up in time: none is made up for, one actor stands for all, or each has its own. */
export type MissedPolicy = 'skip' | 'once' | 'all'

/** A schedule as its user wants it. */
export interface ScheduleDefinition {
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  readonly missed: MissedPolicy
  readonly machine: string
  readonly machineVersion: string | null
  readonly queue: string
  readonly priority: number
  readonly partitionKey: string | null
  readonly input: Json | null
  /** The field of the input that gets the time of the occurrence; null: none. */
  readonly timeField: string | null
}

export interface Schedule extends ScheduleDefinition {
  readonly revision: string
  readonly isPaused: boolean
  /** The first occurrence that was not dealt with; null: there is none to come. Stays while the schedule is paused. */
  readonly nextAt: number | null
  /** The last occurrence that an actor came of; null: none yet. */
  readonly lastAt: number | null
}

/** An actor to be born of an occurrence. */
export interface OccurrenceBirth {
  /** The same for the same schedule and time, whoever asks. */
  readonly id: string
  /** When the occurrence was due: the time since which its actor is ready. */
  readonly at: number
  /** null: the input of the schedule. */
  readonly input: Json | null
}

/** One step of a schedule. */
export interface ScheduleMove {
  readonly name: string
  readonly revision: string
  readonly nextAt: number | null
  /** null: stays. */
  readonly lastAt: number | null
  readonly births: readonly OccurrenceBirth[]
}

export interface DueSchedules {
  /** The store's time. */
  readonly now: number
  /** The longest due first, then by name. */
  readonly due: readonly Schedule[]
  /** Time until the next of those that are not due; null where there is none. */
  readonly nextInMs: number | null
}

export interface ScheduleStore {
  /** All schedules by name, or the one of this name, with the store's time. */
  list(name: string | null): Promise<{ readonly now: number; readonly schedules: readonly Schedule[] }>
  /** Creates a schedule, where `expected` is null, or changes it. A paused one stays paused. false: it is not as expected, nothing was written. */
  save(definition: ScheduleDefinition, nextAt: number | null, expected: string | null): Promise<boolean>
  /** false: there is no such schedule. */
  setPaused(name: string, isPaused: boolean): Promise<boolean>
  /** false: there is no such schedule. What has come of it lives on. */
  remove(name: string): Promise<boolean>
  /** Schedules of these machines that are due and not paused, from the first after `after` in their order. */
  due(machines: Pick['machines'], limit: number, after?: Schedule | null): Promise<DueSchedules>
  /**
   * Moves schedules on and brings actors into being: of the schedule's machine, queue and so on, `ready`, owned by nobody. Left alone
   * is a schedule that is not at the revision, or that another node moves at this moment. An actor whose id exists is not born again.
   * Answers the schedules that moved, with the ids of those that were born, in the order of their times.
   */
  fire(moves: readonly ScheduleMove[]): Promise<readonly { readonly name: string; readonly born: readonly string[] }[]>
}

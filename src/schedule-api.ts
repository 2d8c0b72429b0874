/**
 * Schedules as their users see them: what may be passed, what each call does, what is told of a schedule.
 */
import type { AnyStateMachine, InputFrom } from 'xstate'
import type { MissedPolicy } from './persistence/schedules.ts'

/** A schedule, whatever the machine. */
export interface ScheduleSettings {
  /** An IANA name. Default `UTC`, whatever the zone of this process. */
  readonly timeZone?: string
  /**
   * What becomes of occurrences that no node took up within a minute, and of those that fell due while the schedule was paused. `once`,
   * the default: one actor stands for all that are due by then. `all`: one for each. `skip`: none.
   */
  readonly missed?: MissedPolicy
  readonly queue?: string
  readonly priority?: number
  /** Of its actors, and all others with this partition key, one at a time executes. */
  readonly partitionKey?: string
}

/** For `schedule`, without `withTime`. The input is that of every occurrence. */
export type ScheduleOptions<TMachine extends AnyStateMachine> = ScheduleSettings & {
  readonly withTime?: undefined
} & (undefined extends InputFrom<TMachine>
    ? { readonly input?: InputFrom<TMachine> }
    : { readonly input: InputFrom<TMachine> })

/** For `schedule` where the input has a field, named by `withTime`, that gets the time of the occurrence, as a Date. */
export type TimedScheduleOptions<TMachine extends AnyStateMachine, Field extends PropertyKey> = ScheduleSettings & {
  readonly withTime: Field
} & InputBeside<Omit<InputFrom<TMachine>, Field>>

type InputBeside<Rest> = Partial<Rest> extends Rest ? { readonly input?: Rest } : { readonly input: Rest }

/** Fields that may hold a Date. */
export type TimeField<Input> = { [Field in keyof Input]-?: Date extends Input[Field] ? Field : never }[keyof Input]

export interface ScheduleInfo {
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  readonly missed: MissedPolicy
  /** The id of the machine. */
  readonly machine: string
  readonly queue: string
  readonly isPaused: boolean
  /** The next occurrence; while the schedule is paused the first one that it missed, or will. null: there is none to come. */
  readonly nextAt: Date | null
  /** The last occurrence that an actor came of, and that actor's id. */
  readonly last: { readonly at: Date; readonly id: string } | null
}

export interface Schedules {
  /** All schedules of the schema, by name. */
  list(): Promise<readonly ScheduleInfo[]>

  /** Nothing comes of the schedule any more once this resolves, until it is resumed. Rejects with ScheduleNotFoundError. */
  pause(name: string): Promise<void>

  /** It goes on; for what fell due meanwhile `missed` holds. Rejects with ScheduleNotFoundError. */
  resume(name: string): Promise<void>

  /** Nothing comes of it any more once this resolves. Actors that did live on. Rejects with ScheduleNotFoundError. */
  remove(name: string): Promise<void>
}

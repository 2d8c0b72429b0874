/**
 * The public calls for schedules: from a caller's arguments to rows.
 *
 * Owns: what a call changes, and that it changes nothing where all is as it is to be.
 * Does not own: what comes of a schedule when it is due (supervisor/scheduler.ts), rows (the store).
 *
 * Invariants
 * 1. A call is decided by what it saw: where the schedule has changed meanwhile it looks again.
 * 2. A schedule is never moved to a time at or before its last occurrence, and what was due by its old expression is dealt with before
 *    it gets another one: a change neither repeats an occurrence nor loses one.
 */
import type { Registration } from './actors/registration.ts'
import { readFields, readText } from './plain-arguments.ts'
import type { Bounds } from './bounds.ts'
import { readCron } from './cron.ts'
import { InvalidArgumentError } from './errors.ts'
import type { Schedule, ScheduleDefinition, ScheduleStore } from './persistence/schedules.ts'
import type { ScheduleInfo, Schedules, ScheduleSettings } from './schedule-api.ts'
import { ScheduleNotFoundError } from './schedule-errors.ts'
import { draftActor } from './spawning.ts'
import type { Current } from './supervisor/node.ts'
import { idOfOccurrence, planStep } from './supervisor/occurrences.ts'

export interface AnyScheduleSettings extends ScheduleSettings {
  readonly input?: unknown
  readonly withTime?: PropertyKey | undefined
}

const OPTIONS = [
  'input',
  'withTime',
  'timeZone',
  'missed',
  'queue',
  'priority',
  'partitionKey'
] as const satisfies readonly (keyof AnyScheduleSettings)[]

export class Scheduling implements Schedules {
  readonly #member: (operation: string) => Promise<Current>

  constructor(member: (operation: string) => Promise<Current>) {
    this.#member = member
  }

  async save(definition: ScheduleDefinition): Promise<void> {
    const plan = readCron(definition.cron, definition.timeZone)
    for (;;) {
      const { now, schedules } = await this.#list(definition.name)
      const [present = null] = schedules
      if (present !== null && isSame(present, definition)) return
      const keepsPace = present?.cron === definition.cron && present.timeZone === definition.timeZone
      if (present !== null && !keepsPace && isDue(present, now)) {
        await this.#run((store) => store.fire([planStep(present, now)]))
        ;(await this.#member('schedule()')).poke()
        continue
      }
      const nextAt = keepsPace ? present.nextAt : plan.after(Math.max(now, present?.lastAt ?? 0))
      if (nextAt === null && !keepsPace) {
        throw new InvalidArgumentError(`cron '${definition.cron}'`, 'names no moment to come', 'Is there such a day?')
      }
      if (await this.#run((store) => store.save(definition, nextAt, present?.revision ?? null))) break
    }
    const current = await this.#member('schedule()')
    current.pokeSchedulers()
  }

  async list(): Promise<readonly ScheduleInfo[]> {
    const { schedules } = await this.#list(null)
    return schedules.map(toInfo)
  }

  async pause(name: string): Promise<void> {
    await this.#find(name, (store) => store.setPaused(name, true))
  }

  async resume(name: string): Promise<void> {
    await this.#find(name, (store) => store.setPaused(name, false))
    const current = await this.#member('resume()')
    current.pokeSchedulers()
  }

  async remove(name: string): Promise<void> {
    await this.#find(name, (store) => store.remove(name))
  }

  async #find(name: string, run: (store: ScheduleStore) => Promise<boolean>): Promise<void> {
    readText('the name of a schedule', name)
    const { batched } = await this.#member('this call')
    const { value: found, inDoubt } = await batched.withSchedules(run)
    // One that is gone may have been removed by the first try, whose answer was lost.
    if (!found && !inDoubt) throw new ScheduleNotFoundError(name)
  }

  async #list(name: string | null): ReturnType<ScheduleStore['list']> {
    const { batched } = await this.#member('schedules')
    return batched.readSchedules((store) => store.list(name))
  }

  async #run<T>(run: (store: ScheduleStore) => Promise<T>): Promise<T> {
    const { batched } = await this.#member('schedule()')
    return (await batched.withSchedules(run)).value
  }
}

/** Throws InvalidArgumentError, NotSerializableError or TooLargeError. */
export function readSchedule(
  name: string,
  cron: string,
  given: AnyScheduleSettings,
  registration: Registration,
  bounds: Bounds
): ScheduleDefinition {
  const settings = readFields('schedule', given, OPTIONS)
  const { timeZone = 'UTC', missed = 'once', withTime: field, ...spawn } = settings
  if (!['skip', 'once', 'all'].includes(missed)) {
    throw new InvalidArgumentError('missed', 'is unknown', "Pass 'skip', 'once' or 'all'")
  }
  readCron(readText('cron', cron), timeZone)
  if (registration.codec !== null && spawn.input !== undefined) {
    const remedy = 'Have the machine find it where it needs it; withTime is possible'
    throw new InvalidArgumentError('input', 'would be stored with the schedule, which no codec encodes', remedy)
  }
  const { row, input } = draftActor(spawn, registration, bounds)
  const timeField = field === undefined ? null : readText('withTime', field)
  if (timeField !== null) checkFields(input, timeField)
  return {
    name: readText('the name of a schedule', name),
    cron,
    timeZone,
    missed,
    machine: row.machine,
    machineVersion: row.machineVersion,
    queue: row.queue,
    priority: row.priority,
    partitionKey: row.partitionKey,
    input: row.input,
    timeField
  }
}

function checkFields(input: unknown, field: string): void {
  const given = input === undefined ? {} : Object(input)
  const isRecord = Object.getPrototypeOf(given) === Object.prototype && input !== null
  if (isRecord && !Object.hasOwn(given, field)) return
  const problem = isRecord ? `has a field '${field}' already` : 'is no plain object'
  throw new InvalidArgumentError('input', problem, `With withTime it is an object, to which '${field}' is added`)
}

const isDue = ({ isPaused, nextAt }: Schedule, now: number): boolean => !isPaused && nextAt !== null && nextAt <= now

function isSame(present: Schedule, wanted: ScheduleDefinition): boolean {
  return Object.entries(wanted).every(([field, value]) => present[field as keyof ScheduleDefinition] === value)
}

function toInfo(schedule: Schedule): ScheduleInfo {
  const { name, cron, timeZone, missed, machine, queue, isPaused, nextAt, lastAt } = schedule
  return {
    name,
    cron,
    timeZone,
    missed,
    machine,
    queue,
    isPaused,
    nextAt: nextAt === null ? null : new Date(nextAt),
    last: lastAt === null ? null : { at: new Date(lastAt), id: idOfOccurrence(name, lastAt) }
  }
}

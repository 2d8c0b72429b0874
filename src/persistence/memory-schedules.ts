/**
 * The contract of schedules.ts in a map.
 *
 * Owns: schedules by name. Does not own: actors, which `insert` brings into being, and the clock.
 */
import { randomUUID } from 'node:crypto'
import type { DueSchedules, Schedule, ScheduleDefinition, ScheduleMove, ScheduleStore } from './schedules.ts'
import type { InsertResult, Json, NewActor, Pick } from './store.ts'

export interface MemorySchedulesOptions {
  readonly now: () => number
  readonly insert: (actor: NewActor) => InsertResult
}

export class MemorySchedules implements ScheduleStore {
  readonly #options: MemorySchedulesOptions
  readonly #schedules = new Map<string, Schedule>()

  constructor(options: MemorySchedulesOptions) {
    this.#options = options
  }

  async list(name: string | null): Promise<{ readonly now: number; readonly schedules: readonly Schedule[] }> {
    const schedules = [...this.#schedules.values()]
      .filter((schedule) => name === null || schedule.name === name)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    return { now: this.#options.now(), schedules }
  }

  async save(definition: ScheduleDefinition, nextAt: number | null, expected: string | null): Promise<boolean> {
    const { isPaused = false, lastAt = null, revision = null } = this.#schedules.get(definition.name) ?? {}
    if (revision !== expected) return false
    this.#put({ ...definition, isPaused, nextAt, lastAt })
    return true
  }

  async setPaused(name: string, isPaused: boolean): Promise<boolean> {
    const schedule = this.#schedules.get(name)
    if (schedule !== undefined) this.#put({ ...schedule, isPaused })
    return schedule !== undefined
  }

  async remove(name: string): Promise<boolean> {
    return this.#schedules.delete(name)
  }

  async due(machines: Pick['machines'], limit: number, after: Schedule | null = null): Promise<DueSchedules> {
    const now = this.#options.now()
    const waiting = [...this.#schedules.values()]
      .filter(({ isPaused, machine, machineVersion }) => {
        return !isPaused && machines.some(({ name, version }) => name === machine && version === machineVersion)
      })
      .flatMap((schedule) => (schedule.nextAt === null ? [] : [{ schedule, nextAt: schedule.nextAt }]))
      .toSorted((a, b) => compare(a.schedule, b.schedule))
    const due = waiting.filter(({ nextAt }) => nextAt <= now)
    const next = waiting[due.length]
    return {
      now,
      due: due
        .map(({ schedule }) => schedule)
        .filter((schedule) => after === null || compare(schedule, after) > 0)
        .slice(0, limit),
      nextInMs: next === undefined ? null : next.nextAt - now
    }
  }

  async fire(moves: readonly ScheduleMove[]): Promise<readonly { readonly name: string; readonly born: string[] }[]> {
    return moves.flatMap((move) => {
      const schedule = this.#schedules.get(move.name)
      if (schedule?.revision !== move.revision) return []
      this.#put({ ...schedule, nextAt: move.nextAt, lastAt: move.lastAt ?? schedule.lastAt })
      const born = move.births.flatMap(({ id, at, input }) => {
        const actor = toActor(schedule, { id, startAt: at, input: input ?? schedule.input })
        return this.#options.insert(actor).kind === 'inserted' ? [id] : []
      })
      return [{ name: move.name, born }]
    })
  }

  #put(schedule: Omit<Schedule, 'revision'>): void {
    this.#schedules.set(schedule.name, Object.freeze({ ...schedule, revision: randomUUID() }))
  }
}

/** By the time that they are due, then by name. */
const compare = (a: Schedule, b: Schedule): number =>
  (a.nextAt ?? 0) - (b.nextAt ?? 0) || (a.name < b.name ? -1 : Number(a.name > b.name))

function toActor(
  { machine, machineVersion, queue, priority, partitionKey }: ScheduleDefinition,
  own: { readonly id: string; readonly startAt: number; readonly input: Json | null }
): NewActor {
  return {
    machine,
    machineVersion,
    queue,
    priority,
    partitionKey,
    parent: null,
    key: null,
    keyScope: [],
    owner: null,
    startInMs: null,
    ...own
  }
}

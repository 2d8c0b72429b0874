/**
 * The contract of schedules.ts on Postgres.
 *
 * Owns: how schedules travel. Does not own: SQL (sql/queries/*_schedule*.sql), connections, retries.
 */
import type { Param, Queryable, Row } from './drivers/driver.ts'
import type { Queries, Statement } from './queries.ts'
import type { DueSchedules, Schedule, ScheduleDefinition, ScheduleMove, ScheduleStore } from './schedules.ts'
import type { Pick } from './store.ts'

export class PostgresSchedules implements ScheduleStore {
  readonly #driver: Queryable
  readonly #queries: Queries

  constructor(driver: Queryable, queries: Queries) {
    this.#driver = driver
    this.#queries = queries
  }

  async list(name: string | null): Promise<{ readonly now: number; readonly schedules: readonly Schedule[] }> {
    const rows = await this.#query(this.#queries.listSchedules, name)
    return { now: rows[0]?.['now'] as number, schedules: toSchedules(rows) }
  }

  async save(definition: ScheduleDefinition, nextAt: number | null, expected: string | null): Promise<boolean> {
    const document = JSON.stringify(toEntry(definition, nextAt))
    const rows =
      expected === null
        ? await this.#query(this.#queries.createSchedule, document)
        : await this.#query(this.#queries.changeSchedule, document, expected)
    return rows.length > 0
  }

  async setPaused(name: string, isPaused: boolean): Promise<boolean> {
    return (await this.#query(this.#queries.pauseSchedule, name, isPaused)).length > 0
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#query(this.#queries.removeSchedule, name)).length > 0
  }

  async due(machines: Pick['machines'], limit: number, after: Schedule | null = null): Promise<DueSchedules> {
    const place = [after?.nextAt ?? null, after?.name ?? null]
    const rows = await this.#query(this.#queries.dueSchedules, JSON.stringify(machines), limit, ...place)
    const [first] = rows as readonly { readonly now?: number; readonly nextInMs?: number | null }[]
    return { now: first?.now as number, due: toSchedules(rows), nextInMs: first?.nextInMs ?? null }
  }

  async fire(moves: readonly ScheduleMove[]): Promise<readonly { readonly name: string; readonly born: string[] }[]> {
    const steps = moves.map(({ name, revision, nextAt, lastAt }) => ({
      name,
      revision,
      next_at: nextAt,
      last_at: lastAt
    }))
    const births = moves.flatMap(({ name, births }) => births.map((birth) => ({ name, ...birth })))
    const rows = await this.#query(this.#queries.fireSchedules, JSON.stringify(steps), JSON.stringify(births))
    return rows.map((row) => ({ name: row['name'] as string, born: JSON.parse(row['born'] as string) as string[] }))
  }

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#driver.query(statement, params)
  }
}

function toEntry(definition: ScheduleDefinition, nextAt: number | null): object {
  return {
    name: definition.name,
    cron: definition.cron,
    time_zone: definition.timeZone,
    missed: definition.missed,
    machine: definition.machine,
    machine_version: definition.machineVersion,
    queue: definition.queue,
    priority: definition.priority,
    partition_key: definition.partitionKey,
    input: definition.input,
    time_field: definition.timeField,
    next_at: nextAt
  }
}

/** A row without a name stands for none. */
const toSchedules = (rows: readonly Row[]): readonly Schedule[] =>
  rows.filter((row) => row['name'] !== null).map(toSchedule)

function toSchedule(row: Row): Schedule {
  const schedule = row as unknown as Schedule
  return {
    name: schedule.name,
    cron: schedule.cron,
    timeZone: schedule.timeZone,
    missed: schedule.missed,
    machine: schedule.machine,
    machineVersion: schedule.machineVersion,
    queue: schedule.queue,
    priority: schedule.priority,
    partitionKey: schedule.partitionKey,
    input: schedule.input,
    timeField: schedule.timeField,
    revision: schedule.revision,
    isPaused: schedule.isPaused,
    nextAt: schedule.nextAt,
    lastAt: schedule.lastAt
  }
}

/**
 * What `npm run example:trips` shows, from an empty schema to the evidence.
 *
 * Three processes: this one is the agency, which spawns trips (`queues: {}`); two workers run them. In the middle one of those is
 * killed with `kill -9`, and the other goes on with what it had.
 *
 * Owns: the course of events, and the schemas `perdure_trips` and `trips_world`, which it makes anew.
 * Does not own: the database server (main.ts), what is made of the evidence (checks.ts).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRuntime } from 'perdure'
import type { Sql } from 'postgres'
import type { Screen } from '../shared/screen.ts'
import { startWorker, type Worker } from '../shared/worker-process.ts'
import type { Evidence } from './checks.ts'
import { openAccounts, planTrips, travel } from './travellers.ts'
import { tripMachine } from './trip-machine.ts'
import { writeWorkerSettings, type WorkerSettings } from './worker-settings.ts'

export interface RunOptions {
  readonly database: string
  readonly sql: Sql
  readonly trips: number
  readonly seed: string
  readonly screen: Screen
}

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
const worldFile = fileURLToPath(new URL('world.sql', import.meta.url))
const lookEveryMs = 100

/** Rejects where the run could not go on: a worker ended by itself, a trip failed or did not end in time. */
export async function runTrips({ database, sql, trips, seed, screen }: RunOptions): Promise<Evidence> {
  const agency = createRuntime({
    database,
    schema: 'perdure_trips',
    machines: [tripMachine],
    name: 'agency',
    queues: {}
  })
  const workers: Worker[] = []
  try {
    await sql`drop schema if exists perdure_trips cascade`
    await agency.migrate()
    await sql.file(worldFile)
    const plan = planTrips(trips, seed)
    await openAccounts(sql, plan)
    await agency.start()

    const names = ['worker 1', 'worker 2']
    for (const worker of [1, 2]) workers.push(await startOne({ database, worker, seed }))
    screen.say(`workers 1 and 2 run (processes ${workers.map(({ pid }) => pid).join(' and ')})`)
    screen.say(
      `${trips.toLocaleString('en')} trips: providers are sold out, or do not answer, by chance (seed ${seed})`
    )
    const travelling = travel(agency, plan)
    const needs = [travelling, ...workers.map(({ lost }) => lost)]

    const middle = await watch(sql, trips, screen, needs, ({ ended, busiest }) => {
      return ended === trips || (ended >= trips / 2 && busiest !== undefined)
    })
    const { name = 'worker 1', underWay = [] } = middle.busiest ?? {}
    await workers[names.indexOf(name)]?.kill()
    screen.say(`${name} killed with kill -9, with ${underWay.length} trips and bookings under way`, 'bad')

    await watch(sql, trips, screen, needs, ({ ended }) => ended === trips)
    await travelling
    for (const worker of workers) await worker.stop()
    return { trips, orphaned: underWay }
  } finally {
    for (const worker of workers) await worker.kill()
    await agency.stop({ drain: 0 })
  }
}

function startOne(settings: WorkerSettings): Promise<Worker> {
  return startWorker({ program, name: `worker ${settings.worker}`, env: writeWorkerSettings(settings) })
}

interface Progress {
  readonly ended: number
  /** The worker that does most, and the trips and bookings that it does something for. */
  readonly busiest: { readonly name: string; readonly underWay: readonly string[] } | undefined
}

/** Shows the progress until `until` holds; rejects as soon as one of `needs` does. */
async function watch(
  sql: Sql,
  trips: number,
  screen: Screen,
  needs: readonly Promise<unknown>[],
  until: (progress: Progress) => boolean
): Promise<Progress> {
  const bar = screen.startBar(trips, 'ended')
  let failure: { readonly error: unknown } | undefined
  for (const need of needs) need.catch((error: unknown) => (failure = { error }))
  try {
    for (;;) {
      const progress = await readProgress(sql)
      bar.update(progress.ended)
      if (until(progress)) return progress
      if (failure) throw failure.error
      await pause(lookEveryMs)
    }
  } finally {
    bar.stop()
  }
}

async function readProgress(sql: Sql): Promise<Progress> {
  const [trips] = await sql<[{ ended: number }]>`
    select count(*)::integer as ended from perdure_trips.actor
    where machine = 'trip' and status in ('done', 'failed', 'stopped')`
  const [busiest] = await sql<{ name: string; underWay: string[] }[]>`
    select node.name, array_agg(actor.id::text) as "underWay"
    from perdure_trips.actor join perdure_trips.node on node.id = actor.owner
    where node.name like 'worker %' and actor.status = 'running'
    group by node.name order by count(*) desc limit 1`
  return { ended: trips.ended, busiest }
}

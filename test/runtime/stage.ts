/**
 * What the tests of the runtime share: a database for the file, runtimes that end with their test, and ways to listen.
 *
 *     const { db, start, rowOf } = await openStage()          // at the top of the file
 *     const runtime = await start([machine], { passivateAfter: 0 })
 *
 * Owns: the schema of the file, emptied before each test; the end of every runtime that a test starts.
 */
import pg from 'pg'
import { beforeEach, expect, onTestFinished } from 'vitest'
import { createRuntime, type MachineEntry, type Runtime, type RuntimeOptions, type TelemetryEventName } from 'perdure'
import type { TelemetryEvents } from 'perdure'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import type { MachineOf } from '../../src/options.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { watchedPool, type WatchedPool } from './watched-pool.ts'

type Options = Partial<Omit<RuntimeOptions, 'machines'>>

export interface ActorColumns {
  readonly status: string
  readonly version: number
  readonly owner: string | null
  readonly snapshot: {
    readonly value: unknown
    readonly context: unknown
    readonly timers?: readonly { dueAt: number }[]
  }
  readonly last_error: { readonly message: string } | null
  readonly inbox: readonly { readonly type: string }[]
}

export interface Stage {
  readonly db: TestDatabase
  /** A runtime on the file's database, started. It stops after the test, if that has not stopped it. */
  start<const Machines extends readonly MachineEntry[]>(
    machines: Machines,
    options?: Options
  ): Promise<Runtime<MachineOf<Machines[number]>>>
  /** A pool to hand to `start`, ended after the test. */
  watch(): WatchedPool
  /** A connection outside of the product, ended after the test. */
  connect(): Promise<pg.Client>
  /** What the database says of an actor. */
  rowOf(id: string): Promise<ActorColumns>
  /** Has every node taken for dead, as if its lease had run out: whoever starts next takes its actors. */
  declareNodesDead(): Promise<void>
  /** Makes every timer and start time of the actors at rest fall due so much earlier, as if that time had passed. */
  letTimePass(ms: number): Promise<void>
}

/**
 * What `truncate` does, without the new files that take it most of the time of a test. Its lock, too: whatever the test before
 * has left under way on the server ends first.
 */
const EMPTY = `
  lock table perdure.actor, perdure.node, perdure.schedule, perdure.slot, perdure.bucket in access exclusive mode;
  delete from perdure.actor;
  delete from perdure.node;
  delete from perdure.schedule;
  delete from perdure.slot;
  delete from perdure.bucket`

export async function openStage(): Promise<Stage> {
  const db = await testDatabase()
  const store = await openPostgresStore(db.url)
  await store.migrate()
  await store.close()
  const pools = new Set<WatchedPool>()
  beforeEach(async () => void (await db.sql(EMPTY)))

  return {
    db,
    start: async (machines, options = {}) => {
      const runtime = createRuntime({ database: db.url, machines, ...quiet, ...options })
      onTestFinished(async () => {
        for (const watched of pools) watched.releaseAll()
        await runtime.stop({ drain: 0 })
      })
      await runtime.start()
      return runtime
    },
    watch: () => {
      const watched = watchedPool(db.url)
      pools.add(watched)
      onTestFinished(() => watched.pool.end())
      return watched
    },
    connect: async () => {
      const client = new pg.Client(db.url)
      onTestFinished(() => client.end())
      await client.connect()
      return client
    },
    rowOf: async (id) => {
      const [row] = await db.sql(
        `select status, version::integer, owner, snapshot, last_error,
           (select coalesce(json_agg(event order by seq), '[]') from perdure.signal where actor_id = id) as inbox
         from perdure.actor where id = $1`,
        [id]
      )
      return row as unknown as ActorColumns
    },
    declareNodesDead: async () => void (await db.sql('update perdure.node set expires_at = now()')),
    letTimePass: async (ms) => {
      for (const { id, text } of await db.sql('select id, snapshot::text as text from perdure.actor')) {
        const earlier = String(text).replaceAll(/"dueAt":(\d+)/g, (_, dueAt) => `"dueAt":${Number(dueAt) - ms}`)
        await db.sql(
          `update perdure.actor set snapshot = $2,
             timer_at = timer_at - $3::interval, wake_at = wake_at - $3::interval
           where id = $1`,
          [id, text === null ? null : earlier, `${ms} milliseconds`]
        )
      }
    }
  }
}

/** The tests listen to telemetry, not to the console. */
const quiet = { warn: () => undefined, log: () => undefined, poll: 20 } as const

/** Resolves with the next such event that `matches`. */
export function hear<Name extends TelemetryEventName>(
  runtime: Pick<Runtime, 'on'>,
  name: Name,
  matches: (payload: TelemetryEvents[Name]) => boolean = () => true
): Promise<TelemetryEvents[Name]> {
  return new Promise((resolve) => {
    const stop = runtime.on(name, (payload) => {
      if (!matches(payload)) return
      stop()
      resolve(payload)
    })
  })
}

/** Looks at the world until it is as expected. */
export const eventually = <Seen>(look: () => Seen) => expect.poll(look, { interval: 5, timeout: 30_000 })

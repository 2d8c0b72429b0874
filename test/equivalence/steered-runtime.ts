/**
 * The real runtime on a real Postgres, moved on by hand: `perdure/testing` with a database in place of the memory.
 *
 * Owns: moving time and work on until nothing is left to do, and telling whether an actor has left memory.
 * Does not own: what is done (src/), whose actors they are (durable-run.ts).
 *
 * Invariants
 * 1. The clock of the node and `now()` of the database are the same, and stand still while anything runs.
 * 2. The node's own loops wake nobody, however often they are poked: their picks find nothing, and nothing is told to
 *    them. Who is woken, and when, is decided here.
 */
import { setImmediate } from 'node:timers/promises'
import type { AnyStateMachine } from 'xstate'
import { DEFAULT_SCHEMA, type RuntimeOptions } from '../../src/options.ts'
import { openPostgresStore, type PostgresStore } from '../../src/persistence/postgres-store.ts'
import type { ActorRow, Listening, PickResult } from '../../src/persistence/store.ts'
import { DurableRuntime } from '../../src/runtime.ts'
import { PATIENCE } from './plain-run.ts'
import type { SteeredDatabase } from './steered-database.ts'

export interface VersionedMachine {
  readonly machine: AnyStateMachine
  readonly version: string
}

/** Where an actor is at rest. */
export interface Whereabouts {
  readonly row: ActorRow
  /** `asleep`: nothing of it is in memory, and nobody leases its row. `working`: promises or the like keep it awake. */
  readonly at: 'asleep' | 'working' | 'awake'
}

/** A hundred years: no case moves time as far. */
const LEASE_MS = 100 * 365 * 24 * 3_600_000
const QUEUE = 'default'
const MANY = 100_000
const NO_ROWS: PickResult = { rows: [], nextDueInMs: null, contended: [] }
const DEAF: Listening = { isOpen: true, end: () => Promise.resolve() }

export class SteeredRuntime extends DurableRuntime<AnyStateMachine> {
  readonly #database: SteeredDatabase
  readonly #store: PostgresStore
  readonly #pickRows: PostgresStore['pick']
  readonly #machines: readonly { readonly name: string; readonly version: string }[]

  private constructor(
    database: SteeredDatabase,
    store: PostgresStore,
    options: RuntimeOptions,
    names: readonly VersionedMachine[]
  ) {
    super(options, () => Promise.resolve(store), database.clock)
    this.#database = database
    this.#store = store
    this.#pickRows = store.pick.bind(store)
    // What the node's loops ask, and nobody else.
    store.pick = () => Promise.resolve(NO_ROWS)
    store.listen = () => Promise.resolve(DEAF)
    this.#machines = names.map(({ machine, version }) => ({ name: machine.id, version }))
  }

  /** What the machines have no transition for is dropped, as plain XState does. */
  static async start(
    database: SteeredDatabase,
    machines: readonly VersionedMachine[],
    log: (...words: unknown[]) => void
  ): Promise<SteeredRuntime> {
    const store = await openPostgresStore(database.url)
    const options: RuntimeOptions = {
      database: DEFAULT_SCHEMA,
      machines: machines.map((entry) => ({ ...entry, unhandled: 'drop' })),
      queues: { [QUEUE]: MANY },
      maxResident: MANY,
      passivateAfter: 0,
      lease: LEASE_MS,
      poll: LEASE_MS,
      reaper: false,
      janitor: false,
      log,
      warn: () => undefined
    }
    const runtime = new SteeredRuntime(database, store, options, machines)
    await store.migrate()
    await runtime.start()
    return runtime
  }

  /** Until nothing is left to do at the present time, and every actor that may has left memory. */
  async rest(): Promise<void> {
    do await this.#settle()
    while (await this.#pick())
  }

  /** Moves time on, from one timer to the next, with a rest at each. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#database.clock.now() + ms
    for (let dueMs = await this.#nextDueMs(); dueMs <= targetMs; dueMs = await this.#nextDueMs()) {
      await this.#database.moveTo(dueMs)
      await this.rest()
    }
    await this.#database.moveTo(targetMs)
  }

  /** Of actors that exist, in order. */
  async find(ids: readonly string[]): Promise<readonly Whereabouts[]> {
    const { engine } = await this.member('find()')
    const rows = await this.#store.read(ids)
    return ids.map((id, index) => {
      const row = rows[index]
      if (!row) throw new Error(`actor ${id} has no row`)
      const awake = engine.registry.get(id)
      if (awake) return { row, at: awake.incarnation.tree.hasLiveWork() ? 'working' : 'awake' }
      return { row, at: row.owner === null ? 'asleep' : 'awake' }
    })
  }

  async #settle(): Promise<void> {
    const { engine, batched } = await this.member('rest()')
    for (let quiet = 0; quiet < PATIENCE; quiet = engine.isQuiet ? quiet + 1 : 0) {
      for (const actor of engine.registry) {
        actor.passivate()
        actor.acknowledge()
      }
      await batched.whenIdle()
      await setImmediate()
    }
  }

  /** Wakes what is to run now; false: there was nothing. */
  async #pick(): Promise<boolean> {
    const { engine, node } = await this.member('rest()')
    await engine.post.look()
    const { rows } = await this.#pickRows({ node, queue: QUEUE, machines: this.#machines, limit: MANY })
    for (const row of rows) engine.awaken(row)
    return rows.length > 0 || !engine.isQuiet
  }

  async #nextDueMs(): Promise<number> {
    const { node } = await this.member('advance()')
    const { nextDueInMs } = await this.#pickRows({ node, queue: QUEUE, machines: this.#machines, limit: 0 })
    const { clock } = this.#database
    const asleep = nextDueInMs === null ? Infinity : Math.round(clock.now() + nextDueInMs)
    return Math.min(asleep, Math.ceil(clock.nextAlarmMs ?? Infinity))
  }
}

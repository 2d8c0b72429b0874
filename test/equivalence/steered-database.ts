/**
 * A Postgres database whose `now()` stands still until it is told to move, with a clock for nodes that goes along.
 *
 * The statements of perdure ask `now()`. Here, a function of that name comes before Postgres' own on the search path of
 * the database, and reads a sequence: the one thing in Postgres whose change all sessions see at once, and whose reading
 * depends on no snapshot.
 *
 * Owns: the function, the time. Does not own: perdure's tables, and connections that are not its own.
 *
 * Invariant
 * 1. Time is moved only while no statement is under way: within one statement it is the same everywhere.
 */
import pg from 'pg'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const SET_UP = `
  create schema steered;
  create sequence steered.clock;
  create function steered.now() returns timestamptz stable language sql
    as 'select to_timestamp(last_value / 1000.0) from steered.clock';
  do $$ begin
    execute format('alter database %I set search_path = steered, pg_catalog, public', current_database());
  end $$;`

const START_MS = Date.UTC(2030, 0)

export class SteeredDatabase {
  readonly url: string
  /** Moved by `moveTo` only. */
  readonly clock = new VirtualClock(START_MS)
  readonly #client: pg.Client

  private constructor(url: string) {
    this.url = url
    this.#client = new pg.Client({ connectionString: url, application_name: 'steered database' })
  }

  /** `url`: of an empty database. */
  static async open(url: string): Promise<SteeredDatabase> {
    const database = new SteeredDatabase(url)
    await database.#client.connect()
    await database.#client.query(SET_UP)
    await database.moveTo(START_MS)
    return database
  }

  /** Epoch milliseconds. Rings the alarms that are due by then. */
  async moveTo(ms: number): Promise<void> {
    await this.#client.query("select setval('steered.clock', $1)", [ms])
    this.clock.moveTo(ms)
  }

  async close(): Promise<void> {
    await this.#client.end()
  }
}

/**
 * What the database knows of an order, its past included: a trigger of the tests keeps every state that its row was ever in.
 */
import pg from 'pg'
import { afterAll } from 'vitest'
import { createRuntime } from '../../src/index.ts'
import { testDatabase, type Row, type TestDatabase } from '../support/database.ts'
import type { Event, Step } from './order.ts'

export interface Transition {
  readonly version: number
  /** All steps taken so far. */
  readonly steps: readonly Step[]
  /** When the earliest timer is due, and when this was committed; by the database's clock, in milliseconds. */
  readonly timerAt: number | null
  readonly committedAt: number
}

export interface OrderRecord {
  /** null: there is no such order. */
  readonly status: string | null
  readonly transitions: readonly Transition[]
  /** The steps of the last transition. */
  readonly steps: readonly Step[]
  /** Events that wait in the durable inbox. */
  readonly inbox: readonly Event[]
  readonly dedupKeys: readonly string[]
}

/** A database of its own, with a connection for all that is asked of it: it is asked often. */
export async function openDatabase(): Promise<TestDatabase> {
  const { url } = await testDatabase()
  const runtime = createRuntime({ database: url, machines: [] })
  await runtime.migrate()
  await runtime.stop()

  const client = new pg.Client(url)
  await client.connect()
  afterAll(() => client.end())
  await client.query(`
    create table booking (order_id uuid);
    create table past (
      n bigint generated always as identity,
      actor_id uuid, version integer, snapshot text, timer_at timestamptz, at timestamptz
    );
    create function remember() returns trigger language plpgsql as $$
      begin
        insert into past (actor_id, version, snapshot, timer_at, at)
        values (new.id, new.version, new.snapshot, new.timer_at, now());
        return null;
      end
    $$;
    create trigger remember after insert or update on perdure.actor for each row execute function remember()`)
  return { url, sql: async (text, params = []) => (await client.query<Row>(text, [...params])).rows }
}

/** A version that was written twice, with different snapshots, comes as two transitions. */
export async function readRecord({ sql }: TestDatabase, id: string): Promise<OrderRecord> {
  const [row] = await sql(
    `with transition as (
       select
         version,
         snapshot::json #> '{context,steps}' as steps,
         extract(epoch from min(timer_at)) * 1000 as "timerAt",
         extract(epoch from min(at)) * 1000 as "committedAt"
       from past where actor_id = $1 and version > 0
       group by version, snapshot
       order by min(n)
     )
     select
       (select status from perdure.actor where id = $1) as status,
       (select coalesce(json_agg(transition), '[]') from transition) as transitions,
       (select coalesce(json_agg(event -> 'type' order by seq), '[]') from perdure.signal where actor_id = $1) as inbox,
       (select coalesce(json_agg(dedup_key), '[]') from perdure.dedup where actor_id = $1) as "dedupKeys"`,
    [id]
  )
  const record = row as unknown as Omit<OrderRecord, 'steps'>
  return { ...record, steps: record.transitions.at(-1)?.steps ?? [] }
}

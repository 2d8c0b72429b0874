/** The interleavings that the headers of cancel.sql and retry.sql name, each forced. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import type { Lease } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()
const store = await openPostgresStore(url)
const rival = new pg.Client({ connectionString: url })
const node = uniqueId()
let lease: Lease

beforeAll(async () => {
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
  await rival.connect()
})
afterAll(async () => {
  await rival.end()
  await lease.leave(true)
  await store.close()
})

async function awake(): Promise<string> {
  const actor = newActor({ owner: node })
  await store.insert([actor])
  await store.commit(node, [transition({ id: actor.id, version: 0 })])
  return actor.id
}

async function asleep(status: 'waiting' | 'parked' = 'waiting'): Promise<string> {
  const id = await awake()
  await store.commit(node, [transition({ id, version: 1 }, { status, release: true })])
  return id
}

/** Has the rival write to the row, runs `work` until it waits for that, commits it, and answers what `work` answers. */
async function overtakenBy<T>(id: string, change: string, work: () => Promise<T>): Promise<T> {
  await rival.query('begin')
  await rival.query(`update perdure.actor set ${change} where id = $1`, [id])
  const answer = work()
  const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  await expect.poll(() => sql(waiting)).not.toEqual([])
  await rival.query('commit')
  return answer
}

const cancel = (id: string) => store.cancel({ id, request: '{"type":"xstate.stop"}', reason: null })
const rowOf = async (id: string) => (await store.read([id]))[0]

test('an actor that is leased before it is cancelled is ended by its owner', async () => {
  const id = await asleep()
  expect(await overtakenBy(id, `owner = '${node}'`, () => cancel(id))).toEqual({ kind: 'asked', owner: node })
  expect(await store.inbox(id, 0)).toMatchObject([{ seq: 1, event: '{"type":"xstate.stop"}' }])
  expect(await store.unseen(node, 10)).toContain(id)
})

test('an actor that its owner lets go before it is cancelled is ended at once', async () => {
  const id = await awake()
  expect(await overtakenBy(id, 'owner = null', () => cancel(id))).toEqual({ kind: 'ended' })
  expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  expect(await store.inbox(id, 0)).toEqual([])
})

test('an actor that is done before it is cancelled stays done', async () => {
  const id = await awake()
  const end = `owner = null, status = 'done', wake_at = null, ended_at = now()`
  expect(await overtakenBy(id, end, () => cancel(id))).toEqual({ kind: 'ended' })
  expect(await rowOf(id)).toMatchObject({ status: 'done' })
})

test('an actor that is cancelled while it is leased is not leased', async () => {
  const id = await asleep()
  const end = `status = 'stopped', wake_at = null, ended_at = now()`
  expect(await overtakenBy(id, end, () => store.claim(node, [id]))).toEqual([{ kind: 'terminated', status: 'stopped' }])
})

test('an actor that is cancelled while its owner commits: the commit stands, and the owner is asked', async () => {
  const id = await awake()
  expect(await overtakenBy(id, `version = 2`, () => cancel(id))).toEqual({ kind: 'asked', owner: node })
  expect(await rowOf(id)).toMatchObject({ version: 2, owner: node })
})

test('an actor that is cancelled before it is tried again stays so', async () => {
  const id = await asleep('parked')
  const end = `status = 'stopped', wake_at = null, ended_at = now()`
  expect(await overtakenBy(id, end, () => store.retry(id))).toMatchObject({ kind: 'untouched' })
  expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
})

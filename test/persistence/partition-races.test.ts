/**
 * Two rows of one partition, and two who want them: the interleavings that the header of sql/queries/pick.sql names, each forced by
 * another transaction that holds what a statement needs, or has changed what it does not see yet.
 */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPostgresStore, type PostgresStore } from '../../src/persistence/postgres-store.ts'
import type { Lease } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, MACHINES, newActor, transition, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()
const node = uniqueId()
const rival = new pg.Client({ connectionString: url })
let store: PostgresStore
let lease: Lease

beforeAll(async () => {
  store = await openPostgresStore(url)
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
  await rival.connect()
})
beforeEach(() => rival.query('rollback'))
afterAll(async () => {
  await rival.end()
  await lease.leave(true)
  await store.close()
})

async function born(fields = {}) {
  const actor = newActor(fields)
  await store.insert([actor])
  return actor
}

const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`

/** Runs `work` until it waits for the rival's transaction, commits that, and answers what `work` answers. */
async function overtakenBy<T>(work: () => Promise<T>): Promise<T> {
  const answer = work()
  await expect.poll(() => sql(waiting)).not.toEqual([])
  await rival.query('commit')
  return answer
}

describe('two rows of one partition', () => {
  /** Two ready rows, the second one behind the first. */
  async function line(partitionKey = uniqueId()) {
    const queue = uniqueId()
    const first = await born({ queue, partitionKey, priority: -1 })
    const second = await born({ queue, partitionKey })
    const pick = () => store.pick({ node, queue, machines: MACHINES, limit: 10 })
    const lock = `select pg_advisory_xact_lock(hashtextextended('${partitionKey}', 0) & 9223372036854775807)`
    return { first: first.id, second: second.id, pick, lock }
  }

  it('are both left to a node that is leasing one of them, whichever that is', async () => {
    const { first, second, pick, lock } = await line()
    await rival.query('begin')
    await rival.query(lock)
    await rival.query('select from perdure.actor where id = $1 for no key update', [second])
    expect((await pick()).rows).toEqual([])
    expect(await store.claim(node, [first])).toMatchObject([{ kind: 'held' }])
    await rival.query('rollback')
    expect((await pick()).rows).toMatchObject([{ id: first }])
  })

  it('are not both leased where a pick does not see that the other was leased', async () => {
    const { first, second, pick } = await line()
    await rival.query('begin')
    // As if it had the lock and let go of it, between the snapshot of the pick and its look at the lock.
    await rival.query('update perdure.actor set owner = $2 where id = $1', [second, node])
    const { rows } = await overtakenBy(pick)
    expect(rows).toEqual([])
    expect(await store.read([first])).toMatchObject([{ owner: null, attempt: 0, status: 'ready' }])
  })

  it('are not both leased where a claim does not see that the other was leased', async () => {
    const { first, second } = await line()
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = $2 where id = $1', [second, node])
    expect(await overtakenBy(() => store.claim(node, [first]))).toMatchObject([{ kind: 'held' }])
    expect(await store.read([first])).toMatchObject([{ owner: null, attempt: 0 }])
  })

  it('deadlock nowhere, though they are leased two and two, in other orders', async () => {
    const [a, b] = [await line(), await line()]
    const answers = await Promise.all([
      store.claim(node, [a.first, b.first]),
      store.claim(node, [b.second, a.second]),
      store.claim(node, [b.first, a.first])
    ])
    const rows = answers.flat().flatMap((answer) => (answer.kind === 'claimed' ? [answer.row] : []))
    const ids = new Set(rows.map(({ id }) => id))
    expect(ids.size).toBe(new Set(rows.map(({ partitionKey }) => partitionKey)).size)
    expect([...ids].every((id) => id === a.first || id === b.first)).toBe(true)
  })

  it('are gone on with when the first rests, though that commits while the second is put aside', async () => {
    const { first, second, pick } = await line()
    await pick()
    await rival.query('begin')
    await rival.query('select from perdure.actor where id = $1 for no key update', [second])
    await store.commit(node, [transition({ id: first, version: 0 }, { release: true })])
    expect((await pick()).rows).toEqual([])
    await rival.query('commit')
    expect((await pick()).rows).toMatchObject([{ id: second }])
  })
})

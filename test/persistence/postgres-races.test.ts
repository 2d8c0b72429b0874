/**
 * What breaks if X comes before Y? The interleavings that the headers in sql/queries name, each forced: another transaction
 * holds a row, the statement under test is seen waiting for it, then the other commits. And what a statement may cost.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import { openPostgresStore, PostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import type { Lease, NewActor } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { MACHINES, acknowledgement, HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'
import { noting } from './noting.ts'

const { url, sql } = await testDatabase()
const queries = loadQueries('perdure')
const node = uniqueId()
const rival = new pg.Client({ connectionString: url })
let statements: string[] = []
let store: PostgresStore
let lease: Lease

beforeAll(async () => {
  store = new PostgresStore(
    noting(await openDriver(url, queries.pinPlans), (name) => statements.push(name)),
    queries,
    'perdure'
  )
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
  await rival.connect()
})
beforeEach(async () => {
  await rival.query('rollback')
  statements = []
})
afterAll(async () => {
  await rival.end()
  await lease.leave(true)
  await store.close()
})

/** An actor that has started, waits, and belongs to nobody. */
async function asleep(fields = {}): Promise<string> {
  const { id } = await born({ owner: node, ...fields })
  await store.commit(node, [transition({ id, version: 0 }, { release: true })])
  return id
}

async function born(fields = {}) {
  const actor = newActor(fields)
  await store.insert([actor])
  return actor
}

// Other test files use other databases of the same server at the same time.
const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`

/** Runs `work` until it waits for the rival's transaction, commits that, and answers what `work` answers. */
async function overtakenBy<T>(work: () => Promise<T>): Promise<T> {
  const answer = work()
  await expect.poll(() => sql(waiting)).not.toEqual([])
  await rival.query('commit')
  return answer
}

const signalTo = (actorId: string, dedupKey: string | null = null) =>
  store.signal([{ actorId, machine: null, event: '"sent"', dedupKey }], 10)

describe('a claim that waits while the row moves', () => {
  it('brings no signal that a commit took with it meanwhile', async () => {
    const id = await asleep()
    await signalTo(id)
    await rival.query('begin')
    await rival.query(`update perdure.actor set snapshot = '"applied"', version = 2 where id = $1`, [id])
    await rival.query('delete from perdure.signal where actor_id = $1', [id])
    const [result] = await overtakenBy(() => store.claim(node, [id]))
    expect(result).toMatchObject({ kind: 'claimed', row: { snapshot: '"applied"', version: 2, inbox: [] } })
  })

  it('brings the signal that arrived meanwhile', async () => {
    const id = await asleep()
    await rival.query('begin')
    await rival.query('update perdure.actor set inbox_seq = 1 where id = $1', [id])
    await rival.query(`insert into perdure.signal (actor_id, seq, event) values ($1, 1, '"new"')`, [id])
    const [result] = await overtakenBy(() => store.claim(node, [id]))
    expect(result).toMatchObject({ kind: 'claimed', row: { inboxSeq: 1, inbox: [{ seq: 1, event: '"new"' }] } })
  })

  it('leaves the row to another node that claimed it meanwhile', async () => {
    const [id, other] = [await asleep(), uniqueId()]
    const otherLease = await store.join(other, 'other', HOUR_MS)
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = $2, attempt = 1 where id = $1', [id, other])
    const [result] = await overtakenBy(() => store.claim(node, [id]))
    expect(result).toEqual({ kind: 'held', status: 'waiting', owner: other })
    await otherLease.leave(true)
  })
})

describe('a commit', () => {
  it('waits half a second at most for a row that someone keeps locked, and the others of its batch not longer', async () => {
    const [locked, free] = [await born({ owner: node }), await born({ owner: node })]
    await rival.query('begin')
    await rival.query('select from perdure.actor where id = $1 for no key update', [locked.id])
    const commits = [locked, free].map(({ id }) => transition({ id, version: 0 }))
    expect(await store.commit(node, commits)).toMatchObject([{ kind: 'locked' }, { kind: 'committed' }])
    expect(await store.commit(node, commits.slice(0, 1))).toEqual([{ kind: 'locked' }])
    await rival.query('commit')
    expect(await store.commit(node, commits)).toMatchObject([{ kind: 'committed' }, { kind: 'stale' }])
  })
})

describe('a pick', () => {
  it('waits for nobody, and leaves a row that someone has locked', async () => {
    const queue = uniqueId()
    const [locked, free] = [await born({ queue }), await born({ queue })]
    await rival.query('begin')
    await rival.query('select from perdure.actor where id = $1 for no key update', [locked.id])
    const { rows } = await store.pick({ node, queue, machines: MACHINES, limit: 10 })
    expect(rows.map(({ id }) => id)).toEqual([free.id])
  })

  it('takes a row whose signals are just being written', async () => {
    const queue = uniqueId()
    const { id } = await born({ queue })
    await rival.query('begin')
    await rival.query('select from perdure.actor where id = $1 for key share', [id])
    const { rows } = await store.pick({ node, queue, machines: MACHINES, limit: 10 })
    expect(rows).toMatchObject([{ id }])
  })
})

describe('a commit that waits', () => {
  it('keeps the lease where a signal landed meanwhile', async () => {
    const { id } = await born({ owner: node })
    await rival.query('begin')
    await rival.query('update perdure.actor set inbox_seq = 1 where id = $1', [id])
    const commit = transition({ id, version: 0 }, { release: true })
    const [result] = await overtakenBy(() => store.commit(node, [commit]))
    expect(result).toEqual({ kind: 'committed', released: false, inboxSeq: 1 })
  })

  it('is stale where another node took the row meanwhile', async () => {
    const { id } = await born({ owner: node })
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = $2 where id = $1', [id, uniqueId()])
    const [result] = await overtakenBy(() => store.commit(node, [transition({ id, version: 0 })]))
    expect(result).toEqual({ kind: 'stale' })
  })

  it('finds the dedup key that someone else brought meanwhile, and its neighbours are committed', async () => {
    const [one, two] = [await born({ owner: node }), await born({ owner: node })]
    await rival.query('begin')
    await rival.query(`insert into perdure.dedup (actor_id, dedup_key) values ($1, 'key')`, [one.id])
    const commits = [one, two].map(({ id }) => transition({ id, version: 0 }, { dedupKeys: ['key'] }))
    const results = await overtakenBy(() => store.commit(node, commits))
    expect(results).toMatchObject([{ kind: 'duplicate', keys: ['key'] }, { kind: 'committed' }])
  })
})

describe('a signal that waits', () => {
  it('wakes the row that was let go meanwhile', async () => {
    const { id } = await born({ owner: node })
    await store.commit(node, [transition({ id, version: 0 })])
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = null where id = $1', [id])
    expect(await overtakenBy(() => signalTo(id))).toMatchObject([{ kind: 'queued', owner: null }])
    expect(await store.read([id])).toMatchObject([{ status: 'ready' }])
  })

  it('is refused where the actor ended meanwhile', async () => {
    const id = await asleep()
    await rival.query('begin')
    await rival.query(`update perdure.actor set status = 'done', ended_at = now(), wake_at = null where id = $1`, [id])
    expect(await overtakenBy(() => signalTo(id))).toEqual([{ kind: 'terminated', status: 'done' }])
    expect(await store.inbox(id, 0)).toEqual([])
  })
})

describe('an insert that waits', () => {
  it('finds the actor that took the key meanwhile', async () => {
    const [key, occupant] = [uniqueId(), uniqueId()]
    await rival.query('begin')
    await rival.query(
      `insert into perdure.actor (id, machine, key, key_scope, queue, priority, status, wake_at)
       values ($1, 'order', $2, '{ready,running,waiting}', 'default', 0, 'ready', now())`,
      [occupant, key]
    )
    const actor = newActor({ key })
    // It waits for half a second at most; on a machine that is busy that may be over before the other commits.
    const insert = async (): Promise<unknown> => {
      const [result] = await store.insert([actor])
      return result?.kind === 'locked' ? insert() : result
    }
    expect(await overtakenBy(insert)).toEqual({ kind: 'duplicate', by: 'key', id: occupant, machine: 'order' })
  })

  it('holds up nobody else of its batch, and is told to come again', async () => {
    const [taken, free] = [uniqueId(), uniqueId()]
    await rival.query('begin')
    await rival.query(
      `insert into perdure.actor (id, machine, key, key_scope, queue, priority, status, wake_at)
       values ($1, 'order', $2, '{ready,running,waiting}', 'default', 0, 'ready', now())`,
      [uniqueId(), taken]
    )
    const batch = [...Array.from({ length: 9 }, () => newActor()), newActor({ key: taken }), newActor({ key: free })]
    const results = await store.insert(batch)
    await rival.query('rollback')
    expect(results.map(({ kind }) => kind)).toEqual([...Array(9).fill('inserted'), 'locked', 'inserted'])
    expect(await store.insert([batch[9] as NewActor])).toEqual([{ kind: 'inserted' }])
  })
})

describe('a batch', () => {
  const batch = () => Array.from({ length: 300 }, () => newActor({ owner: node }))

  it('is one statement, whatever its size and its mix', async () => {
    const actors = batch()
    const ids = actors.map(({ id }) => id)
    await store.insert(actors)
    const commits = ids.map((id, n) => transition({ id, version: 0 }, { dedupKeys: n % 2 ? ['key'] : [] }))
    await store.commit(node, commits)
    statements = []
    const deferred = [{ event: '1', dedupKey: randomUUID() }]
    await store.commit(node, [
      ...ids.slice(2).map((id) => transition({ id, version: 1 }, { deferred, release: true })),
      transition({ id: ids[0] ?? '', version: 9 }),
      acknowledgement({ id: ids[1] ?? '', version: 1 }, { dedupKeys: ['key'] })
    ])
    await store.claim(node, ids)
    await store.signal(
      ids.map((actorId) => ({ actorId, machine: null, event: '1', dedupKey: null })),
      10
    )
    await store.pick({ node, queue: uniqueId(), machines: MACHINES, limit: 10 })
    expect(statements).toEqual([queries.commit, queries.claim, queries.signal, queries.pick].map(({ name }) => name))
  })

  it('touches no index where actors stay awake, but rewrites them in place', async () => {
    const own = await openPostgresStore(url, 'in_place')
    await own.migrate()
    // Room on every page, also while someone else's snapshot hinders pruning: what is left to decide is what an index knows.
    await sql('alter table in_place.actor set (fillfactor = 10)')
    const actors = batch()
    await own.insert(actors)
    for (let version = 0; version < 2; version += 1) {
      await own.commit(
        node,
        actors.map(({ id }) => transition({ id, version }, { timerAt: Date.now() + version, journal: '[1]' }))
      )
    }
    // The server counts when a session ends.
    await own.close()
    const updates = `select n_tup_upd::integer as all, n_tup_hot_upd::integer as hot from pg_stat_user_tables
      where schemaname = 'in_place' and relname = 'actor'`
    await expect.poll(() => sql(updates), { timeout: 10_000 }).toMatchObject([{ all: 600 }])
    const [{ hot }] = (await sql(updates)) as [{ hot: number }]
    // The first commit moves each actor from `ready` to `waiting`, which an index must know.
    expect(hot).toBe(300)
  })
})

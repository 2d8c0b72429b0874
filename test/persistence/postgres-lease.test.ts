/** What the end of a node's session means, through each client that keeps sessions. */
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { PostgresStore } from '../../src/persistence/postgres-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, newActor, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()

const clients = {
  pg: (max = 10) => {
    const pool = new pg.Pool({ connectionString: url, max })
    return { client: pool as unknown, take: () => pool.connect(), end: () => pool.end() }
  },
  'postgres.js': (max = 10) => {
    const client = postgres(url, { max, onnotice: () => undefined })
    return { client: client as unknown, take: () => client.reserve(), end: () => client.end() }
  }
}

/** Ends the sessions of all nodes, and waits until the server has let go of them. */
const endSessions = () =>
  sql(`select pg_terminate_backend(l.pid, 10000) from pg_locks as l
    join pg_database as d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database()`)

/** Whoever holds the lock of a node. */
const lockOf = `select pid from pg_locks where locktype = 'advisory'
  and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`

describe.each(Object.entries(clients))('a lease over %s', (name, connect) => {
  const { client, end } = connect()
  const schema = `over_${name.replace('.', '_')}`
  let store: PostgresStore

  beforeAll(async () => {
    store = await openPostgresStore(client, schema)
    await store.migrate()
  })
  afterAll(async () => {
    await store.close()
    await end()
  })

  it('is open until its session is gone, and cannot be renewed then', async () => {
    const lease = await store.join(uniqueId(), 'node', HOUR_MS)
    expect(lease.isOpen).toBe(true)
    expect(await lease.renew()).toMatchObject({ held: true })
    await endSessions()
    await expect.poll(() => lease.isOpen).toBe(false)
    await expect(lease.renew()).rejects.toThrow(/closed|not queryable/)
    await lease.leave(true)
  })

  it('leaves its node dead as soon as its session is gone, though it runs on', async () => {
    const [gone, reaper] = [uniqueId(), uniqueId()]
    const lease = await store.join(gone, 'gone', HOUR_MS)
    const actor = newActor({ owner: gone })
    await store.insert([actor])
    expect(await store.reap(reaper, 10)).toEqual({ nodes: [], actors: 0 })
    await endSessions()
    expect(await store.reap(reaper, 10)).toEqual({ nodes: [gone], actors: 1 })
    expect(await store.read([actor.id])).toMatchObject([{ status: 'ready', owner: null }])
    await lease.leave(true)
  })

  it('is left though its session is gone, and frees the rows of its node', async () => {
    const node = uniqueId()
    const lease = await store.join(node, 'node', HOUR_MS)
    const actor = newActor({ owner: node })
    await store.insert([actor])
    await endSessions()
    await lease.leave(true)
    expect(await store.read([actor.id])).toMatchObject([{ status: 'ready', owner: null }])
  })

  it('is left though its user keeps the whole pool busy: its lock is free, and so are the rows of its node', async () => {
    const pool = connect(1)
    const busy = await openPostgresStore(pool.client, schema)
    const node = uniqueId()
    const lease = await busy.join(node, 'node', HOUR_MS)
    const actor = newActor({ owner: node })
    await busy.insert([actor])
    const taken = await pool.take()
    onTestFinished(async () => {
      taken.release()
      await busy.close()
      await pool.end()
    })
    await lease.leave(false)
    expect(await store.read([actor.id])).toMatchObject([{ status: 'ready', owner: null }])
    await expect.poll(() => sql(lockOf, [node]), { timeout: 10_000 }).toEqual([])
  })
})

/** What the end of a node's session means, through each client that keeps sessions. */
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresStore } from '../../src/persistence/postgres-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, newActor, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()

const clients = {
  pg: () => {
    const pool = new pg.Pool({ connectionString: url })
    return { client: pool as unknown, end: () => pool.end() }
  },
  'postgres.js': () => {
    const client = postgres(url, { onnotice: () => undefined })
    return { client: client as unknown, end: () => client.end() }
  }
}

/** Ends the sessions of all nodes, and waits until the server has let go of them. */
const endSessions = () =>
  sql(`select pg_terminate_backend(l.pid, 10000) from pg_locks as l
    join pg_database as d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database()`)

describe.each(Object.entries(clients))('a lease over %s', (name, connect) => {
  const { client, end } = connect()
  let store: PostgresStore

  beforeAll(async () => {
    store = await openPostgresStore(client, `over_${name.replace('.', '_')}`)
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
})

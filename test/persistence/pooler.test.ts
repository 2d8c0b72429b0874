/** `PostgresStore` behind a real pooler in transaction mode with few connections to the server, which nobody has told it of. */
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import { testDatabase } from '../support/database.ts'
import { pgbouncer, startPgBouncer, whyNot, type PgBouncer } from '../support/pgbouncer.ts'
import { HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'
import { openStoreOn } from './open-store.ts'
import { storeConformance } from './store-conformance.ts'

const { url, sql } = await testDatabase()
const { pinPlans } = loadQueries('perdure')

const clients = {
  'a connection string': (address: string) => ({ client: address as unknown, end: async () => undefined }),
  'a pg.Pool': (address: string) => {
    const pool = new pg.Pool({ connectionString: address })
    pool.on('error', () => undefined)
    return { client: pool as unknown, end: () => pool.end() }
  },
  'a postgres.js instance': (address: string) => {
    // With types to fetch, the client by itself leaves a prepared statement behind.
    const client = postgres(address, { onnotice: () => undefined, fetch_types: false })
    return { client: client as unknown, end: () => client.end() }
  }
}

async function startFor(settings: Readonly<Record<string, string | number>>): Promise<PgBouncer> {
  const pooler = await startPgBouncer(url, settings)
  onTestFinished(() => pooler.stop())
  return pooler
}

describe.skipIf(pgbouncer === null)(`behind pgbouncer${whyNot}`, () => {
  let pooler: PgBouncer
  beforeAll(async () => {
    pooler = await startPgBouncer(url, { pool_mode: 'transaction', default_pool_size: 3 })
  })
  afterAll(() => pooler.stop())

  for (const [name, connect] of Object.entries(clients).slice(1)) {
    storeConformance(`PostgresStore over ${name} in transaction mode`, () => {
      const { client, end } = connect(pooler.url)
      return openStoreOn(pooler.url, name.replaceAll(/\W/g, '_').toLowerCase(), client, end)
    })
  }

  describe.each(Object.entries(clients))('over %s', (_name, connect) => {
    it.each([
      ['transaction', 1, 0, false],
      ['transaction', 2, 1, false],
      ['transaction', 3, 0, false],
      ['statement', 3, 0, false],
      ['session', 3, 0, true]
    ])('finds out what mode it is in: %s, %s connections', async (mode, size, roundRobin, keepsSessions) => {
      const settings = { pool_mode: mode, default_pool_size: size, server_round_robin: roundRobin }
      const { client, end } = connect((await startFor(settings)).url)
      const driver = await openDriver(client, pinPlans)
      expect(driver.keepsSessions).toBe(keepsSessions)
      await driver.end()
      await end()
    })

    it('leaves nothing on the sessions of others: no setting, no prepared statement, no lock, no channel', async () => {
      const { url: address } = await startFor({ pool_mode: 'transaction', default_pool_size: 1 })
      const { client, end } = connect(address)
      const store = await openPostgresStore(client)
      await store.migrate()
      const node = uniqueId()
      const lease = await store.join(node, 'node', HOUR_MS)
      const actor = newActor({ owner: node })
      await store.insert([actor])
      await store.commit(node, [transition({ id: actor.id, version: 0 })])
      const listening = await store.listen(() => undefined)

      const other = new pg.Client(address)
      await other.connect()
      const { rows } = await other.query(
        `select current_setting('enable_seqscan') as plans, current_setting('lock_timeout') as waits,
          (select count(*)::int from pg_prepared_statements) as prepared,
          (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
          (select count(*)::int from pg_listening_channels()) as channels`
      )
      expect(rows).toEqual([{ plans: 'on', waits: '0', prepared: 0, locks: 0, channels: 0 }])
      await other.end()
      expect(listening.isOpen).toBe(true)
      await listening.end()
      expect(listening.isOpen).toBe(false)
      await lease.leave(true)
      await store.close()
      await end()
    })

    it('keeps a lease though the pooler ends its connection, and renews it through another', async () => {
      const own = await startFor({ pool_mode: 'transaction', default_pool_size: 3 })
      const { client, end } = connect(own.url)
      const store = await openPostgresStore(client)
      await store.migrate()
      const lease = await store.join(uniqueId(), 'node', HOUR_MS)
      await own.restart()
      const renewed = () => lease.renew().catch(() => undefined)
      await expect.poll(renewed, { timeout: 10_000 }).toMatchObject({ held: true })
      expect(lease.isOpen).toBe(true)
      await lease.leave(true)
      expect(lease.isOpen).toBe(false)
      await store.close()
      await end()
    })

    it('does not wait for a row that somebody else keeps locked', async () => {
      const { client, end } = connect(pooler.url)
      const store = await openPostgresStore(client)
      await store.migrate()
      const node = uniqueId()
      const lease = await store.join(node, 'node', HOUR_MS)
      const [locked, free] = [newActor({ owner: node }), newActor({ owner: node })]
      await store.insert([locked, free])
      const rival = new pg.Client(url)
      await rival.connect()
      await rival.query('begin')
      await rival.query('select from perdure.actor where id = $1 for update', [locked.id])
      const commits = [locked, free].map(({ id }) => transition({ id, version: 0 }))
      // The first try may find the free one still locked by itself; asked again, it is not.
      const kinds = async () => (await store.commit(node, commits)).map(({ kind }) => kind)
      await expect.poll(kinds, { timeout: 10_000 }).toEqual(['locked', 'committed'])
      await rival.end()
      await lease.leave(true)
      await store.close()
      await end()
    })
  })

  it('believes what it is told, and looks at nothing then', async () => {
    const driver = await openDriver('postgres://nobody@127.0.0.1:1/nowhere', pinPlans, 'transaction')
    expect(driver.keepsSessions).toBe(false)
    await driver.end()
  })

  it('says what is missing, but not to those who know', async () => {
    const [unaware, aware, direct] = await Promise.all([
      openPostgresStore(pooler.url),
      openPostgresStore(pooler.url, 'perdure', 'transaction'),
      openPostgresStore(url)
    ])
    expect([unaware, aware, direct].map(({ missing }) => missing.length)).toEqual([3, 0, 0])
    await Promise.all([unaware, aware, direct].map((store) => store.close()))
  })

  it('tells nodes with sessions nothing wrong of one without: its death is the end of its lease', async () => {
    const [pooled, direct] = [await openPostgresStore(pooler.url), await openPostgresStore(url)]
    await direct.migrate()
    const [node, reaper] = [uniqueId(), uniqueId()]
    const lease = await pooled.join(node, 'node', HOUR_MS)
    expect(await direct.reap(reaper, 10)).toEqual({ nodes: [], actors: 0 })
    await sql('update perdure.node set expires_at = now() where id = $1', [node])
    expect(await direct.reap(reaper, 10)).toEqual({ nodes: [node], actors: 0 })
    expect(await lease.renew()).toMatchObject({ held: false })
    await lease.leave(true)
    await Promise.all([pooled.close(), direct.close()])
  })
})

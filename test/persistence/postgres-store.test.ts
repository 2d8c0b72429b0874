/** `PostgresStore` keeps the contract of `Store` through every client that it can use. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import { openPostgresStore, PostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, uniqueId } from './conformance/world.ts'
import type { OpenStore } from './store-conformance.ts'
import { storeConformance } from './store-conformance.ts'

const { url } = await testDatabase()

/** A store on a client that the caller brings, and a second one on a connection string. */
async function openOn(schema: string, client: unknown, endClient: () => Promise<void>): Promise<OpenStore> {
  const queries = loadQueries(schema)
  const driver = await openDriver(client, queries.pinPlans)
  const store = new PostgresStore(driver, queries, schema)
  const endLease = { name: 'end_lease', text: `update ${schema}.node set expires_at = now() where id = $1::uuid` }
  const stores = [store]
  await store.migrate()
  return {
    store,
    second: async () => {
      const second = await openPostgresStore(url, schema)
      stores.push(second)
      return second
    },
    expire: async (node) => void (await driver.query(endLease, [node])),
    close: async () => {
      for (const opened of stores) await opened.close()
      await endClient()
    }
  }
}

storeConformance('PostgresStore over pg', () => {
  const pool = new pg.Pool({ connectionString: url })
  return openOn('over_pg', pool, () => pool.end())
})

storeConformance('PostgresStore over postgres.js', () => {
  const sql = postgres(url, { onnotice: () => undefined })
  return openOn('over_postgres', sql, () => sql.end())
})

describe('PostgresStore over PGlite', () => {
  // PGlite takes seconds to come up, and many where the machine is busy.
  it('holds a node of an earlier process for dead at once', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perdure-'))
    const [before, after] = [uniqueId(), uniqueId()]
    for (const node of [before, after]) {
      const lite = await PGlite.create(folder)
      const store = await openPostgresStore(lite)
      await store.migrate()
      await store.join(node, 'node', HOUR_MS)
      const { nodes } = await store.reap(node, 10)
      expect(nodes).toEqual(node === after ? [before] : [])
      await lite.close()
    }
    await rm(folder, { recursive: true })
  })
})

storeConformance('PostgresStore over PGlite', async () => {
  const lite = await PGlite.create()
  const { second: _second, ...alone } = await openOn('over_pglite', lite, () => lite.close())
  return alone
})

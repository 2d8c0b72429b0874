/** `PostgresStore` keeps the contract of `Store` through every client that it can use. */
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgres from 'postgres'
import type { PostgresStore } from '../../src/persistence/postgres-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import type { OpenStore } from './store-conformance.ts'
import { storeConformance } from './store-conformance.ts'

const { url } = await testDatabase()

/** A store on a client that the caller brings, and a second one on a connection string. */
async function openOn(schema: string, client: unknown, endClient: () => Promise<void>): Promise<OpenStore> {
  const stores: PostgresStore[] = []
  const open = async (database: unknown): Promise<PostgresStore> => {
    const store = await openPostgresStore(database, schema)
    stores.push(store)
    return store
  }
  const store = await open(client)
  await store.migrate()
  return {
    store,
    second: () => open(url),
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

storeConformance('PostgresStore over PGlite', async () => {
  const lite = await PGlite.create()
  const { second: _second, ...alone } = await openOn('over_pglite', lite, () => lite.close())
  return alone
})

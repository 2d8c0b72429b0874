/** `PostgresStore` keeps the contract of `Store` through every client that it can use. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { createLite } from '../support/pglite.ts'
import { transactRules } from './conformance/transact-rules.ts'
import { HOUR_MS, uniqueId } from './conformance/world.ts'
import { openStoreOn } from './open-store.ts'
import { storeConformance } from './store-conformance.ts'

const { url } = await testDatabase()

storeConformance(
  'PostgresStore over pg',
  () => {
    const pool = new pg.Pool({ connectionString: url })
    return openStoreOn(url, 'over_pg', pool, () => pool.end())
  },
  transactRules
)

storeConformance(
  'PostgresStore over postgres.js',
  () => {
    const sql = postgres(url, { onnotice: () => undefined })
    return openStoreOn(url, 'over_postgres', sql, () => sql.end())
  },
  transactRules
)

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

storeConformance(
  'PostgresStore over PGlite',
  async () => {
    const lite = await createLite()
    const { second: _second, ...alone } = await openStoreOn(url, 'over_pglite', lite, () => lite.close())
    return alone
  },
  transactRules
)

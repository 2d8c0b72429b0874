/**
 * Brings a schema up to the version that this package needs, or says how far off it is.
 *
 * Owns: the order of migrations, and what a node does that is overtaken by another.
 * Does not own: the migrations (sql/migrations), each of which guards itself against being applied twice.
 *
 * Invariants
 * 1. Forward only, one transaction each: a schema is always exactly at some version.
 * 2. Any number of nodes may migrate at once: each migration is applied by one of them.
 */
import { SchemaMismatchError } from '../errors.ts'
import type { Driver } from './drivers/driver.ts'
import type { Queries } from './queries.ts'
import { loadMigrations } from './queries.ts'
import { isUndefinedTable, isUniqueViolation } from './transient-errors.ts'

export async function migrate(driver: Driver, queries: Queries, schema: string): Promise<void> {
  for (const { version, script } of loadMigrations(schema)) {
    if ((await readVersion(driver, queries)) >= version) continue
    try {
      await driver.run(script)
    } catch (error) {
      // Another node recorded this migration first; ours was taken back.
      if (!isUniqueViolation(error)) throw error
    }
  }
  await checkSchema(driver, queries, schema)
}

/** Rejects with SchemaMismatchError where the schema is missing, older or newer. */
export async function checkSchema(driver: Driver, queries: Queries, schema: string): Promise<void> {
  const needed = loadMigrations(schema).at(-1)?.version ?? 0
  const found = await readVersion(driver, queries)
  if (found !== needed) throw new SchemaMismatchError(schema, found, needed)
}

async function readVersion(driver: Driver, queries: Queries): Promise<number> {
  try {
    const [row] = await driver.query(queries.schemaVersion, [])
    return row?.['version'] as number
  } catch (error) {
    if (isUndefinedTable(error)) return 0
    throw error
  }
}

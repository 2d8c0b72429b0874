/** A schema comes into being once, however many nodes bring it, and is never half there. */
import postgres from 'postgres'
import { afterAll, describe, expect, it } from 'vitest'
import { InvalidArgumentError, SchemaMismatchError } from '../../src/errors.ts'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import type { PostgresStore } from '../../src/persistence/postgres-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadMigrations, loadQueries } from '../../src/persistence/queries.ts'
import { testDatabase } from '../support/database.ts'
import { createLite } from '../support/pglite.ts'

const { url, sql } = await testDatabase()
const stores: PostgresStore[] = []
const needed = loadMigrations('perdure').length

async function open(schema: string, database: unknown = url): Promise<PostgresStore> {
  const store = await openPostgresStore(database, schema)
  stores.push(store)
  return store
}

afterAll(async () => {
  for (const store of stores) await store.close()
})

describe('migrate', () => {
  it('brings an empty database to the version that is needed, once', async () => {
    const store = await open('fresh')
    await store.migrate()
    await store.migrate()
    await store.checkSchema()
    expect(await sql('select version from fresh.migration')).toHaveLength(needed)
  })

  it('takes up a database that is some migrations behind', async () => {
    const store = await open('behind')
    const [first] = loadMigrations('behind')
    const driver = await openDriver(url, loadQueries('behind').pinPlans)
    await driver.run(first!.script)
    await driver.end()
    await expect(store.checkSchema()).rejects.toThrow(`is at migration 1, this perdure needs ${needed}`)
    await store.migrate()
    await store.checkSchema()
    expect(await sql('select version from behind.migration order by version')).toHaveLength(needed)
  })

  it('is raced by several nodes without harm', async () => {
    const racers = await Promise.all(Array.from({ length: 8 }, () => open('raced')))
    await Promise.all(racers.map((store) => store.migrate()))
    expect(await sql('select version from raced.migration')).toHaveLength(needed)
  })

  it('leaves other schemas of the same database alone', async () => {
    await (await open('one')).migrate()
    await expect((await open('two')).checkSchema()).rejects.toThrow(SchemaMismatchError)
  })

  it('does not touch a schema that is newer', async () => {
    const store = await open('newer')
    await store.migrate()
    await sql(`insert into newer.migration (version, name) values (${needed + 1}, 'of the future')`)
    await expect(store.migrate()).rejects.toThrow('newer than this perdure knows')
  })
})

describe('checkSchema', () => {
  it('names a schema that is missing, and one without tables', async () => {
    const store = await open('missing')
    await expect(store.checkSchema()).rejects.toThrow(SchemaMismatchError)
    await sql('create schema missing')
    await expect(store.checkSchema()).rejects.toThrow('has no perdure tables')
  })
})

// PGlite takes seconds to come up, and many where the machine is busy.
describe('a script', { timeout: 60_000 }, () => {
  const clients = {
    pg: async () => ({ database: url, end: async () => undefined }),
    'postgres.js': async () => {
      const client = postgres(url, { onnotice: () => undefined })
      return { database: client, end: () => client.end() }
    },
    PGlite: async () => {
      const client = await createLite()
      return { database: client, end: () => client.close() }
    }
  }

  it.each(Object.entries(clients))('takes effect as a whole or not at all, over %s', async (name, connect) => {
    const { database, end } = await connect()
    const driver = await openDriver(database, loadQueries('perdure').pinPlans)
    const table = `half_${name.replace(/\W/, '')}`
    const script = `create table ${table} (id integer primary key); insert into ${table} values (1), (1)`
    await expect(driver.run(script)).rejects.toThrow('duplicate key')
    await expect(driver.run(`drop table ${table}`)).rejects.toThrow('does not exist')
    await driver.end()
    await end()
  })
})

describe('the name of a schema', () => {
  it.each(['', 'Upper', '1st', 'a-b', 'a"b', 'a;b', 'a.b', 'é', 'x'.repeat(49)])('cannot be %j', (schema) => {
    expect(() => loadQueries(schema)).toThrow(InvalidArgumentError)
  })

  it('stands wherever a statement names a table, and nowhere else', () => {
    const text = Object.values(loadQueries('other_schema')).map((statement) => statement.text)
    const code = text.join('\n').replaceAll(/--.*/g, '')
    expect(code).toContain('"other_schema".actor')
    expect(code).not.toContain('perdure')
  })
})

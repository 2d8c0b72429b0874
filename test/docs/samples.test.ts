/** Every sample of the documentation runs, against a database of its own, and means what its types say. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { blocks } from './pages.ts'
import { checkTypes, removeSamples, runSample, samples } from './samples.ts'

const db = await testDatabase()
process.env['DATABASE_URL'] = db.url
afterAll(removeSamples)
// The compiler, a process of its own, works while the samples run.
const complaints = checkTypes()
beforeEach(async () => void (await db.sql('drop schema if exists perdure cascade')))

// PGlite takes seconds to come up, and many where the machine is busy.
test.each(samples.map((sample) => [sample.name, sample] as const))('%s runs', { timeout: 60_000 }, (_, sample) =>
  runSample(sample)
)

test('the compiler has nothing against any sample', { timeout: 60_000 }, async () => {
  expect(await complaints).toEqual([])
})

const statements = blocks.filter(({ language }) => language === 'sql')

test.each(statements.map(({ page, line, code }) => [`${page}:${line}`, code]))(
  '%s is a statement that Postgres takes',
  async (_, code) => {
    const store = await openPostgresStore(db.url)
    await store.migrate()
    await store.close()
    await db.sql(code)
  }
)

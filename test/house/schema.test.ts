/** sql/schema.sql is what people read; the migrations are what runs. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dumpSchema } from '../../scripts/dump-schema.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

test('sql/schema.sql shows what the migrations add up to', async ({ skip }) => {
  const [server] = await db.sql("select current_setting('server_version_num')::int / 10000 as major")
  skip(server?.['major'] !== 18, 'servers of other versions print definitions otherwise')
  const file = readFileSync(new URL('../../sql/schema.sql', import.meta.url), 'utf8')
  expect(file, 'run `npm run schema:dump`').toBe(await dumpSchema(db.url))
})

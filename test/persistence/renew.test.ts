/** What a renewal tells of the server is the same on every session: a node that finds another start than before drops its actors. */
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, uniqueId } from './conformance/world.ts'

const { url } = await testDatabase()
const { renew } = loadQueries('perdure')

/** The answer to a renewal on a session that lives in a time zone. */
async function renewIn(timeZone: string, node: string) {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query("select set_config('timezone', $1, false)", [timeZone])
    const { rows } = await client.query<{ held: boolean; server: string }>(renew.text, [node, HOUR_MS])
    return rows[0]
  } finally {
    await client.end()
  }
}

test('when the server was started is told alike in every time zone', async () => {
  const store = await openPostgresStore(url)
  onTestFinished(() => store.close())
  await store.migrate()
  const node = uniqueId()
  const lease = await store.join(node, 'node', HOUR_MS)
  onTestFinished(() => lease.leave(true))
  const { server } = await lease.renew()
  for (const timeZone of ['UTC', 'Asia/Kathmandu', 'America/St_Johns']) {
    expect(await renewIn(timeZone, node)).toMatchObject({ held: true, server })
  }
})

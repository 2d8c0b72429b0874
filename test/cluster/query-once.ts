/** A statement of the tests, on a connection of its own: a restart breaks none, and those of the workers are the only others. */
import pg from 'pg'
import type { Row } from '../support/database.ts'

export async function queryOnce(url: string, text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'test harness' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text, [...params])).rows
  } finally {
    await client.end()
  }
}

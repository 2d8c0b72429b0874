/** A statement of the tests, on a connection of its own: a restart breaks none, and those of the workers are the only others. */
import pg from 'pg'
import type { Row } from '../support/database.ts'

export async function queryOnce(url: string, text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
  // What steers the faults goes on while one of them is that the server is read-only.
  const options = '-c default_transaction_read_only=off'
  const client = new pg.Client({ connectionString: url, application_name: 'test harness', options })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text, [...params])).rows
  } finally {
    await client.end()
  }
}

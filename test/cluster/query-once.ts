/**
 * A statement of the tests, on a connection of its own: a restart breaks none, and those of the workers are the only others. Where the
 * server is just away it is asked again: statements must bear to be run twice.
 */
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { classifyError } from '../../src/persistence/transient-errors.ts'
import type { Row } from '../support/database.ts'

const TRY_FOR_MS = 30_000
const PAUSE_MS = 50

export async function queryOnce(url: string, text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
  for (const untilMs = performance.now() + TRY_FOR_MS; ; await setTimeout(PAUSE_MS)) {
    try {
      return await ask(url, text, params)
    } catch (error) {
      if (classifyError(error) === 'fatal' || performance.now() > untilMs) throw error
    }
  }
}

async function ask(url: string, text: string, params: readonly unknown[]): Promise<readonly Row[]> {
  // What steers the faults goes on while one of them is that the server is read-only.
  const options = '-c default_transaction_read_only=off'
  const client = new pg.Client({ connectionString: url, application_name: 'test harness', options })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Row>(text, [...params])).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * A database of its own for a test file.
 *
 *     const db = await testDatabase()          // at the top of the file
 *     const runtime = createRuntime({ database: db.url, … })
 *     await db.sql('select status from perdure.actor where id = $1', [id])
 *
 * Owns: the database, from the call until after the last test of the file.
 * Does not own: the connections that the tests open; they must end them.
 *
 * Invariants
 * 1. Files do not see each other's data.
 * 2. A connection that outlives the tests of its file fails the file, by name.
 */
import pg from 'pg'
import { afterAll, inject } from 'vitest'

export type Row = Readonly<Record<string, unknown>>

export interface TestDatabase {
  readonly url: string
  /** One statement on a connection of its own, outside the product. Numbers of type bigint come as strings. */
  sql(text: string, params?: readonly unknown[]): Promise<readonly Row[]>
}

/** A client hangs up a little before its server process is gone. */
const hangUpMs = 2_000
const pollMs = 20

let created = 0

export async function testDatabase(): Promise<TestDatabase> {
  const name = `${inject('databasePrefix')}_${process.pid}_${++created}`
  const admin = inject('postgresUrl')
  const url = new URL(admin)
  url.pathname = `/${name}`

  await query(admin, `create database ${name} strategy file_copy`)
  afterAll(async () => {
    const leaked = await findLeakedConnections(admin, name)
    await query(admin, `drop database ${name} with (force)`)
    if (leaked.length > 0) throw new Error(`connections were left open:\n${leaked.map(describe).join('\n')}`)
  })
  return { url: url.href, sql: (text, params) => query(url.href, text, params) }
}

async function findLeakedConnections(admin: string, database: string): Promise<readonly Row[]> {
  const deadline = Date.now() + hangUpMs
  for (;;) {
    const open = await query(
      admin,
      `select pid, application_name, state, query from pg_stat_activity
       where datname = $1 and backend_type = 'client backend'`,
      [database]
    )
    if (open.length === 0 || Date.now() > deadline) return open
    await new Promise((done) => setTimeout(done, pollMs))
  }
}

function describe(connection: Row): string {
  const { pid, application_name: name, state, query: text } = connection
  return `  pid ${String(pid)}, application '${String(name)}', ${String(state)}: ${String(text)}`
}

async function query(url: string, text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'test harness' })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(text, [...params])
    return rows
  } finally {
    await client.end()
  }
}

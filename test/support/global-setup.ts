/**
 * Starts the Postgres of a test run, or uses the one that DATABASE_URL names.
 *
 * Owns: the server of the run (`.perdure/test-<pid>`) and the end of every database that the run made.
 * Does not own: databases of single files (database.ts).
 *
 * Invariants
 * 1. Runs at the same time do not meet: each has a server of its own, or a prefix of its own on a shared one.
 * 2. A run that was killed leaves a folder and perhaps a server; the next run removes both.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { discardPostgres, startPostgres } from '../../scripts/postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a superuser, or at least a role that may create databases. */
    readonly postgresUrl: string
    readonly databasePrefix: string
  }
}

const stateFolder = fileURLToPath(new URL('../../.perdure', import.meta.url))
const serverFolder = join(stateFolder, `test-${process.pid}`)

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const databasePrefix = `perdure_test_${process.pid}`
  project.provide('databasePrefix', databasePrefix)

  const given = process.env['DATABASE_URL']
  if (given !== undefined) {
    project.provide('postgresUrl', given)
    return () => dropDatabases(given, databasePrefix)
  }
  await discardLeftovers()
  // Nothing here has to outlive the machine, and waiting for its disk would be most of the time of a test.
  const hasty = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '64MB' }
  // An analyze that comes by itself, now and then, keeps the snapshot by which a test's own vacuum must spare what it came for.
  const settings = { ...hasty, autovacuum: 'off' }
  const server = await startPostgres({ dir: serverFolder, settings })
  await makeLoginsCheap(server.url)
  project.provide('postgresUrl', server.url)
  return () => discardPostgres(serverFolder)
}

/** The tests open thousands of connections, and a password that is hashed thousands of times takes as long as the rest of each. */
async function makeLoginsCheap(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query('set scram_iterations = 1')
    await client.query(`alter role current_user password '${new URL(url).password}'`)
  } finally {
    await client.end()
  }
}

async function discardLeftovers(): Promise<void> {
  const names = await readdir(stateFolder).catch(() => [])
  for (const name of names) {
    const pid = /^test-(\d+)$/.exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    // A run that starts at this moment may be clearing the same folder; what remains is left to the next.
    await discardPostgres(join(stateFolder, name)).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function dropDatabases(url: string, prefix: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [`${prefix}_`]
    )
    for (const { datname } of rows) await client.query(`drop database "${datname}" with (force)`)
  } finally {
    await client.end()
  }
}

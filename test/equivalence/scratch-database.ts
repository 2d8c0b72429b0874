/**
 * Empty databases for a run outside of the tests: on the server that DATABASE_URL names, else on one of our own.
 *
 * Owns: the databases, and the server where it is ours. Does not own: what is in them.
 *
 * Invariant
 * 1. A run that was killed leaves a folder; it has the name of a test run's, so that the next of those removes it
 *    (test/support/global-setup.ts).
 */
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { discardPostgres, startPostgres } from '../../scripts/postgres.ts'

export interface ScratchDatabases {
  readonly urls: readonly string[]
  discard(): Promise<void>
}

const folder = fileURLToPath(new URL(`../../.perdure/test-${process.pid}`, import.meta.url))
/** Nothing here has to outlive the machine. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

export async function openScratchDatabases(count: number): Promise<ScratchDatabases> {
  const given = process.env['DATABASE_URL']
  const admin = given ?? (await startPostgres({ dir: folder, settings })).url
  const names = Array.from({ length: count }, (_, index) => `perdure_equivalence_${process.pid}_${index}`)
  await run(admin, (name) => `create database ${name}`, names)
  return {
    urls: names.map((name) => Object.assign(new URL(admin), { pathname: `/${name}` }).href),
    discard: () =>
      given === undefined ? discardPostgres(folder) : run(admin, (name) => `drop database ${name} with (force)`, names)
  }
}

async function run(url: string, statement: (name: string) => string, names: readonly string[]): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (const name of names) await client.query(statement(name))
  } finally {
    await client.end()
  }
}

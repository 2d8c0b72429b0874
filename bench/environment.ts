/**
 * Where a benchmark runs: its database, and all that its figures depend on.
 *
 * Owns: the choice of the server and the settings of our own. Does not own: what is measured on it.
 *
 * Invariants
 * 1. A server of our own writes as a server in earnest does: to the disk (fsync), before it confirms a commit.
 * 2. One benchmark at a time uses a server.
 */
import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startPostgres, type PostgresServer } from '../scripts/postgres.ts'
import { ask } from './schema.ts'

const projectFolder = new URL('../', import.meta.url)

/** What benchmarks leave behind: the server's data, and results. */
export const benchFolder = fileURLToPath(new URL('.perdure/bench', projectFolder))

const ownSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min'
}

/**
 * The server that DATABASE_URL names, else one of our own, with `settings` beside those of every benchmark. Rejects where
 * another benchmark is using it.
 */
export async function openServer(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const given = process.env['DATABASE_URL']
  const server =
    given === undefined
      ? await startPostgres({ dir: benchFolder, settings: { ...ownSettings, ...settings } })
      : { url: given, stop: () => Promise.resolve() }
  const client = new pg.Client(server.url)
  await client.connect()
  const { rows } = await client.query<{ isOurs: boolean }>(
    `select pg_try_advisory_lock(hashtextextended('perdure.bench', 0)) as "isOurs"`
  )
  const stop = async (): Promise<void> => {
    await client.end()
    await server.stop()
  }
  if (rows[0]?.isOurs === true) return { url: server.url, stop }
  await stop()
  throw new Error('Another benchmark is using this server: neither would measure anything but the other. Wait for it.')
}

export interface Environment {
  readonly startedAt: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  /** Processes that wanted a core in the last minute, before the benchmark: more than a few make figures worthless. */
  readonly load: number
  readonly system: string
  readonly node: string
  readonly server: 'our own, on this machine' | 'that of DATABASE_URL'
  readonly postgres: string
  readonly settings: Readonly<Record<string, string>>
  readonly packages: Readonly<Record<string, string>>
}

export async function describeEnvironment(url: string): Promise<Environment> {
  const names = ['xstate', 'pg', 'postgres']
  const versions = await Promise.all(names.map(readPackageVersion))
  const { server_version: version, ...settings } = await readSettings(url)
  return {
    startedAt: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
    system: `${platform()} ${arch()}`,
    node: process.version,
    server: process.env['DATABASE_URL'] === undefined ? 'our own, on this machine' : 'that of DATABASE_URL',
    postgres: version ?? 'unknown',
    settings,
    packages: Object.fromEntries(names.map((name, index) => [name, versions[index] as string]))
  }
}

async function readPackageVersion(name: string): Promise<string> {
  const text = await readFile(new URL(`node_modules/${name}/package.json`, projectFolder), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

async function readSettings(url: string): Promise<Readonly<Record<string, string>>> {
  const names = ['server_version', ...Object.keys(ownSettings)]
  const rows = await ask(url, 'select name, current_setting(name) as value from unnest($1::text[]) as name', [names])
  return Object.fromEntries(rows.map(({ name, value }) => [name as string, value as string]))
}

/**
 * A pgbouncer before the Postgres of a test file, where one is installed: `pgbouncer` in the path, or what PERDURE_PGBOUNCER names
 * (nothing: there is none).
 *
 *     describe.skipIf(pgbouncer === null)(`behind a pooler${whyNot}`, () => { … await startPgBouncer(db.url, settings) … })
 *
 * Owns: the process and its folder, until `stop` or the end of the test process.
 *
 * Invariants
 * 1. It listens on loopback only, and lets anybody in who is there: what it leads to is gone after the tests.
 * 2. A test that needs it and does not find it is skipped, and says why.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The program; null where there is none. */
export const pgbouncer = findProgram()

/** To be put behind the name of what is skipped. */
export const whyNot =
  pgbouncer === null ? ' (skipped: pgbouncer is not installed; install it, or name it in PERDURE_PGBOUNCER)' : ''

export interface PgBouncer {
  /** For clients: that of the server, with the pooler in its place. */
  readonly url: string
  /** Ends all connections, and comes back on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** `settings`: lines of its configuration, e.g. `{ pool_mode: 'transaction', default_pool_size: 3 }`. */
export async function startPgBouncer(
  target: string,
  settings: Readonly<Record<string, string | number>>
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-pgbouncer-'))
  const port = await findFreePort()
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(file, buildConfiguration(new URL(target), port, settings))
  // Started by root it becomes somebody else before it reads the file again.
  await chmod(folder, 0o755)
  let running = await start(file)

  const stop = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return
    // What ends it at once by a gentler signal differs from release to release.
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
  const killAtExit = (): void => void running.kill('SIGKILL')
  process.once('exit', killAtExit)
  const url = new URL(target)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    restart: async () => {
      await stop()
      running = await start(file)
    },
    stop: async () => {
      process.off('exit', killAtExit)
      await stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

function buildConfiguration(
  { hostname, port: serverPort, username, password }: URL,
  port: number,
  settings: Readonly<Record<string, string | number>>
): string {
  const [user, secret] = [username, password].map((part) => decodeURIComponent(part).replaceAll("'", "''"))
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    max_client_conn: 500,
    ...(process.getuid?.() === 0 ? { user: 'nobody' } : {}),
    ...settings
  }
  return [
    '[databases]',
    `* = host='${hostname}' port=${serverPort || 5432} user='${user}' password='${secret}'`,
    '[pgbouncer]',
    ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
    ''
  ].join('\n')
}

/** Resolves once it listens; rejects with what it said. */
async function start(file: string): Promise<ChildProcess> {
  const child = spawn(pgbouncer as string, [file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('process up')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`pgbouncer ended:\n${said}`)))
  })
  return child
}

function findProgram(): string | null {
  const named = process.env['PERDURE_PGBOUNCER']
  if (named !== undefined) return named === '' ? null : named
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/opt/homebrew/bin']
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path)) ?? null
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

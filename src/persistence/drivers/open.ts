/**
 * Finds out what the caller gave as `database`, and makes a driver of it.
 *
 * Owns: telling a connection string, a pg.Pool, a postgres.js instance and a PGlite apart; our own pools.
 * Does not own: the drivers.
 *
 * Invariants
 * 1. Things are told apart by shape, never by `instanceof`: an application may have another copy of a package than we have.
 * 2. `pg` and `postgres` are optional: imported only when they are needed, and it is said when they are missing.
 * 3. No error says what the connection string holds: it may hold a password.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Statement } from '../queries.ts'
import type { Driver } from './driver.ts'
import type { PGliteInstance } from './pglite.ts'
import { createPGliteDriver } from './pglite.ts'
import type { PgPool } from './pg.ts'
import { ANSWER_WITHIN_MS, createPgDriver, probePg } from './pg.ts'
import { findSessions, type Pooler, type Probe } from './pooler.ts'
import type { ConnectPostgres, PostgresSql } from './postgres.ts'
import { createPostgresDriver, probePostgres } from './postgres.ts'

const poolSize = 10
/** As postgres.js does. Firewalls forget connections in silence where nothing goes over them for some minutes. */
const keepAliveAfterMs = 60_000

/**
 * A driver for a connection string, a `pg.Pool`, a postgres.js `Sql` or a `PGlite`.
 * `onConnect` runs first on each connection that is ours: the reserved ones, and those of a pg pool of our own; where sessions are
 * kept, which a connection is opened and ended to find out. Where `pooler` tells, nothing is connected yet.
 * Rejects with InvalidArgumentError where it is none of these, or the package for it is missing; with the client's own error where
 * the database cannot be reached.
 */
export async function openDriver(database: unknown, onConnect: Statement, pooler?: Pooler): Promise<Driver> {
  const begin: Begin = async (probe) => {
    const keepsSessions = pooler === undefined ? await findSessions(probe) : pooler !== 'transaction'
    return keepsSessions ? onConnect : null
  }
  if (typeof database === 'string') return openUrl(database, begin)
  if (isPGlite(database)) return createPGliteDriver(database)
  if (isPgPool(database)) return createPgDriver(database, false, await begin(() => probePg(database)))
  if (isPostgresSql(database)) return openOnPostgres(database, await importPostgres(), false, begin)
  throw new InvalidArgumentError(
    'database',
    'is none of the things that perdure can connect through',
    'Give a connection string, a pg.Pool (not a single client), a postgres.js instance or a PGlite.'
  )
}

/** Answers what runs first on each connection; null where nothing stays there. */
type Begin = (probe: () => Promise<Probe>) => Promise<Statement | null>

async function openUrl(url: string, begin: Begin): Promise<Driver> {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new InvalidArgumentError(
      'database',
      'is a string, but no connection string',
      'It begins with postgres:// or postgresql://.'
    )
  }
  return (await openPg(url, begin)) ?? openPostgres(url, begin)
}

async function openPg(url: string, begin: Begin): Promise<Driver | undefined> {
  const module = await importIfInstalled(() => import('pg'))
  if (module === undefined) return undefined
  const options = {
    connectionString: url,
    application_name: 'perdure',
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    connectionTimeoutMillis: ANSWER_WITHIN_MS
  }
  const { Client, Pool } = module.default
  const onConnect = await begin(() => probePg({ Client: Client as unknown as PgPool['Client'], options }))
  const pool = new Pool({
    ...options,
    max: poolSize,
    verify: (client, done) => (onConnect ? client.query(onConnect.text, (error) => done(error)) : done())
  })
  // The pool drops an idle client that fails; without a listener the process would end.
  pool.on('error', () => undefined)
  // Nor does the pool listen to a client while `verify` uses it.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return createPgDriver(pool as unknown as PgPool, true, onConnect)
}

async function openPostgres(url: string, begin: Begin): Promise<Driver> {
  const connect = await importPostgres()
  const sql = connect(url, {
    max: poolSize,
    connect_timeout: ANSWER_WITHIN_MS / 1000,
    connection: { application_name: 'perdure' },
    fetch_types: false,
    onnotice: () => undefined
  })
  return openOnPostgres(sql, connect, true, begin)
}

async function openOnPostgres(
  sql: PostgresSql,
  connect: ConnectPostgres,
  isOurs: boolean,
  begin: Begin
): Promise<Driver> {
  return createPostgresDriver(sql, connect, isOurs, await begin(() => probePostgres(sql, connect)))
}

async function importPostgres(): Promise<ConnectPostgres> {
  const module = await importIfInstalled(() => import('postgres'))
  if (module !== undefined) return module.default
  throw new InvalidArgumentError(
    'database',
    'needs a Postgres client, and neither pg nor postgres is installed',
    'Install one of them: npm install pg.'
  )
}

async function importIfInstalled<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  try {
    return await load()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

type Members = Readonly<Record<string, unknown>>

const hasMethods = (value: unknown, ...names: readonly string[]): value is Members =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  names.every((name) => typeof (value as Members)[name] === 'function')

const isPGlite = (value: unknown): value is PGliteInstance => hasMethods(value, 'query', 'exec', 'runExclusive')

const isPgPool = (value: unknown): value is PgPool =>
  hasMethods(value, 'query', 'connect', 'Client') && typeof value['totalCount'] === 'number'

const isPostgresSql = (value: unknown): value is PostgresSql =>
  typeof value === 'function' && hasMethods(value, 'unsafe', 'reserve', 'begin')

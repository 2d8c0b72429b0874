/**
 * The driver for `pg`, over the caller's pool or one of ours.
 *
 * Owns: prepared statements by name, where sessions are kept; reserved clients. Does not own: the caller's pool.
 *
 * Invariants: those of driver.ts.
 */
import { askPid, type Statement } from '../queries.ts'
import { lend, type Loan } from './loan.ts'
import type { Driver, Param, Queryable, Row, Session, Transactor } from './driver.ts'
import type { Probe } from './pooler.ts'
import { fromTransaction, isolation } from './transaction.ts'
import { AbandonedError } from '../transient-errors.ts'

interface PgQuery {
  readonly name?: string
  readonly text: string
  readonly values: Param[]
}

interface PgQueryable {
  query(query: PgQuery | string): Promise<{ readonly rows: readonly Row[] }>
  end(): Promise<void>
}

/** What a client has below it, but for that of pg-native. The client itself says goodbye, and waits for an answer to that. */
interface Wired {
  readonly connection?: { readonly stream: { destroy(error?: Error): void } }
}

interface PgClient extends PgQueryable, Wired {
  /** As told when the connection was made. */
  readonly processID?: number | null
  connect(): Promise<unknown>
  on(event: 'error' | 'end', listener: () => void): unknown
  on(event: 'notification', listener: (notice: { readonly payload?: string }) => void): unknown
}

/** A client of the pool's, in use. */
interface PooledClient extends PgQueryable, Wired {
  on(event: 'error' | 'end', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  release(destroy: boolean): void
}

/** The part of a `pg.Pool` that is used; `Client` and `options` are how the pool itself makes its clients. */
export interface PgPool extends PgQueryable {
  readonly Client: new (options: object) => PgClient
  readonly options: object
  /** Clients that nobody uses. */
  readonly idleCount: number
  /** A client of the pool's has come about; it is gone. */
  on(event: 'connect' | 'remove', listener: (client: PooledClient) => void): unknown
  connect(): Promise<PooledClient>
}

/** How long a server may take to let somebody in, where a pool's options do not say. */
export const ANSWER_WITHIN_MS = 10_000

/** How to close each connection that is in use or reserved. */
type Open = Set<() => void>

type ToQuery = (statement: Statement, params: readonly Param[]) => PgQuery

const prepared: ToQuery = ({ name, text }, params) => ({ name, text, values: [...params] })
const unnamed: ToQuery = ({ text }, params) => ({ text, values: [...params] })

/** `onConnect: null`: sessions are not kept. */
export function createPgDriver(pool: PgPool, isOurs: boolean, onConnect: Statement | null): Driver {
  const keepsSessions = onConnect !== null
  const toQuery = keepsSessions ? prepared : unnamed
  const open: Open = new Set()
  // Until they are gone: the pool forgets those to whom it has said goodbye, which a silent server never hears.
  const own = new Set<PooledClient>()
  if (isOurs) {
    pool.on('connect', (client) => void own.add(client))
    pool.on('remove', (client) => void own.delete(client))
  }
  return {
    name: 'pg',
    isEmbedded: false,
    keepsSessions,
    query: async (statement, params) => {
      const loan = await takeLoan(pool, open, toQuery)
      try {
        const rows = await loan.query(statement, params)
        loan.end(false)
        return rows
      } catch (error) {
        loan.end(true)
        throw error
      }
    },
    run: async (script) => void (await pool.query(script)),
    transact: (work) => transactInPool(pool, open, work),
    lend: async (tidying, work) =>
      lend(await takeLoan(pool, open, toQuery, isOurs), keepsSessions ? tidying : null, work),
    reserve: () => openSession(pool, open, toQuery, onConnect),
    listen: (statement, _channel, hear) =>
      openSession(pool, open, toQuery, statement, ({ payload = '' }) => hear(payload)),
    dropConnections: () => {
      for (const close of open) close()
      for (let left = pool.idleCount; left > 0; left--) {
        pool.connect().then(
          (idle) => {
            idle.release(true)
            idle.connection?.stream.destroy()
          },
          () => undefined
        )
      }
      for (const client of own) client.connection?.stream.destroy()
    },
    end: async () => {
      if (!isOurs) return
      const gone = [...own].map((client) => new Promise<void>((resolve) => client.on('end', resolve)))
      await pool.end()
      await Promise.all(gone)
    }
  }
}

async function transactInPool<Result>(
  pool: PgPool,
  open: Open,
  work: (tx: Queryable, client: unknown) => Promise<Result>
): Promise<Result> {
  const loan = await takeLoan(pool, open, unnamed)
  try {
    return await loan.transact(work)
  } finally {
    loan.end(false)
  }
}

async function takeLoan(pool: PgPool, open: Open, toQuery: ToQuery, mayReset = false): Promise<Loan> {
  const client = await pool.connect()
  let isLost = false
  const lose = (): void => {
    isLost = true
  }
  const close = (): void => {
    lose()
    void client.end()
    client.connection?.stream.destroy()
  }
  open.add(close)
  // The pool does not listen while a client is in use.
  client.on('error', lose)
  return {
    connection: client,
    mayReset,
    query: async (statement, params) => (await client.query(toQuery(statement, params))).rows,
    transact: (work) =>
      transactOn(client, () => work(fromTransaction(client), client)).catch((error: unknown) => {
        // What comes after the loss says only that the client cannot be used any more.
        throw isLost && !(error instanceof AbandonedError) ? new ConnectionLostError(error) : error
      }),
    end: (isSpoiled) => {
      open.delete(close)
      client.off('error', lose)
      client.release(isLost || isSpoiled)
    }
  }
}

async function transactOn<Result>(client: PgQueryable, work: () => Promise<Result>): Promise<Result> {
  await client.query(`begin ${isolation}`)
  let result: Result
  try {
    result = await work()
  } catch (error) {
    // One that was given up ends with its connection: a rollback would wait behind what its code is waiting for.
    if (!(error instanceof AbandonedError)) await client.query('rollback').catch(() => undefined)
    throw error
  }
  await client.query('commit')
  return result
}

/** A connection as the pool would make it. */
export async function probePg(pool: Pick<PgPool, 'Client' | 'options'>): Promise<Probe> {
  const client = new pool.Client(timed(pool.options, { query_timeout: ANSWER_WITHIN_MS }))
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
  return {
    toldPid: client.processID ?? null,
    askPid: async () => (await client.query(askPid.text)).rows[0]?.['pid'] as number,
    end: () => client.end()
  }
}

/** A pool may be made to wait for ever for a connection. `password` and what is secret of `ssl` are not enumerable. */
function timed(options: object, more: object = {}): object {
  const { connectionTimeoutMillis } = options as { readonly connectionTimeoutMillis?: number }
  const own = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options))
  return Object.assign(own, { connectionTimeoutMillis: connectionTimeoutMillis || ANSWER_WITHIN_MS, ...more })
}

async function openSession(
  pool: PgPool,
  open: Open,
  toQuery: ToQuery,
  onConnect: Statement | null,
  onNotice: (notice: { readonly payload?: string }) => void = () => undefined
): Promise<Session & Transactor> {
  const client = new pool.Client(timed(pool.options))
  let isOpen = true
  const forget = (): void => {
    isOpen = false
    open.delete(close)
  }
  let isConnected = false
  const close = (): void => {
    forget()
    // A client that has been ended tells nobody that it will never connect.
    if (isConnected) void client.end()
    client.connection?.stream.destroy(isConnected ? undefined : new ConnectionLostError(undefined))
  }
  open.add(close)
  // Without a listener for 'error', the end of an idle connection would end the process.
  client.on('error', forget)
  client.on('end', forget)
  client.on('notification', onNotice)
  try {
    await client.connect()
    isConnected = true
    if (onConnect !== null) await client.query(onConnect.text)
  } catch (error) {
    forget()
    await client.end().catch(() => undefined)
    throw error
  }
  const query: Queryable['query'] = async (statement, params) => (await client.query(toQuery(statement, params))).rows
  return {
    get isOpen() {
      return isOpen
    },
    query,
    transact: (work) => transactOn(client, () => work({ query }, client)),
    end: () => client.end()
  }
}

class ConnectionLostError extends Error {
  /** Postgres for "connection failure", by which transient-errors.ts knows it. */
  readonly code = '08006'
  constructor(cause: unknown) {
    super('the connection was lost', { cause })
  }
}

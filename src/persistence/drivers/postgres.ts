/**
 * The driver for `postgres` (postgres.js), over the caller's instance or one of ours.
 *
 * Owns: reserved connections. Does not own: the caller's instance.
 *
 * Invariants: those of driver.ts, and
 * 1. A reserved connection is an instance of its own with one connection. The client would open another one in silence when
 *    that is lost; the session is then closed, because what the server kept for it (locks, settings) is gone.
 */
import { askPid, type Statement } from '../queries.ts'
import type { Driver, Param, Row, Session, Transactor } from './driver.ts'
import type { Probe } from './pooler.ts'
import { fromTransaction, isolation } from './transaction.ts'

/** `state.pid`: the server process, as told when the connection was made. */
type Answer = Iterable<Row> & { readonly state?: { readonly pid: number | null } | null }

/** The part of a `postgres.Sql` that is used. */
export interface PostgresSql {
  unsafe(text: string, params?: Param[], options?: { readonly prepare: boolean }): Promise<Answer>
  listen(channel: string, hear: (message: string) => void, onListen: () => void): Promise<unknown>
  begin<Result>(options: string, work: (tx: Pick<PostgresSql, 'unsafe'>) => Promise<Result>): Promise<Result>
  readonly options: object
  end(options?: { readonly timeout: number }): Promise<void>
}

/** The client waits for ever for a statement whose connection was lost, unless it is told how long. */
const endTimeoutSeconds = 5

/** The default export of `postgres`. */
export interface ConnectPostgres {
  (options: object): PostgresSql
  (url: string, options: object): PostgresSql
}

type Run = (sql: Pick<PostgresSql, 'unsafe'>, statement: Statement, params: readonly Param[]) => Promise<readonly Row[]>

/** `onConnect: null`: sessions are not kept. */
export function createPostgresDriver(
  sql: PostgresSql,
  connect: ConnectPostgres,
  isOurs: boolean,
  onConnect: Statement | null
): Driver {
  const keepsSessions = onConnect !== null
  const run: Run = async (own, { text }, params) => [
    ...(await own.unsafe(text, [...params], { prepare: keepsSessions }))
  ]
  return {
    name: 'postgres.js',
    isEmbedded: false,
    keepsSessions,
    query: (statement, params) => run(sql, statement, params),
    run: async (script) => void (await sql.unsafe(script)),
    transact: (work) => sql.begin(isolation, (tx) => work(fromTransaction(tx), tx)),
    // Without a statement the client would not connect yet.
    reserve: () => openSession(sql, connect, run, (own) => run(own, onConnect ?? askPid, [])),
    listen: (_statement, channel, hear) =>
      openSession(sql, connect, run, (own, close) => {
        let isListening = false
        // The client would listen again in silence when the connection was lost, and with it what was told meanwhile.
        return own.listen(channel, hear, () => (isListening ? close() : (isListening = true)))
      }),
    end: async () => {
      if (isOurs) await sql.end({ timeout: endTimeoutSeconds })
    }
  }
}

/** A connection as the instance would make it; made at the first question. */
export async function probePostgres(sql: PostgresSql, connect: ConnectPostgres): Promise<Probe> {
  const own = connectAlone(sql, connect)
  try {
    const { state } = await own.unsafe(askPid.text)
    return {
      toldPid: state?.pid ?? null,
      askPid: async () => {
        const [row] = [...(await own.unsafe(askPid.text))]
        return row?.['pid'] as number
      },
      end: () => own.end({ timeout: endTimeoutSeconds })
    }
  } catch (error) {
    await own.end({ timeout: 0 })
    throw error
  }
}

function connectAlone(sql: PostgresSql, connect: ConnectPostgres, onclose = (): void => undefined): PostgresSql {
  // The client would begin by asking for types, of which no statement needs any, with a statement that it leaves prepared.
  return connect({ ...sql.options, max: 1, fetch_types: false, idle_timeout: null, max_lifetime: null, onclose })
}

async function openSession(
  sql: PostgresSql,
  connect: ConnectPostgres,
  run: Run,
  begin: (own: PostgresSql, close: () => void) => Promise<unknown>
): Promise<Session & Transactor> {
  let isOpen = true
  const close = (): void => {
    isOpen = false
  }
  const own = connectAlone(sql, connect, close)
  try {
    await begin(own, close)
  } catch (error) {
    await own.end({ timeout: 0 })
    throw error
  }
  return {
    get isOpen() {
      return isOpen
    },
    query: (statement, params) => {
      if (!isOpen) return Promise.reject(new ConnectionClosedError())
      return run(own, statement, params)
    },
    transact: (work) => {
      if (!isOpen) return Promise.reject(new ConnectionClosedError())
      return own.begin(isolation, (tx) => work({ query: (statement, params) => run(tx, statement, params) }, tx))
    },
    end: () => own.end({ timeout: isOpen ? endTimeoutSeconds : 0 })
  }
}

/** What the client itself says of a connection that is lost, by the same code. */
class ConnectionClosedError extends Error {
  readonly code = 'CONNECTION_CLOSED'
  constructor() {
    super('the reserved connection is closed')
  }
}

/**
 * The driver for `postgres` (postgres.js), over the caller's instance or one of ours.
 *
 * Owns: reserved connections. Does not own: the caller's instance.
 *
 * Invariants: those of driver.ts, and
 * 1. A reserved connection is an instance of its own with one connection. The client would open another one in silence when
 *    that is lost; the session is then closed, because what the server kept for it (locks, settings) is gone.
 */
import type { Statement } from '../queries.ts'
import type { Driver, Param, Row, Session } from './driver.ts'

/** The part of a `postgres.Sql` that is used. */
export interface PostgresSql {
  unsafe(text: string, params?: Param[], options?: { readonly prepare: boolean }): Promise<Iterable<Row>>
  listen(channel: string, hear: (message: string) => void, onListen: () => void): Promise<unknown>
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

export function createPostgresDriver(
  sql: PostgresSql,
  connect: ConnectPostgres,
  isOurs: boolean,
  onConnect: Statement
): Driver {
  return {
    name: 'postgres.js',
    isEmbedded: false,
    query: (statement, params) => runPrepared(sql, statement, params),
    run: async (script) => void (await sql.unsafe(script)),
    reserve: () => openSession(sql, connect, (own) => runPrepared(own, onConnect, [])),
    listen: (_statement, channel, hear) =>
      openSession(sql, connect, (own, close) => {
        let isListening = false
        // The client would listen again in silence when the connection was lost, and with it what was told meanwhile.
        return own.listen(channel, hear, () => (isListening ? close() : (isListening = true)))
      }),
    end: async () => {
      if (isOurs) await sql.end({ timeout: endTimeoutSeconds })
    }
  }
}

async function runPrepared(sql: PostgresSql, statement: Statement, params: readonly Param[]): Promise<readonly Row[]> {
  return [...(await sql.unsafe(statement.text, [...params], { prepare: true }))]
}

async function openSession(
  sql: PostgresSql,
  connect: ConnectPostgres,
  begin: (own: PostgresSql, close: () => void) => Promise<unknown>
): Promise<Session> {
  let isOpen = true
  const close = (): void => {
    isOpen = false
  }
  const own = connect({
    ...sql.options,
    max: 1,
    idle_timeout: null,
    max_lifetime: null,
    onclose: close
  })
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
      return runPrepared(own, statement, params)
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

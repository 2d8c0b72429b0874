/**
 * The driver for `postgres` (postgres.js), over the caller's instance or one of ours.
 *
 * Owns: reserved connections, and those that are lent. Does not own: the caller's instance.
 *
 * Invariants: those of driver.ts, and
 * 1. A reserved connection is an instance of its own with one connection. The client would open another one in silence when
 *    that is lost; the session is then closed, because what the server kept for it (locks, settings) is gone.
 * 2. A connection that is lent is an instance of its own, too: the client does not say which of many it used, and has no way to close
 *    one of them. It is kept for the next loan, and disconnects where none comes.
 * 3. An instance that is lent ends with its connection. The client would open another one in silence, and run there, outside of any
 *    transaction or in that of somebody else, what code still sends to the transaction that was lost.
 */
import { askPid, type Statement } from '../queries.ts'
import { lend, type Loan } from './loan.ts'
import type { Driver, Param, Row, Session, Transactor } from './driver.ts'
import type { Probe } from './pooler.ts'
import { fromTransaction, isolation } from './transaction.ts'
import { AbandonedError } from '../transient-errors.ts'

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

const lentIdleSeconds = 10

/** The default export of `postgres`. */
export interface ConnectPostgres {
  (options: object): PostgresSql
  (url: string, options: object): PostgresSql
}

/** How to drop each reserved connection. */
type Sessions = Set<() => void>

type Run = (sql: Pick<PostgresSql, 'unsafe'>, statement: Statement, params: readonly Param[]) => Promise<readonly Row[]>

/** `onConnect: null`: sessions are not kept. */
export function createPostgresDriver(
  given: PostgresSql,
  connect: ConnectPostgres,
  isOurs: boolean,
  onConnect: Statement | null
): Driver {
  const keepsSessions = onConnect !== null
  const run: Run = async (own, { text }, params) => [
    ...(await own.unsafe(text, [...params], { prepare: keepsSessions }))
  ]
  let sql = given
  const sessions: Sessions = new Set()
  const loans = new Loans((onclose) => connect({ ...sql.options, max: 1, idle_timeout: lentIdleSeconds, onclose }), run)
  return {
    name: 'postgres.js',
    isEmbedded: false,
    keepsSessions,
    query: (statement, params) => run(sql, statement, params),
    run: async (script) => void (await sql.unsafe(script)),
    transact: (work) => sql.begin(isolation, (tx) => work(fromTransaction(tx), tx)),
    lend: (tidying, work) => lend(loans.take(), keepsSessions ? tidying : null, work),
    // Without a statement the client would not connect yet.
    reserve: () => openSession(sql, connect, sessions, run, (own) => run(own, onConnect ?? askPid, [])),
    listen: (_statement, channel, hear) =>
      openSession(sql, connect, sessions, run, (own, close) => {
        let isListening = false
        // The client would listen again in silence when the connection was lost, and with it what was told meanwhile.
        return own.listen(channel, hear, () => (isListening ? close() : (isListening = true)))
      }),
    dropConnections: () => {
      for (const drop of sessions) drop()
      void loans.end(0)
      if (!isOurs) return
      void sql.end({ timeout: 0 })
      sql = connect({ ...given.options })
    },
    end: async () => {
      await loans.end(endTimeoutSeconds)
      if (isOurs) await sql.end({ timeout: endTimeoutSeconds })
    }
  }
}

/** As many as there ever were loans at a time. */
class Loans {
  readonly #open: (onclose: () => void) => PostgresSql
  readonly #run: Run
  #free: readonly PostgresSql[] = []
  readonly #all = new Set<PostgresSql>()

  constructor(open: (onclose: () => void) => PostgresSql, run: Run) {
    this.#open = open
    this.#run = run
  }

  take(): Loan {
    const own = this.#free.at(-1) ?? this.#connect()
    this.#free = this.#free.filter((free) => free !== own)
    return {
      connection: own,
      // All that it was made with came with its connection.
      mayReset: true,
      query: (statement, params) => this.#run(own, statement, params),
      transact: (work) => transactUntilAbandoned(own, work),
      end: (isSpoiled) => {
        if (isSpoiled) this.#drop(own)
        else if (this.#all.has(own)) this.#free = [...this.#free, own]
      }
    }
  }

  #connect(): PostgresSql {
    const own = this.#open(() => this.#drop(own))
    this.#all.add(own)
    return own
  }

  #drop(own: PostgresSql): void {
    if (!this.#all.delete(own)) return
    this.#free = this.#free.filter((free) => free !== own)
    void own.end({ timeout: 0 })
  }

  async end(timeout: number): Promise<void> {
    const all = [...this.#all]
    this.#all.clear()
    this.#free = []
    await Promise.all(all.map((own) => own.end({ timeout })))
  }
}

/** The client would wait for what its code is waiting for before it rolls back. */
function transactUntilAbandoned<Result>(own: PostgresSql, work: Parameters<Loan['transact']>[0]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const done = own.begin(isolation, (tx) =>
      work(fromTransaction(tx), tx).catch((error: unknown) => {
        if (error instanceof AbandonedError) reject(error)
        throw error
      })
    )
    done.then((result) => resolve(result as Result), reject)
  })
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
  sessions: Sessions,
  run: Run,
  begin: (own: PostgresSql, close: () => void) => Promise<unknown>
): Promise<Session & Transactor> {
  let isOpen = true
  const close = (): void => {
    isOpen = false
    sessions.delete(drop)
  }
  const own = connectAlone(sql, connect, close)
  const drop = (): void => {
    close()
    void own.end({ timeout: 0 })
  }
  sessions.add(drop)
  try {
    await begin(own, close)
  } catch (error) {
    close()
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

/**
 * The driver for `pg`, over the caller's pool or one of ours.
 *
 * Owns: prepared statements by name, reserved clients. Does not own: the caller's pool.
 *
 * Invariants: those of driver.ts.
 */
import type { Statement } from '../queries.ts'
import type { Driver, Param, Row, Session } from './driver.ts'

interface PgQuery {
  readonly name: string
  readonly text: string
  readonly values: Param[]
}

interface PgQueryable {
  query(query: PgQuery | string): Promise<{ readonly rows: readonly Row[] }>
  end(): Promise<void>
}

interface PgClient extends PgQueryable {
  connect(): Promise<unknown>
  on(event: 'error' | 'end', listener: () => void): unknown
  on(event: 'notification', listener: (notice: { readonly payload?: string }) => void): unknown
}

/** The part of a `pg.Pool` that is used; `Client` and `options` are how the pool itself makes its clients. */
export interface PgPool extends PgQueryable {
  readonly Client: new (options: object) => PgClient
  readonly options: object
}

const prepared = (statement: Statement, params: readonly Param[]): PgQuery => ({
  name: statement.name,
  text: statement.text,
  values: [...params]
})

export function createPgDriver(pool: PgPool, isOurs: boolean, onConnect: Statement): Driver {
  return {
    name: 'pg',
    isEmbedded: false,
    query: async (statement, params) => (await pool.query(prepared(statement, params))).rows,
    run: async (script) => void (await pool.query(script)),
    reserve: () => openSession(pool, onConnect),
    listen: (statement, _channel, hear) => openSession(pool, statement, ({ payload = '' }) => hear(payload)),
    end: async () => {
      if (isOurs) await pool.end()
    }
  }
}

async function openSession(
  pool: PgPool,
  onConnect: Statement,
  onNotice: (notice: { readonly payload?: string }) => void = () => undefined
): Promise<Session> {
  const client = new pool.Client(pool.options)
  let isOpen = true
  const close = (): void => {
    isOpen = false
  }
  // Without a listener for 'error', the end of an idle connection would end the process.
  client.on('error', close)
  client.on('end', close)
  client.on('notification', onNotice)
  try {
    await client.connect()
    await client.query(onConnect.text)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
  return {
    get isOpen() {
      return isOpen
    },
    query: async (statement, params) => (await client.query(prepared(statement, params))).rows,
    end: () => client.end()
  }
}

/**
 * A transaction that the caller has open, on whichever client, as something to run statements on.
 *
 * Owns: telling the clients apart, and refusing what cannot hold a transaction.
 * Does not own: the transaction; nothing in here begins, commits or rolls back.
 *
 * Invariants: 1 and 4 of driver.ts, and
 * 1. Clients are told apart by shape, as in open.ts.
 * 2. Nothing is left on the caller's connection: statements are not prepared by name.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Param, Queryable, Row } from './driver.ts'

interface PgClient {
  query(text: string, params: Param[]): Promise<{ readonly rows: readonly Row[] }>
}

interface PostgresTransaction {
  unsafe(text: string, params: Param[]): Promise<Iterable<Row>>
}

/** Of transactions that we begin: what is read after a lock is what stands then, whatever the database's default. */
export const isolation = 'isolation level read committed'

/** Of a pg client, a postgres.js transaction or reserved connection, or a PGlite transaction. Throws InvalidArgumentError. */
export function fromTransaction(client: unknown): Queryable {
  if (isPgClient(client) || isPGliteTransaction(client)) {
    return { query: async ({ text }, params) => (await client.query(text, [...params])).rows }
  }
  if (isPostgresTransaction(client)) {
    return { query: async ({ text }, params) => [...(await client.unsafe(text, [...params]))] }
  }
  throw new InvalidArgumentError(
    'the client of withTransaction',
    'cannot hold a transaction',
    "Pass the pg client on which you ran 'begin' (not the pool), or what the callback of sql.begin or pglite.transaction is given"
  )
}

function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  const isHolder = typeof value === 'function' || (typeof value === 'object' && value !== null)
  try {
    return isHolder && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  } catch {
    // What throws when it is looked at is no client.
    return false
  }
}

/** A pool has `query` too, but runs each on a connection of its choice. */
const isPgClient = (value: unknown): value is PgClient => hasMethods(value, 'query', 'escapeIdentifier')

/** The instance itself has `begin`. */
const isPostgresTransaction = (value: unknown): value is PostgresTransaction =>
  hasMethods(value, 'unsafe') && (hasMethods(value, 'savepoint') || hasMethods(value, 'release'))

/** The instance itself has no `rollback`. */
const isPGliteTransaction = (value: unknown): value is PgClient => hasMethods(value, 'query', 'exec', 'rollback')

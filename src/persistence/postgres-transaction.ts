/**
 * The store from within a transaction that the caller has open: the same statements, on the caller's connection.
 *
 * Owns: what must be asked in another way there, because a statement that fails aborts the transaction.
 * Does not own: the transaction, SQL, classification of errors: the caller gets its client's own.
 *
 * Invariant
 * 1. Duplicates of any kind are answers and never failures. Keys of actors are inserted `on conflict do nothing`. Dedup keys are
 *    looked for under the actor's lock, which is taken by a statement before (sql/queries/lock.sql says why that suffices).
 */
import type { Param, Queryable, Row } from './drivers/driver.ts'
import { insertActors } from './postgres-inserts.ts'
import { toDocument, toSignalEntry, toSignalResult } from './postgres-rows.ts'
import type { Queries, Statement } from './queries.ts'
import type { InsertResult, NewActor, NewSignal, SignalResult, Writer } from './store.ts'

export class PostgresTransaction implements Writer {
  readonly #client: Queryable
  readonly #queries: Queries
  readonly #schema: string

  constructor(client: Queryable, queries: Queries, schema: string) {
    this.#client = client
    this.#queries = queries
    this.#schema = schema
  }

  async notify(messages: readonly string[]): Promise<void> {
    await this.#query(this.#queries.notify, this.#schema, JSON.stringify(messages))
  }

  insert(actors: readonly NewActor[]): Promise<readonly InsertResult[]> {
    return insertActors(this.#client, this.#queries, actors, null)
  }

  async signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly SignalResult[]> {
    const bringKeys = signals.filter(({ dedupKey }) => dedupKey !== null)
    for (const id of new Set(bringKeys.map(({ actorId }) => actorId).toSorted())) {
      await this.#query(this.#queries.lock, id)
    }
    const rows = await this.#query(this.#queries.signal, toDocument(signals, toSignalEntry), inboxLimit, null)
    return rows.map(toSignalResult)
  }

  async findKeys(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const rows = await this.#query(this.#queries.findKeys, JSON.stringify(keys))
    return rows.map((row) => row['id'] as string | null)
  }

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#client.query(statement, params)
  }
}

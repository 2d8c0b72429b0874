/**
 * The contract of store.ts on Postgres.
 *
 * Owns: which statement answers which operation, and the order within batches.
 * Does not own: SQL (sql/queries, each file says which races it guards against), connections (drivers/), how batches travel
 * (postgres-rows.ts), second looks after a race (second-looks.ts), leases (postgres-lease.ts), transactions of the caller's
 * (postgres-transaction.ts). Errors of the database are thrown as they come: the caller classifies
 * and retries them.
 *
 * Invariants
 * 1. An operation is one statement, whatever the size of its batch; more only after it lost a race.
 * 2. Commits run on lanes of their own: no other use of the pool can keep them waiting.
 * 3. A row that somebody else keeps locked holds up the commits of no other actor for longer than half a second. Claims, signals,
 *    inserts and cancels do wait for it, and those behind them in their lane: they have no bound yet.
 * 4. Outcomes are sent in the order of ids, the one order in which rows are locked.
 */
import { checkSchema, migrate } from './migrate.ts'
import type { Driver, Param, Row } from './drivers/driver.ts'
import { Lanes } from './drivers/lanes.ts'
import { openDriver } from './drivers/open.ts'
import { fromTransaction } from './drivers/transaction.ts'
import type { CancelResult, Cancellation, RetryResult } from './operator.ts'
import { openLease, reapNodes } from './postgres-lease.ts'
import {
  isPlain,
  toActorRow,
  toCancelResult,
  toClaimedRow,
  toClaimResult,
  toCommitEntry,
  toCommitParams,
  toCommitResult,
  toCommitResults,
  toDocument,
  toInsertEntry,
  toInsertResult,
  toRetryResult,
  toSignalEntry,
  toSignalResult
} from './postgres-rows.ts'
import { PostgresTransaction } from './postgres-transaction.ts'
import type { Queries, Statement } from './queries.ts'
import { loadQueries } from './queries.ts'
import type {
  ActorRow,
  ClaimResult,
  Commit,
  CommitResult,
  InsertResult,
  Lease,
  Listening,
  NewActor,
  NewSignal,
  Pick,
  PickResult,
  Retention,
  Signal,
  SignalResult,
  Store,
  UnknownRows,
  UnknownSearch,
  Writer
} from './store.ts'
import { askUntilTold, runUntilKeysAreSeen, runUntilSeen } from './second-looks.ts'
import { isLockTimeout } from './transient-errors.ts'

const laneCount = 2

/**
 * Opens a store on a connection string, a `pg.Pool`, a postgres.js `Sql` or a `PGlite`, in a schema of its own.
 * Connects to nothing yet. Rejects with InvalidArgumentError where `database` or `schema` cannot be used.
 */
export async function openPostgresStore(database: unknown, schema = 'perdure'): Promise<PostgresStore> {
  const queries = loadQueries(schema)
  return new PostgresStore(await openDriver(database, queries.pinPlans), queries, schema)
}

export class PostgresStore implements Store {
  readonly #driver: Driver
  readonly #queries: Queries
  readonly #schema: string
  readonly #lanes: Lanes

  constructor(driver: Driver, queries: Queries, schema: string) {
    this.#driver = driver
    this.#queries = queries
    this.#schema = schema
    this.#lanes = new Lanes(driver, laneCount, queries.limitWaits)
  }

  async describe(): Promise<string> {
    const [row] = await this.#query(this.#queries.serverVersion)
    return `${this.#driver.name}, PostgreSQL ${row?.['version'] as string}`
  }

  migrate(): Promise<void> {
    return migrate(this.#driver, this.#queries, this.#schema)
  }

  checkSchema(): Promise<void> {
    return checkSchema(this.#driver, this.#queries, this.#schema)
  }

  async close(): Promise<void> {
    await this.#lanes.end()
    await this.#driver.end()
  }

  join(id: string, name: string, leaseMs: number): Promise<Lease> {
    return openLease(this.#driver, this.#queries, { id, name, leaseMs })
  }

  reap(node: string, limit: number): Promise<{ readonly nodes: readonly string[]; readonly actors: number }> {
    return reapNodes(this.#driver, this.#queries, node, limit)
  }

  async notify(messages: readonly string[]): Promise<void> {
    await this.#query(this.#queries.notify, this.#schema, JSON.stringify(messages))
  }

  listen(hear: (message: string) => void): Promise<Listening> {
    return this.#driver.listen(this.#queries.listen, this.#schema, hear)
  }

  insert(actors: readonly NewActor[]): Promise<readonly InsertResult[]> {
    return askUntilTold(actors, async (asked) => {
      const rows = await this.#query(this.#queries.insert, toDocument(asked, toInsertEntry))
      return rows.map(toInsertResult)
    })
  }

  claim(node: string, ids: readonly string[]): Promise<readonly ClaimResult[]> {
    return askUntilTold(ids, async (asked) => {
      const results = Array<ClaimResult | undefined>(asked.length).fill({ kind: 'missing' })
      const claim = (): Promise<readonly Row[]> => this.#query(this.#queries.claim, node, JSON.stringify(asked))
      for (const row of await runUntilSeen(claim)) {
        results[row['n'] as number] = toClaimResult(row, node)
      }
      return results
    })
  }

  async pick({ node, queue, machines, limit }: Pick): Promise<PickResult> {
    const known = JSON.stringify(machines)
    const rows = await runUntilSeen(() => this.#query(this.#queries.pick, node, queue, limit, known))
    return {
      contended: JSON.parse((rows[0]?.['contended'] as string | null | undefined) ?? '[]') as PickResult['contended'],
      rows: rows.filter((row) => row['id'] !== null).map((row) => toClaimedRow(row, node)),
      nextDueInMs: (rows[0]?.['nextDueInMs'] as number | null | undefined) ?? null
    }
  }

  async commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    try {
      return await this.#commit(node, commits)
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      // Nothing was written. The others need not wait for whoever is locked.
      const rows = await this.#query(this.#queries.findLocked, JSON.stringify(commits.map(({ id }) => id)))
      const locked = new Set(rows.map((row) => row['id']))
      if (locked.size === 0) throw error
      const free = commits.filter(({ id }) => !locked.has(id))
      const results = (await this.commit(node, free)).values()
      return commits.map(({ id }) => (locked.has(id) ? { kind: 'locked' } : (results.next().value as CommitResult)))
    }
  }

  #commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    const [first] = commits
    if (commits.length === 1 && first !== undefined && isPlain(first)) return this.#commitOne(node, first)
    return runUntilKeysAreSeen(commits, async (batch) => {
      const entries = batch.map(toCommitEntry) as { readonly id: string }[]
      entries.sort((a, b) => (a.id < b.id ? -1 : 1))
      const [row] = await this.#lanes.query(this.#queries.commit, [node, JSON.stringify(entries)])
      return toCommitResults(row, batch.length)
    })
  }

  async #commitOne(node: string, commit: Commit): Promise<readonly CommitResult[]> {
    const [row] = await this.#lanes.query(this.#queries.commitOne, toCommitParams(node, commit))
    return [toCommitResult(row)]
  }

  signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly SignalResult[]> {
    return runUntilKeysAreSeen(signals, async (batch) => {
      const rows = await this.#query(this.#queries.signal, toDocument(batch, toSignalEntry), inboxLimit)
      return rows.map(toSignalResult)
    })
  }

  async cancel({ id, request, reason }: Cancellation): Promise<CancelResult> {
    const [row] = await this.#query(this.#queries.cancel, id, request, reason)
    return toCancelResult(row as Row)
  }

  async retry(id: string): Promise<RetryResult> {
    const [row] = await this.#query(this.#queries.retry, id)
    return toRetryResult(row)
  }

  within(transaction: unknown): Writer {
    return new PostgresTransaction(fromTransaction(transaction), this.#queries, this.#schema)
  }

  async unseen(node: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#query(this.#queries.unseen, node, limit)
    return rows.map((row) => row['id'] as string)
  }

  async inbox(id: string, afterSeq: number): Promise<readonly Signal[]> {
    return (await this.#query(this.#queries.inbox, id, afterSeq)) as unknown as readonly Signal[]
  }

  async read(ids: readonly string[]): Promise<readonly (ActorRow | null)[]> {
    const results = Array<ActorRow | null>(ids.length).fill(null)
    for (const row of await this.#query(this.#queries.read, JSON.stringify(ids))) {
      results[row['n'] as number] = toActorRow(row)
    }
    return results
  }

  async findKeys(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const rows = await this.#query(this.#queries.findKeys, JSON.stringify(keys))
    return rows.map((row) => row['id'] as string | null)
  }

  async knownDedup(
    pairs: readonly { readonly actorId: string; readonly dedupKey: string }[]
  ): Promise<readonly boolean[]> {
    const document = toDocument(pairs, ({ actorId, dedupKey }, n) => ({ n, actor_id: actorId, dedup_key: dedupKey }))
    const rows = await this.#query(this.#queries.knownDedup, document)
    return rows.map((row) => row['known'] as boolean)
  }

  async purgeDedup(olderThanMs: number, limit: number): Promise<number> {
    const [row] = await this.#query(this.#queries.purgeDedup, olderThanMs, limit)
    return row?.['purged'] as number
  }

  async collect(retentions: readonly Retention[], limit: number): Promise<number> {
    const document = toDocument(retentions, ({ machine, retentionMs }) => ({ machine, retention_ms: retentionMs }))
    const [row] = await this.#query(this.#queries.collect, document, limit)
    return row?.['collected'] as number
  }

  async findUnknown({ machines, queues, waitedMs, limit }: UnknownSearch): Promise<readonly UnknownRows[]> {
    const [known, served] = [JSON.stringify(machines), JSON.stringify(queues)]
    const rows = await this.#query(this.#queries.findUnknown, known, served, waitedMs, limit)
    return rows as unknown as readonly UnknownRows[]
  }

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#driver.query(statement, params)
  }
}

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
 * 1. An operation is one statement, whatever the size of its batch; more only after it lost a race. Commits that reach other rows, and
 *    cancels, are one transaction of a few (postgres-linked.ts).
 * 2. Commits run on lanes of their own: no other use of the pool can keep them waiting.
 * 3. A row that somebody else keeps locked holds up the commits, claims and signals of no other actor for longer than half a second. A key
 *    that somebody else is about to take does hold up the inserts behind it: they have no bound yet.
 * 4. Outcomes are sent in the order of ids, the one order in which rows are locked.
 */
import { checkSchema, migrate } from './migrate.ts'
import type { Driver, Param, Row } from './drivers/driver.ts'
import { Lanes } from './drivers/lanes.ts'
import { openDriver } from './drivers/open.ts'
import { listenToNothing, type Pooler } from './drivers/pooler.ts'
import { fromTransaction } from './drivers/transaction.ts'
import type { CancelResult, Cancellation, RetryResult } from './operator.ts'
import { openLease, reapNodes } from './postgres-lease.ts'
import {
  isPlain,
  toActorRow,
  toClaimResult,
  toCommitEntry,
  toCommitParams,
  toCommitResult,
  toCommitResults,
  toDocument,
  toPickResult,
  toRetryResult,
  toSignalEntry,
  toSignalResult
} from './postgres-rows.ts'
import { PostgresPermits } from './postgres-permits.ts'
import { PostgresSchedules } from './postgres-schedules.ts'
import { commitByKind, LinkedCommits } from './postgres-linked.ts'
import { PostgresTransaction } from './postgres-transaction.ts'
import { leaseRows } from './leased-rows.ts'
import { loadQueries, type Queries, type Statement } from './queries.ts'
import type {
  ActorRow,
  ClaimResult,
  Commit,
  CommitResult,
  InsertResult,
  Lease,
  Listening,
  Locked,
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
import { insertUnlessLocked } from './postgres-inserts.ts'
import { askUntilTold, runUntilKeysAreSeen } from './second-looks.ts'
import { runUnlessLocked } from './locked-rows.ts'

const laneCount = 2
/** How long signals wait for a row that somebody keeps locked; commits and claims say so themselves. */
const waitMax = '500ms'
const idOf = ({ id }: { readonly id: string }): string => id

const withoutSessions = [
  'the end of a node is noticed when its lease runs out, and not at once',
  'what nodes tell each other is not heard: they find it when they look, once in a `poll`',
  'statements are not prepared once, but each time'
]

/**
 * Opens a store on a connection string, a `pg.Pool`, a postgres.js `Sql` or a `PGlite`, in a schema of its own.
 * Where `pooler` is not told it is found out, on a connection for that. Rejects with InvalidArgumentError where `database` or `schema`
 * cannot be used, and with the client's own error where the database cannot be reached.
 */
export async function openPostgresStore(
  database: unknown,
  schema = 'perdure',
  pooler?: Pooler
): Promise<PostgresStore> {
  const queries = loadQueries(schema)
  const driver = await openDriver(database, queries.pinPlans, pooler)
  const isSurprise = !driver.keepsSessions && pooler === undefined
  return new PostgresStore(driver, queries, schema, isSurprise ? withoutSessions : [])
}

export class PostgresStore implements Store {
  readonly missing: readonly string[]
  readonly schedules: PostgresSchedules
  readonly permits: PostgresPermits
  readonly isExclusive: boolean
  readonly #driver: Driver
  readonly #queries: Queries
  readonly #schema: string
  readonly #lanes: Lanes
  readonly #linked: LinkedCommits

  constructor(driver: Driver, queries: Queries, schema: string, missing: readonly string[] = []) {
    this.#driver = driver
    this.#queries = queries
    this.#schema = schema
    this.#lanes = new Lanes(driver, laneCount)
    this.#linked = new LinkedCommits(driver, queries)
    this.missing = missing
    this.isExclusive = driver.isEmbedded
    this.schedules = new PostgresSchedules(driver, queries)
    this.permits = new PostgresPermits(driver, queries)
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
    await Promise.all([this.#lanes.end(), this.#linked.end(), this.#driver.end()])
  }

  dropConnections(): void {
    this.#driver.dropConnections()
  }

  join(id: string, name: string, leaseMs: number): Promise<Lease> {
    return openLease(this.#driver, this.#queries, { id, name, leaseMs })
  }

  reap(node: string, limit: number): ReturnType<Store['reap']> {
    return reapNodes(this.#driver, this.#queries, node, limit)
  }

  async notify(messages: readonly string[]): Promise<void> {
    await this.#query(this.#queries.notify, this.#schema, JSON.stringify(messages))
  }

  async listen(hear: (message: string) => void): Promise<Listening> {
    if (!this.#driver.keepsSessions) return listenToNothing()
    return this.#driver.listen(this.#queries.listen, this.#schema, hear)
  }

  insert(actors: readonly NewActor[]): Promise<readonly (InsertResult | Locked)[]> {
    return insertUnlessLocked(this.#driver, this.#queries, actors)
  }

  claim(node: string, ids: readonly string[]): Promise<readonly (ClaimResult | Locked)[]> {
    const claim = (free: readonly string[]): Promise<readonly ClaimResult[]> =>
      askUntilTold(free, async (asked) => {
        const results = Array<ClaimResult | undefined>(asked.length).fill({ kind: 'missing' })
        const run = (): Promise<readonly Row[]> => this.#query(this.#queries.claim, node, JSON.stringify(asked))
        for (const row of await leaseRows(run, this.inbox.bind(this)))
          results[row['n'] as number] = toClaimResult(row, node)
        return results
      })
    return this.#unlessLocked(ids, (id) => id, claim)
  }

  async pick({ node, queue, machines, limit }: Pick): Promise<PickResult> {
    const known = JSON.stringify(machines)
    const run = (): Promise<readonly Row[]> => this.#query(this.#queries.pick, node, queue, limit, known)
    return toPickResult(await leaseRows(run, this.inbox.bind(this)), node)
  }

  commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    const [plainly, linked] = [this.#commitPlain.bind(this, node), this.#linked.commit.bind(this.#linked, node)]
    return commits.some(({ outgoing }) => outgoing) ? commitByKind(commits, plainly, linked) : plainly(commits)
  }

  #commitPlain(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    return this.#unlessLocked(commits, idOf, (free) => this.#commit(node, free))
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

  signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly (SignalResult | Locked)[]> {
    const run = async (batch: readonly NewSignal[]): Promise<readonly SignalResult[]> => {
      const rows = await this.#query(this.#queries.signal, toDocument(batch, toSignalEntry), inboxLimit, waitMax)
      return rows.map(toSignalResult)
    }
    return this.#unlessLocked(
      signals,
      ({ actorId }) => actorId,
      (free) => runUntilKeysAreSeen(free, run)
    )
  }

  cancel(cancellation: Cancellation): Promise<CancelResult> {
    return this.#linked.cancel(cancellation)
  }

  transact: Store['transact'] = (run) => this.#linked.transact(run)

  async retry(id: string): Promise<RetryResult> {
    const [row] = await this.#query(this.#queries.retry, id)
    return toRetryResult(row)
  }

  within(transaction: unknown): Writer {
    return new PostgresTransaction(fromTransaction(transaction), this.#queries, this.#schema)
  }

  async claimed(node: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#query(this.#queries.claimed, node, limit)
    return rows.map((row) => row['id'] as string)
  }

  async unseen(node: string, limit: number, after: string | null = null): Promise<readonly string[]> {
    const rows = await this.#query(this.#queries.unseen, node, limit, after)
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

  #unlessLocked<Request, Result>(
    requests: readonly Request[],
    actorOf: (request: Request) => string,
    run: (free: readonly Request[]) => Promise<readonly Result[]>
  ): Promise<readonly (Result | Locked)[]> {
    return runUnlessLocked(requests, actorOf, run, async (ids) => {
      const rows = await this.#query(this.#queries.findLocked, JSON.stringify(ids))
      return new Set(rows.map((row) => row['id']))
    })
  }

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#driver.query(statement, params)
  }
}

/**
 * The contract of store.ts on Postgres.
 *
 * Owns: which statement answers which operation, the order within batches, and the second look after a race.
 * Does not own: SQL (sql/queries, each file says which races it guards against), connections (drivers/), how batches travel
 * (postgres-rows.ts), leases (postgres-lease.ts). Errors of the database are thrown as they come: the caller classifies
 * and retries them.
 *
 * Invariants
 * 1. An operation is one statement, whatever the size of its batch; more only after it lost a race.
 * 2. Commits run on lanes of their own: no other use of the pool can keep them waiting.
 * 3. A row that somebody else keeps locked holds up nobody but its actor, for longer than half a second.
 * 4. Outcomes are sent in the order of ids, the one order in which rows are locked.
 */
import { checkSchema, migrate } from './migrate.ts'
import type { Driver, Param, Row } from './drivers/driver.ts'
import { Lanes } from './drivers/lanes.ts'
import { openDriver } from './drivers/open.ts'
import { openLease, reapNodes } from './postgres-lease.ts'
import {
  isPlain,
  toActorRow,
  toClaimedRow,
  toClaimResult,
  toCommitEntry,
  toCommitParams,
  toCommitResult,
  toCommitResults,
  toInsertEntry,
  toInsertResult,
  toSignalEntry,
  toSignalResult
} from './postgres-rows.ts'
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
  Signal,
  SignalResult,
  Store
} from './store.ts'
import { isLockTimeout, isUniqueViolation } from './transient-errors.ts'

const laneCount = 2
/** A race that is lost so often in a row is no race. */
const looksMax = 20

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
      for (const row of await this.#query(this.#queries.claim, node, JSON.stringify(asked))) {
        results[row['n'] as number] = toClaimResult(row, node)
      }
      return results
    })
  }

  async pick({ node, queue, machines, limit }: Pick): Promise<PickResult> {
    const rows = await this.#query(this.#queries.pick, node, queue, limit, JSON.stringify(machines))
    return {
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
      const rows = await this.#lanes.query(this.#queries.commit, [node, JSON.stringify(entries)])
      return toCommitResults(rows, batch.length)
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

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#driver.query(statement, params)
  }
}

const toDocument = <Entry>(entries: readonly Entry[], toEntry: (entry: Entry, n: number) => object): string =>
  JSON.stringify(entries.map(toEntry))

/** Asks again for the entries of which a statement could not tell, because they were moved while it ran. */
async function askUntilTold<Entry, Result>(
  entries: readonly Entry[],
  ask: (asked: readonly Entry[]) => Promise<readonly (Result | undefined)[]>
): Promise<readonly Result[]> {
  const results: Result[] = []
  let untold = [...entries.keys()]
  for (let look = 1; untold.length > 0; look += 1) {
    if (look > looksMax) throw new SecondLookError('the rows did not stand still', undefined)
    const asked = untold.map((place) => entries[place] as Entry)
    const answers = await ask(asked).catch((error: unknown) => {
      throw look === 1 ? error : new SecondLookError('the second look failed', error)
    })
    for (const [n, place] of untold.entries()) {
      const answer = answers[n]
      if (answer !== undefined) results[place] = answer
    }
    untold = untold.filter((_, n) => answers[n] === undefined)
  }
  return results
}

/** What the first look did stands: as a whole the operation is neither done nor undone. */
class SecondLookError extends Error {
  /** Postgres for "statement completion unknown", by which transient-errors.ts knows it. */
  readonly code = '40003'
  constructor(message: string, cause: unknown) {
    super(message, { cause })
  }
}

/** Runs a batch, and again as a whole where someone else committed one of its dedup keys meanwhile: it then sees the key. */
async function runUntilKeysAreSeen<Entry, Result>(
  entries: readonly Entry[],
  run: (batch: readonly Entry[]) => Promise<readonly Result[]>
): Promise<readonly Result[]> {
  if (entries.length === 0) return []
  for (let look = 1; ; look += 1) {
    try {
      return await run(entries)
    } catch (error) {
      if (!isUniqueViolation(error) || look === looksMax) throw error
    }
  }
}

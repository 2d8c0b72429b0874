/**
 * Commits that reach other rows, each batch a transaction of its own; and the transactions of users' functions, in which a commit
 * is the last thing that happens.
 *
 * Owns: beginning these transactions, and beginning them again; their connections.
 * Does not own: what is done in them (linked-transaction.ts); retries after errors of the database (group-commit.ts).
 *
 * Invariants
 * 1. Batches run on lanes of their own: plain commits never wait for them.
 * 2. A row that somebody else keeps locked holds up the commits that need it, and no others, for longer than half a second.
 * 3. A transaction stands as a whole or not at all. Where it is not known which, that is said.
 */
import { OutcomeUnknownError } from '../errors.ts'
import type { Driver, Queryable } from './drivers/driver.ts'
import { Lanes } from './drivers/lanes.ts'
import { leash } from './drivers/leash.ts'
import { LinkedTransaction, RowsMovedError } from './linked-transaction.ts'
import type { Cancellation, CancelResult } from './operator.ts'
import { toDocument } from './postgres-rows.ts'
import { Seats } from './seats.ts'
import { SecondLookError } from './second-looks.ts'
import type { Queries } from './queries.ts'
import type { Commit, CommitResult } from './store.ts'
import { classifyError, isLockTimeout } from './transient-errors.ts'

const laneCount = 2
/** Transactions of users' functions at a time: of the ten connections of a pool, some are for others. */
const seatCount = 7
const waitMax = '500ms'
/** Once somebody is known to wait, it is found out who. */
const shortWaitMax = '50ms'
const forEver = '0'
/** A race that is lost so often in a row is no race. */
const looksMax = 20

type Run<Result> = (
  client: unknown,
  commit: (node: string, commit: Commit) => Promise<CommitResult>,
  check: () => Promise<void>
) => Promise<Result>

export class LinkedCommits {
  readonly #driver: Driver
  readonly #queries: Queries
  readonly #lanes: Lanes
  readonly #seats = new Seats(seatCount)

  constructor(driver: Driver, queries: Queries) {
    this.#driver = driver
    this.#queries = queries
    this.#lanes = new Lanes(driver, laneCount)
  }

  async commit(node: string, commits: readonly Commit[], wait = waitMax): Promise<readonly CommitResult[]> {
    if (commits.length === 0) return []
    try {
      return await repeatWhileMoved(() =>
        this.#lanes.transact((tx) => new LinkedTransaction(tx, this.#queries, wait).commit(node, commits))
      )
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      // Nothing was written. The others need not wait for whoever is locked.
      const locked = await this.#findLocked(commits)
      if (locked.size === 0 && commits.some(bearsKey)) return this.#commitInHalves(node, commits)
      if (locked.size === 0) throw error
      const free = commits.filter((_, n) => !locked.has(n))
      const results = (await this.commit(node, free)).values()
      return commits.map((_, n) => (locked.has(n) ? { kind: 'locked' } : (results.next().value as CommitResult)))
    }
  }

  /** A transaction may be taking the key of a child, which nobody can see: halves tell whose. */
  async #commitInHalves(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    if (commits.length === 1) return [{ kind: 'locked' }]
    const half = Math.ceil(commits.length / 2)
    const commitHalf = (some: readonly Commit[]): Promise<readonly CommitResult[]> =>
      this.commit(node, some, some.some(bearsKey) ? shortWaitMax : waitMax)
    const first = await commitHalf(commits.slice(0, half))
    const second = await commitHalf(commits.slice(half)).catch((error: unknown) => {
      throw new SecondLookError('a half of the commits stands, the other failed', error)
    })
    return [...first, ...second]
  }

  /** Waits for a row that somebody else keeps locked, and so not on a lane. */
  cancel(cancellation: Cancellation): Promise<CancelResult> {
    return repeatWhileMoved(() =>
      this.#driver.transact((tx) => new LinkedTransaction(tx, this.#queries, forEver).cancel(cancellation))
    )
  }

  transact<Result>(run: Run<Result>): Promise<Result> {
    return this.#seats.take(() => this.#transact(run))
  }

  async #transact<Result>(run: Run<Result>): Promise<Result> {
    let isOver = false
    try {
      return await this.#driver.lend(this.#queries, async (tx, client) => {
        const written: Promise<CommitResult>[] = []
        const write = (node: string, commit: Commit): Promise<CommitResult> => {
          const answer = this.#commitWithin(tx, node, commit)
          answer.catch(() => undefined)
          written.push(answer)
          return answer
        }
        // A transaction that was ended, or has failed without a word, has no marks; a constraint may have been put off.
        const check = async (): Promise<void> => {
          await tx.query(this.#queries.setMark, [])
          await tx.query(this.#queries.checkConstraints, [])
        }
        const lent = leash(client as object)
        const result = await run(lent.client, write, check).finally(() => lent.end())
        // A function that did not wait for its commit, or overlooked its failure, must not have the rest of it stand.
        const answers = await Promise.all(written)
        if (answers.some(({ kind }) => kind !== 'committed')) throw new RefusedError(result)
        isOver = true
        return result
      })
    } catch (error) {
      if (error instanceof RefusedError) return error.result as Result
      throw isOver && classifyError(error) === 'lost' ? new OutcomeUnknownError('transaction', error) : error
    }
  }

  end(): Promise<void> {
    return this.#lanes.end()
  }

  /** In a transaction that goes on: what is taken back is what this commit did, and nothing before. */
  #commitWithin(tx: Queryable, node: string, commit: Commit): Promise<CommitResult> {
    return repeatWhileMoved(async () => {
      await tx.query(this.#queries.setMark, [])
      try {
        const [result] = await new LinkedTransaction(tx, this.#queries, waitMax).commit(node, [commit])
        return result as CommitResult
      } catch (error) {
        if (!(error instanceof RowsMovedError) && !isLockTimeout(error)) throw error
        await tx.query(this.#queries.rollbackToMark, [])
        if (isLockTimeout(error)) return { kind: 'locked' }
        throw error
      }
    })
  }

  async #findLocked(commits: readonly Commit[]): Promise<ReadonlySet<unknown>> {
    const document = toDocument(commits, ({ id, outgoing }, n) => {
      const targets = outgoing?.messages.map(({ to }) => to) ?? []
      return {
        n,
        id,
        tells: outgoing?.tellsParent,
        targets: targets.flatMap((to) => ('id' in to ? to.id : [])),
        keys: targets.flatMap((to) => ('key' in to ? to.key : []))
      }
    })
    return new Set((await this.#lanes.query(this.#queries.findLinkedLocked, [document])).map((row) => row['n']))
  }
}

const bearsKey = ({ outgoing }: Commit): boolean => outgoing?.births.some(({ key }) => key !== null) === true

type CommitAll = (commits: readonly Commit[]) => Promise<readonly CommitResult[]>

/** Plain ones by one statement, the others after that; results in the order of the commits. */
export async function commitByKind(
  commits: readonly Commit[],
  commitPlain: CommitAll,
  commitLinked: CommitAll
): Promise<readonly CommitResult[]> {
  const [plain, linked] = [
    commits.filter(({ outgoing }) => outgoing === undefined),
    commits.filter(({ outgoing }) => outgoing !== undefined)
  ]
  const plainResults = (await commitPlain(plain)).values()
  const linkedResults = await commitLinked(linked).catch((error: unknown) => {
    throw plain.length === 0
      ? error
      : new SecondLookError('the plain commits of the batch stand, the others failed', error)
  })
  const rest = linkedResults.values()
  return commits.map(({ outgoing }) => (outgoing ? rest : plainResults).next().value as CommitResult)
}

async function repeatWhileMoved<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let look = 1; ; look += 1) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof RowsMovedError) || look === looksMax) throw error
    }
  }
}

/** Takes the transaction back that it is thrown in. */
class RefusedError extends Error {
  readonly result: unknown
  constructor(result: unknown) {
    super('a commit was refused')
    this.result = result
  }
}

/**
 * The whole contract of store.ts in maps: for tests and for `perdure/testing`. Nothing of it outlives the process.
 *
 * Owns: rows by id.
 * Does not own: what a change does to a single row (memory-rows.ts), finding rows (memory-table.ts); the clock, which is given.
 *
 * Invariants
 * 1. An operation runs synchronously, in a microtask of its own: no other operation sees it half done. S1–S5 hold
 *    because of that; what row locks do in a database has no counterpart here.
 * 2. A batch is its entries one after another, each decided by what the entries before it left.
 * 3. Rows are never handed out; answers are copies (memory-rows.ts, 2).
 */
import { InvalidArgumentError } from '../errors.ts'
import type {
  ActorRow,
  ClaimedRow,
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
  UnknownSearch
} from './store.ts'
import { countUnknown, isOneOf, listCollectable, purgeKeys } from './memory-cleaning.ts'
import { MemoryChildren } from './memory-children.ts'
import { MemoryNodes } from './memory-nodes.ts'
import { isBehind, putAside, takeTurns } from './memory-partitions.ts'
import { MemoryPermits } from './memory-permits.ts'
import { MemorySchedules } from './memory-schedules.ts'
import { retryRow, signalRow } from './memory-messages.ts'
import { MemoryTable } from './memory-table.ts'
import type { StoredActor } from './memory-rows.ts'
import type { Cancellation, CancelResult, RetryResult } from './operator.ts'
import { commitRow, findNextDue, freeRow, isHeldBack, isRunnable, leaseRow, showRow } from './memory-rows.ts'
import { isTerminal } from './store.ts'

/** The database's clock: epoch milliseconds. `Date` is one. */
export interface Clock {
  now(): number
}

export class MemoryStore implements Store {
  readonly isExclusive = false
  readonly #clock: Clock
  readonly #actors = new MemoryTable()
  readonly #children: MemoryChildren
  readonly #nodes: MemoryNodes
  readonly #listeners = new Set<(message: string) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#nodes = new MemoryNodes(clock)
    this.#children = new MemoryChildren({
      now: () => clock.now(),
      get: (id) => this.#actors.get(id),
      findKey: (key) => this.#actors.findKey(key),
      insert: (actor) => this.#insertOne(actor)
    })
    this.permits = new MemoryPermits({ now: () => clock.now(), isAlive: (node) => this.#nodes.isAlive(node) })
    this.schedules = new MemorySchedules({ now: () => clock.now(), insert: (actor) => this.#insertOne(actor) })
  }

  readonly missing = []
  readonly schedules: MemorySchedules
  readonly permits: MemoryPermits

  describe(): Promise<string> {
    return soon(() => 'memory')
  }

  migrate(): Promise<void> {
    return soon(() => undefined)
  }

  checkSchema(): Promise<void> {
    return soon(() => undefined)
  }

  close(): Promise<void> {
    return soon(() => undefined)
  }

  dropConnections(): void {}

  join(node: string, _name: string, leaseMs: number): Promise<Lease> {
    return soon(() => {
      this.#nodes.join(node, leaseMs)
      let isOpen = true
      return {
        get isOpen() {
          return isOpen
        },
        renew: () => soon(() => this.#nodes.renew(node, leaseMs)),
        leave: (inOrder) =>
          soon(() => {
            isOpen = false
            this.#bury(node, Infinity, inOrder)
          })
      }
    })
  }

  reap(node: string, limit: number): Promise<{ readonly nodes: readonly string[]; readonly actors: number }> {
    return soon(() => {
      const nodes: string[] = []
      let actors = 0
      for (const dead of this.#nodes.listDead(this.#actors.list(), node)) {
        actors += this.#bury(dead, limit - actors, false)
        if (!this.#nodes.knows(dead)) nodes.push(dead)
      }
      return { nodes, actors }
    })
  }

  notify(messages: readonly string[]): Promise<void> {
    return soon(() => {
      for (const hear of this.#listeners) for (const message of messages) hear(message)
    })
  }

  listen(hear: (message: string) => void): Promise<Listening> {
    return soon(() => {
      this.#listeners.add(hear)
      return { isOpen: true, end: () => soon(() => void this.#listeners.delete(hear)) }
    })
  }

  insert(actors: readonly NewActor[]): Promise<readonly InsertResult[]> {
    return soon(() => actors.map((actor) => this.#insertOne(actor)))
  }

  claim(node: string, ids: readonly string[]): Promise<readonly ClaimResult[]> {
    return soon(() => ids.map((id) => this.#claimOne(node, id)))
  }

  pick({ node, queue, machines, limit }: Pick): Promise<PickResult> {
    return soon(() => {
      const now = this.#clock.now()
      const isKnown = (row: StoredActor): boolean => isOneOf(machines, row)
      const toRun = this.#actors
        .list((row) => this.#nodes.isAlive(node) && row.queue === queue && isKnown(row) && isRunnable(row, now))
        .toSorted((a, b) => a.priority - b.priority || (a.wakeAt ?? 0) - (b.wakeAt ?? 0))
      const turns = takeTurns(toRun, this.#actors.list(), limit)
      const rows = turns.rows.map((row): ClaimedRow => leaseRow(row, node))
      for (const row of turns.contended) putAside(row)
      return {
        rows,
        nextDueInMs: findNextDue(
          now,
          this.#actors.list((row) => row.queue === queue && isKnown(row))
        ),
        contended: turns.contended.map(({ id, machine }) => ({ id, machine }))
      }
    })
  }

  commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    return soon(() => commits.map((commit) => this.#commitOne(node, commit)))
  }

  signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly SignalResult[]> {
    const take = (signal: NewSignal): SignalResult =>
      signalRow(this.#actors.get(signal.actorId), signal, inboxLimit, this.#clock.now())
    return soon(() => signals.map(take))
  }

  cancel(cancellation: Cancellation): Promise<CancelResult> {
    return soon(() => this.#children.cancel(cancellation))
  }

  retry(id: string): Promise<RetryResult> {
    return soon(() => retryRow(this.#actors.get(id), this.#clock.now()))
  }

  within(): never {
    throw needsDatabase('the client of withTransaction')
  }

  transact(): Promise<never> {
    return Promise.reject(needsDatabase('the function of a transaction'))
  }

  claimed(node: string, limit: number): Promise<readonly string[]> {
    return soon(() => this.#idsOf((row) => row.owner === node && row.attempt > 0, limit))
  }

  unseen(node: string, limit: number, after: string | null = null): Promise<readonly string[]> {
    const isUnseen = (row: StoredActor): boolean => row.owner === node && row.inboxSeq > row.inboxSeen
    const isAfter = ({ id }: StoredActor): boolean => after === null || id > after
    return soon(() =>
      this.#idsOf((row) => isUnseen(row) && isAfter(row), Infinity)
        .toSorted()
        .slice(0, limit)
    )
  }

  inbox(id: string, afterSeq: number): Promise<readonly Signal[]> {
    return soon(() => this.#actors.get(id)?.inbox.filter((signal) => signal.seq > afterSeq) ?? [])
  }

  read(ids: readonly string[]): Promise<readonly (ActorRow | null)[]> {
    return soon(() =>
      ids.map((id) => {
        const row = this.#actors.get(id)
        return row === undefined ? null : showRow(row)
      })
    )
  }

  findKeys(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return soon(() => keys.map((key) => this.#actors.findKey(key)?.id ?? null))
  }

  knownDedup(pairs: readonly { readonly actorId: string; readonly dedupKey: string }[]): Promise<readonly boolean[]> {
    return soon(() => pairs.map(({ actorId, dedupKey }) => this.#actors.get(actorId)?.dedup.has(dedupKey) ?? false))
  }

  purgeDedup(olderThanMs: number, limit: number): Promise<number> {
    return soon(() => purgeKeys(this.#actors.list(), this.#clock.now() - olderThanMs, limit))
  }

  collect(retentions: readonly Retention[], limit: number): Promise<number> {
    return soon(() => {
      const old = listCollectable(this.#actors.list(), retentions, this.#clock.now()).slice(0, limit)
      for (const row of old) {
        this.#actors.remove(row)
        this.#children.forget(row.id)
      }
      return old.length
    })
  }

  findUnknown(search: UnknownSearch): Promise<readonly UnknownRows[]> {
    return soon(() => countUnknown(this.#actors.list(), search, this.#clock.now() - search.waitedMs))
  }

  #idsOf(predicate: (row: StoredActor) => boolean, limit: number): readonly string[] {
    return this.#actors
      .list(predicate)
      .slice(0, limit)
      .map(({ id }) => id)
  }

  #insertOne(actor: NewActor): InsertResult {
    return this.#actors.insert(actor, this.#clock.now())
  }

  #claimOne(node: string, id: string): ClaimResult {
    const row = this.#actors.get(id)
    if (row === undefined) return { kind: 'missing' }
    if (isTerminal(row.status)) return { kind: 'terminated', status: row.status }
    const ownedElsewhere = row.owner !== null && row.owner !== node && this.#nodes.isAlive(row.owner)
    const now = this.#clock.now()
    const isLeft = row.status === 'parked' || isHeldBack(row, now) || isBehind(row, this.#actors.list(), now)
    if (!this.#nodes.isAlive(node) || ownedElsewhere || isLeft) {
      return { kind: 'held', status: row.status, owner: row.owner }
    }
    return { kind: 'claimed', row: leaseRow(row, node) }
  }

  #commitOne(node: string, commit: Commit): CommitResult {
    const row = this.#actors.get(commit.id)
    if (row === undefined || row.owner !== node || row.version !== commit.version) return { kind: 'stale' }
    return this.#children.follow(commit, commitRow(row, commit, this.#clock.now()))
  }

  /** Frees up to `limit` rows of a node, and forgets the node once it owns none. Answers how many it freed. */
  #bury(node: string, limit: number, hasLeft: boolean): number {
    const owned = this.#actors.list((row) => row.owner === node)
    const freed = owned.slice(0, limit)
    for (const row of freed) freeRow(row, this.#clock.now(), hasLeft)
    if (freed.length === owned.length) {
      this.#nodes.forget(node)
      this.permits.forgetNode(node)
    }
    return freed.length
  }
}

const needsDatabase = (argument: string): InvalidArgumentError =>
  new InvalidArgumentError(
    argument,
    'cannot reach actors that are in memory only',
    'Test what takes part in a transaction on a database, such as a PGlite'
  )

/** Runs an operation in a microtask of its own, so that it answers, and fails, as a database does. */
function soon<T>(operation: () => T): Promise<T> {
  return Promise.resolve().then(operation)
}

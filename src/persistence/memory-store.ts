/**
 * The whole contract of store.ts in maps: for tests and for `perdure/testing`. Nothing of it outlives the process.
 *
 * Owns: rows by id, nodes and their leases.
 * Does not own: what a change does to a single row (memory-rows.ts), rows by key (memory-keys.ts); the clock, which is given.
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
import { MemoryKeys } from './memory-keys.ts'
import { isBehind, putAside, takeTurns } from './memory-partitions.ts'
import { cancelRow, retryRow, signalRow } from './memory-messages.ts'
import type { StoredActor } from './memory-rows.ts'
import type { Cancellation, CancelResult, RetryResult } from './operator.ts'
import { commitRow, createRow, freeRow, holdsKey, isHeldBack, isRunnable, leaseRow, showRow } from './memory-rows.ts'
import { isTerminal } from './store.ts'

/** The database's clock: epoch milliseconds. `Date` is one. */
export interface Clock {
  now(): number
}

export class MemoryStore implements Store {
  readonly #clock: Clock
  readonly #actors = new Map<string, StoredActor>()
  readonly #keys = new MemoryKeys()
  /** When each node's lease runs out. */
  readonly #nodes = new Map<string, number>()
  readonly #listeners = new Set<(message: string) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

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

  join(node: string, _name: string, leaseMs: number): Promise<Lease> {
    return soon(() => {
      this.#nodes.set(node, this.#clock.now() + leaseMs)
      let isOpen = true
      return {
        get isOpen() {
          return isOpen
        },
        renew: () => soon(() => this.#renew(node, leaseMs)),
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
      for (const dead of this.#deadNodes(node)) {
        actors += this.#bury(dead, limit - actors, false)
        if (!this.#nodes.has(dead)) nodes.push(dead)
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
      const toRun = this.#rows(
        (row) => this.#isAlive(node) && row.queue === queue && isKnown(row) && isRunnable(row, now)
      ).toSorted((a, b) => a.priority - b.priority || (a.wakeAt ?? 0) - (b.wakeAt ?? 0))
      const turns = takeTurns(toRun, this.#rows(), limit)
      const rows = turns.rows.map((row): ClaimedRow => leaseRow(row, node))
      for (const row of turns.contended) putAside(row)
      return {
        rows,
        nextDueInMs: this.#nextDueInMs((row) => row.queue === queue && isKnown(row)),
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
    return soon(() => cancelRow(this.#actors.get(cancellation.id), cancellation, this.#clock.now()))
  }

  retry(id: string): Promise<RetryResult> {
    return soon(() => retryRow(this.#actors.get(id), this.#clock.now()))
  }

  within(): never {
    throw new InvalidArgumentError(
      'the client of withTransaction',
      'cannot reach actors that are in memory only',
      'Test what takes part in a transaction on a database, such as a PGlite'
    )
  }

  unseen(node: string, limit: number): Promise<readonly string[]> {
    return soon(() =>
      this.#rows((row) => row.owner === node && row.inboxSeq > row.inboxSeen)
        .slice(0, limit)
        .map((row) => row.id)
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
    return soon(() => keys.map((key) => this.#keys.find(key)?.id ?? null))
  }

  knownDedup(pairs: readonly { readonly actorId: string; readonly dedupKey: string }[]): Promise<readonly boolean[]> {
    return soon(() => pairs.map(({ actorId, dedupKey }) => this.#actors.get(actorId)?.dedup.has(dedupKey) ?? false))
  }

  purgeDedup(olderThanMs: number, limit: number): Promise<number> {
    return soon(() => purgeKeys(this.#actors.values(), this.#clock.now() - olderThanMs, limit))
  }

  collect(retentions: readonly Retention[], limit: number): Promise<number> {
    return soon(() => {
      const old = listCollectable(this.#actors.values(), retentions, this.#clock.now()).slice(0, limit)
      for (const row of old) {
        this.#actors.delete(row.id)
        this.#keys.remove(row)
      }
      return old.length
    })
  }

  findUnknown(search: UnknownSearch): Promise<readonly UnknownRows[]> {
    return soon(() => countUnknown(this.#actors.values(), search, this.#clock.now() - search.waitedMs))
  }

  #insertOne(actor: NewActor): InsertResult {
    const namesake = this.#actors.get(actor.id)
    if (namesake !== undefined) return { kind: 'duplicate', by: 'id', id: actor.id, machine: namesake.machine }
    const row = createRow(actor, this.#clock.now())
    const occupant = row.key !== null && holdsKey(row) ? this.#keys.findOccupant(row.key) : undefined
    if (occupant !== undefined) return { kind: 'duplicate', by: 'key', id: occupant.id, machine: occupant.machine }
    this.#keys.add(row)
    this.#actors.set(row.id, row)
    return { kind: 'inserted' }
  }

  #claimOne(node: string, id: string): ClaimResult {
    const row = this.#actors.get(id)
    if (row === undefined) return { kind: 'missing' }
    if (isTerminal(row.status)) return { kind: 'terminated', status: row.status }
    const ownedElsewhere = row.owner !== null && row.owner !== node && this.#isAlive(row.owner)
    const now = this.#clock.now()
    const isLeft = row.status === 'parked' || isHeldBack(row, now) || isBehind(row, this.#rows(), now)
    if (!this.#isAlive(node) || ownedElsewhere || isLeft) {
      return { kind: 'held', status: row.status, owner: row.owner }
    }
    return { kind: 'claimed', row: leaseRow(row, node) }
  }

  #commitOne(node: string, commit: Commit): CommitResult {
    const row = this.#actors.get(commit.id)
    if (row === undefined || row.owner !== node || row.version !== commit.version) return { kind: 'stale' }
    return commitRow(row, commit, this.#clock.now())
  }

  #nextDueInMs(isAsked: (row: StoredActor) => boolean): number | null {
    const dueTimes = this.#rows((row) => isAsked(row) && row.owner === null && row.status === 'waiting')
      .map((row) => row.wakeAt)
      .filter((wakeAt) => wakeAt !== null)
    return dueTimes.length === 0 ? null : Math.max(0, Math.min(...dueTimes) - this.#clock.now())
  }

  #renew(node: string, leaseMs: number): { readonly held: boolean; readonly now: number } {
    const now = this.#clock.now()
    const held = this.#nodes.has(node)
    if (held) this.#nodes.set(node, now + leaseMs)
    return { held, now }
  }

  #isAlive(node: string): boolean {
    return (this.#nodes.get(node) ?? -Infinity) > this.#clock.now()
  }

  /** Nodes whose lease ran out, and owners that never joined or are forgotten already. */
  #deadNodes(reaper: string): Set<string> {
    const owners = [...this.#actors.values()].flatMap((row) => row.owner ?? [])
    return new Set([...this.#nodes.keys(), ...owners].filter((node) => node !== reaper && !this.#isAlive(node)))
  }

  /** Frees up to `limit` rows of a node, and forgets the node once it owns none. Answers how many it freed. */
  #bury(node: string, limit: number, hasLeft: boolean): number {
    const owned = this.#rows((row) => row.owner === node)
    const freed = owned.slice(0, limit)
    for (const row of freed) freeRow(row, this.#clock.now(), hasLeft)
    if (freed.length === owned.length) this.#nodes.delete(node)
    return freed.length
  }

  #rows(predicate: (row: StoredActor) => boolean = () => true): StoredActor[] {
    return [...this.#actors.values()].filter(predicate)
  }
}

/** Runs an operation in a microtask of its own, so that it answers, and fails, as a database does. */
function soon<T>(operation: () => T): Promise<T> {
  return Promise.resolve().then(operation)
}

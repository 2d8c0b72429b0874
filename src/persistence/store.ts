/**
 * What the rest of perdure may ask of a database, in its own words.
 *
 * Owns: the vocabulary of rows (statuses, signals, commits) and the contract of every operation on them.
 * Does not own: SQL, connections, retries, batching. Implementations are postgres-store.ts and memory-store.ts; one
 * conformance suite holds both to this file.
 *
 * Invariants, which every implementation keeps by itself, whatever its callers do
 * S1. A row's `snapshot`, `version` and `machineVersion` change only by `commit`, only where `(id, owner, version)` match, and both
 *     together: versions of an actor are contiguous and each is written once.
 * S2. An operation takes effect as a whole or not at all, for each actor by itself: one stale row in a batch leaves out
 *     that row and nothing else.
 * S3. An arrival number (`seq`) is given under the actor's row lock: a later commit has a higher number.
 * S4. An owner gives up its lease (`release`) only if it has seen every signal that arrived: no lost wake-up.
 * S5. A signal, once accepted, leaves the inbox only by the commit that applied it, or with the row.
 * S6. Time is the database's. All times are epoch milliseconds (UTC), durations are milliseconds.
 * S7. Every operation may be repeated after its connection was lost: the second run changes nothing that the first one
 *     did, and its answer says what holds.
 * S8. Of the actors of one partition at most one is leased. Nobody waits for that: the others are left, in order of priority,
 *     then of the time since which they are ready, to whoever picks after its lease has ended.
 */

import type { Operator } from './operator.ts'
import type { PermitStore } from './permits.ts'
import type { ScheduleStore } from './schedules.ts'
import type { Commit, CommitResult } from './commit.ts'
import type { Parentage } from './outgoing.ts'

export type { Commit, CommitAnswer, CommitResult } from './commit.ts'
export type { PermitRequest, PermitResult, PermitRule, PermitStore, Slot } from './permits.ts'
export type { CommittedOutgoing, NewJoin, Outgoing, Parentage, Reached } from './outgoing.ts'

/** JSON text written by the snapshot codec. Stores keep it to the letter (key order too) and never look inside. */
export type Json = string

/** `ready`: an owner must do something · `running`: its owner does something that must be taken up if it dies ·
 * `waiting`: for a signal or a time · `parked`: an operator must look · the rest has ended. */
export type ActorStatus = 'ready' | 'running' | 'waiting' | 'parked' | 'done' | 'failed' | 'stopped'

export const LIVE_STATUSES: readonly ActorStatus[] = ['ready', 'running', 'waiting', 'parked']
export const TERMINAL_STATUSES: readonly ActorStatus[] = ['done', 'failed', 'stopped']
export const isTerminal = (status: ActorStatus): boolean => TERMINAL_STATUSES.includes(status)

/**
 * An actor to be born. `owner` set: born leased, its owner starts it; else it is `ready`, or `waiting` for its start time.
 * One of a partition is never born leased: `owner` is not heeded.
 */
export interface NewActor {
  readonly id: string
  readonly machine: string
  readonly machineVersion: string | null
  readonly key: string | null
  /** Statuses in which `key` counts as taken. */
  readonly keyScope: readonly ActorStatus[]
  readonly queue: string
  /** Lower runs first; -32768 … 32767. */
  readonly priority: number
  readonly partitionKey: string | null
  readonly input: Json | null
  readonly owner: string | null
  readonly startAt: number | null
  readonly startInMs: number | null
  /** Set: a child, which only the commit of its parent brings into being (`Outgoing.births`). */
  readonly parent: Parentage | null
}

/** `by: 'id'`: a row with this very id exists. `by: 'key'`: `id` is the actor that occupies the key. `machine`: of that actor. */
export type InsertResult =
  | { readonly kind: 'inserted' }
  | { readonly kind: 'duplicate'; readonly by: 'id' | 'key'; readonly id: string; readonly machine: string }

/** An event in the durable inbox. */
export interface Signal {
  readonly seq: number
  readonly event: Json
  readonly dedupKey: string | null
  readonly sentAt: number
}

export interface ActorRow {
  readonly id: string
  readonly machine: string
  readonly machineVersion: string | null
  readonly key: string | null
  readonly queue: string
  readonly priority: number
  readonly partitionKey: string | null
  readonly status: ActorStatus
  readonly owner: string | null
  /** Number of committed transitions; 0 before the first. */
  readonly version: number
  readonly input: Json | null
  /** null before the first transition. */
  readonly snapshot: Json | null
  /** Effects of the last transition that are not acknowledged. */
  readonly journal: Json | null
  /** The snapshot before that transition, kept only where the journal needs it. */
  readonly journalBefore: Json | null
  readonly output: Json | null
  readonly lastError: Json | null
  /** Claims since the last progress. */
  readonly attempt: number
  readonly wakeAt: number | null
  /** When the earliest timer is due. */
  readonly timerAt: number | null
  /** Arrival number of the newest signal. */
  readonly inboxSeq: number
  readonly createdAt: number
  readonly parent: Parentage | null
}

/** A leased row, with its inbox in order of arrival. */
export interface ClaimedRow extends ActorRow {
  readonly inbox: readonly Signal[]
  /** The dedup keys that the actor took last, newest first; older ones only the commit knows. */
  readonly dedupKeys: readonly string[]
}

/** How many dedup keys a claimed row brings along. */
export const DEDUP_KEYS_CLAIMED = 256

/** Somebody else, a transaction of a user's perhaps, keeps the actor's row, or its key, locked for longer than half a second. Nothing was written. */
export interface Locked {
  readonly kind: 'locked'
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly row: ClaimedRow }
  /**
   * Not to be had: another live node owns it, another of its partition is leased or comes first, its start time or its retry lies
   * ahead, or it is parked. Use its inbox.
   */
  | { readonly kind: 'held'; readonly status: ActorStatus; readonly owner: string | null }
  | { readonly kind: 'terminated'; readonly status: ActorStatus }
  | { readonly kind: 'missing' }

export interface NewSignal {
  readonly actorId: string
  /** Set: only for an actor of this machine. */
  readonly machine: string | null
  readonly event: Json
  readonly dedupKey: string | null
}

export type SignalResult =
  | { readonly kind: 'queued'; readonly seq: number; readonly owner: string | null }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'full' }
  | { readonly kind: 'terminated'; readonly status: ActorStatus }
  /** The actor is of `machine`, and not of the one that the signal is for. */
  | { readonly kind: 'otherMachine'; readonly machine: string }
  | { readonly kind: 'missing' }

export interface Pick {
  readonly node: string
  readonly queue: string
  /** Only rows of these machines: what a node does not know is left to others. */
  readonly machines: readonly { readonly name: string; readonly version: string | null }[]
  readonly limit: number
}

export interface PickResult {
  /** In order of priority, then of the time since which they wait. */
  readonly rows: readonly ClaimedRow[]
  /** Time until the next row of this queue is due; null where none waits for a time. */
  readonly nextDueInMs: number | null
  /** Who could run now but for others of its partition: each is told once while it waits. With any told there may be more to pick. */
  readonly contended: readonly { readonly id: string; readonly machine: string }[]
}

/** Actors of this machine are kept for so long after their end. */
export interface Retention {
  readonly machine: string
  readonly retentionMs: number
}

export interface UnknownSearch {
  readonly machines: Pick['machines']
  readonly queues: readonly string[]
  readonly waitedMs: number
  /** Rows to look at, of each machine and version in each queue, ready and due ones each. */
  readonly limit: number
}

/** `count` rows, of those that were looked at, are of this machine in this version. */
export interface UnknownRows {
  readonly machine: string
  readonly version: string | null
  readonly count: number
}

/** A node's hold on life: a session of its own, whose end other nodes notice at once; without sessions, its term alone. */
export interface Lease {
  /** false: the session is gone, and others may take this node for dead already. */
  readonly isOpen: boolean
  /**
   * Extends the lease; false: the node's row is gone (it was reaped) and the node must stop. `server`: the start of the database that
   * answers; by another one commits may have been lost, which ended no session where there are none.
   */
  renew(): Promise<{ readonly held: boolean; readonly now: number; readonly server: string }>
  /** Frees the node's rows at once and ends the session. In order: what it had claimed counts as no attempt. */
  leave(inOrder: boolean): Promise<void>
}

/** Hears what nodes tell each other, until its connection is gone; nothing, where connections have no sessions of their own. */
export interface Listening {
  readonly isOpen: boolean
  end(): Promise<void>
}

/** What can also be a part of a transaction of the caller's. */
export interface Writer {
  /** Tells all that listen, other nodes and this one. Who does not listen, or just then, never hears of it. */
  notify(messages: readonly string[]): Promise<void>
  insert(actors: readonly NewActor[]): Promise<readonly InsertResult[]>
  /** Puts events into inboxes; wakes rows that nobody owns. Order within one actor is kept. */
  signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly SignalResult[]>
  /** The live occupant of each key, else the newest actor that had it. */
  findKeys(keys: readonly string[]): Promise<readonly (string | null)[]>
}

export interface Store extends Omit<Writer, 'insert' | 'signal'>, Operator {
  /** As a Writer's; a key, or an id, that a transaction is just taking holds up nobody else. */
  insert(actors: readonly NewActor[]): Promise<readonly (InsertResult | Locked)[]>
  /** As a Writer's; no row holds up those of others. */
  signal(signals: readonly NewSignal[], inboxLimit: number): Promise<readonly (SignalResult | Locked)[]>

  readonly schedules: ScheduleStore
  readonly permits: PermitStore
  /** What is not to be had here though nobody said so, each in words for people: the way to the database does not allow it. */
  readonly missing: readonly string[]
  /** All calls share one connection: while a transaction is open, every other call waits for it. */
  readonly isExclusive: boolean
  /** For people: driver and server version. */
  describe(): Promise<string>
  /** Brings the schema up to this version; several nodes may race. */
  migrate(): Promise<void>
  /** Rejects with SchemaMismatchError where the schema does not fit. */
  checkSchema(): Promise<void>
  close(): Promise<void>

  /** The database has fallen silent: gives up all connections, in use or not. What is under way rejects; what comes after it goes over others. */
  dropConnections(): void

  join(node: string, name: string, leaseMs: number): Promise<Lease>
  /** Frees the rows of dead nodes: what was being done becomes `ready`, the rest waits on. */
  reap(node: string, limit: number): Promise<{ readonly nodes: readonly string[]; readonly actors: number }>

  listen(hear: (message: string) => void): Promise<Listening>

  /** Leases rows that nobody live owns, `attempt` counted unless the node has them already. Answers come in the order asked. A dead node gets none. */
  claim(node: string, ids: readonly string[]): Promise<readonly (ClaimResult | Locked)[]>
  /** Leases rows of a queue that must run now; of a partition that nobody has, the first of them. A dead node gets none. */
  pick(pick: Pick): Promise<PickResult>
  commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]>

  /**
   * The same rows, from within a transaction that the caller has open on a client of its own: what is written is there if that
   * commits. Nothing that a Writer promises to answer aborts the transaction. Throws InvalidArgumentError for what is no client
   * that can hold a transaction.
   */
  within(transaction: unknown): Writer

  /**
   * Runs `run` in a transaction on a connection of the pool: `client` is that of the database's client (a pg client, a postgres.js
   * transaction, a PGlite transaction) for the user's own statements; `check` rejects where these leave nothing that can be committed;
   * `commit` then writes the outcome of one actor there. Some such transactions at a time, so that they leave connections to others. The
   * transaction is committed where `run` resolves and all that it committed answered 'committed'; else nothing of it stands: where
   * `run` rejects that is what this rejects with, where a commit was refused this resolves with what `run` does. Rejects
   * with OutcomeUnknownError where, and only where, the connection was lost around COMMIT: the row's version then tells. A store
   * without such clients rejects with InvalidArgumentError.
   */
  transact<Result>(
    run: (
      client: unknown,
      commit: (node: string, commit: Commit) => Promise<CommitResult>,
      check: () => Promise<void>
    ) => Promise<Result>
  ): Promise<Result>

  /** Actors that this node has leased by `claim` or `pick`, and made no progress with since: it may not know of them. */
  claimed(node: string, limit: number): Promise<readonly string[]>
  /** Actors of this node that have signals that it has not seen, in the order of their ids, from the first after `after`. */
  unseen(node: string, limit: number, after?: string | null): Promise<readonly string[]>
  /** Signals that arrived after `seq`, in order. */
  inbox(id: string, afterSeq: number): Promise<readonly Signal[]>
  read(ids: readonly string[]): Promise<readonly (ActorRow | null)[]>
  /** Which of these (actor, dedup key) pairs are known. */
  knownDedup(pairs: readonly { readonly actorId: string; readonly dedupKey: string }[]): Promise<readonly boolean[]>
  purgeDedup(olderThanMs: number, limit: number): Promise<number>
  /**
   * Deletes actors that have ended, with their inboxes and dedup keys, the oldest first; tells how many. Left alone is an actor that
   * still keeps its key, and one whose parent has not ended.
   */
  collect(retentions: readonly Retention[], limit: number): Promise<number>
  /** What this node's queues hold that ought to have run for `waitedMs`, and is of none of its machines. */
  findUnknown(search: UnknownSearch): Promise<readonly UnknownRows[]>
}

/**
 * What an awake actor needs of the node that it lives on. Implemented by engine.ts.
 */
import type { Clock } from '../clock.ts'
import type { Bounds } from '../bounds.ts'
import type { Permits } from '../logics/current-work.ts'
import type { Settled } from '../persistence/group-commit.ts'
import type { ClaimedRow, Commit, CommitAnswer, CommittedOutgoing, Signal } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Actor } from './actor.ts'
import type { Entry } from './mailbox.ts'
import type { Observers } from './observers.ts'
import type { OwnStep } from './own-transaction.ts'
import type { Registrations } from './registration.ts'

export interface ActorHost {
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly bounds: Bounds
  readonly permits: Permits
  readonly registrations: Registrations
  readonly observers: Observers
  /** Where XState's `log` action writes. */
  readonly log: (...args: unknown[]) => void
  /** Whether this node may still act for its actors. */
  readonly holdsLease: boolean
  /** false: this node leaves, and hands its actors over as they come to rest. */
  readonly isOpen: boolean
  /** 0: an actor leaves memory with the commit after which nothing is left to do. */
  readonly passivateAfterMs: number
  /** The actor executes from now on: has `actor.turn()` called soon, after everything that is being offered in this go. */
  schedule(actor: Actor): void
  commit(commit: Commit, settle: (settled: Settled<CommitAnswer>) => void): void
  /** Runs statements of the user's, and the commit of the turn that they lead to, in one transaction (own-transaction.ts). */
  transact(id: string, step: OwnStep): Promise<void>
  /** A commit has reached other rows: their owners are told, and what could not be delivered. */
  reached(actor: Actor, outgoing: CommittedOutgoing): void
  /** A defect has shown in the actor's name: it is dropped, and taken up again from its row. */
  crashed(actor: Actor, error: unknown): void
  /** A commit that started from `version` found the row elsewhere: with another owner or, in a database that lost commits, further back. */
  foundStale(actor: Actor, version: number): void
  /** The row of an actor that this node has; null: it is not this node's any more. */
  reload(id: string): Promise<ClaimedRow | null>
  loadInbox(id: string, afterSeq: number): Promise<readonly Signal[]>
  /** The actor begins or ceases to execute: to have a turn, or work that it started. Saying so again does no harm. */
  setExecuting(actor: Actor, isExecuting: boolean): void
  /** The actor has left memory. */
  left(actor: Actor): void
  /** The actor has left memory though its lease may be this node's still: have it claimed again once that is possible. */
  recover(id: string): void
  /** Takes entries to wherever the actor is now. */
  reroute(id: string, entries: readonly Entry[]): void
}

/**
 * The part of the contract of store.ts that is about commits.
 *
 * Owns: the words of an outcome on its way into a row, and of what became of it. Does not own: what it does to other rows (outgoing.ts).
 */
import type { CommittedOutgoing, Outgoing } from './outgoing.ts'
import type { ActorStatus, Json } from './store.ts'

/** One outcome on its way into a row. Fields that are null or empty leave the row's as they are, except where said. */
export interface Commit {
  readonly id: string
  /** The version that the outcome was computed from. */
  readonly version: number
  /** A transition: version + 1. null: only an acknowledgement, a release or a retry. */
  readonly snapshot: Json | null
  /** Always written. A terminal status, and `parked`, end the lease as well. */
  readonly status: ActorStatus
  readonly output: Json | null
  /** Always written: the error that the machine failed with, or of the attempt that is to be retried. */
  readonly lastError: Json | null
  /** Always written: null acknowledges the effects of the transition before. */
  readonly journal: Json | null
  /** Keep the row's present snapshot as `journalBefore`. Without a transition, `journalBefore` stays as long as a journal does. */
  readonly journalNeedsBefore: boolean
  /** Always written: when the earliest timer is due. The row wakes then, once nobody owns it. */
  readonly timerAt: number | null
  /** Events for the actor's own inbox, in order. */
  readonly deferred: readonly { readonly event: Json; readonly dedupKey: string | null }[]
  /** Arrival numbers that the transition consumed. */
  readonly consumed: readonly number[]
  /** Keys of the applied events that did not come from the inbox. */
  readonly dedupKeys: readonly string[]
  /** Newest arrival number that the owner has seen. */
  readonly inboxSeen: number
  /** Give up the lease, if no signal is unseen. */
  readonly release: boolean
  /** Set: a failed attempt. Gives up the lease, keeps `attempt` (1 at least), and lets nobody claim the row before. */
  readonly retryInMs: number | null
  /** Set, with `release`: nothing was tried since the claim, which is taken from `attempt` again; those before it stay. */
  readonly untried?: true
  /** Set: the version of its machine that the actor is moved to, with the snapshot that is written. */
  readonly machineVersion?: string
  /** Set: what else happens with it, or not at all. */
  readonly outgoing?: Outgoing
}

export type CommitResult =
  /** `inboxSeq` above what the owner expects: signals have arrived that it has not seen. */
  | {
      readonly kind: 'committed'
      readonly released: boolean
      readonly inboxSeq: number
      /** Arrival number of the newest of `deferred`, where something came in after it with this very batch. */
      readonly deferredSeq?: number
      /** Of a commit with `outgoing`. */
      readonly outgoing?: CommittedOutgoing
    }
  /** Owner or version moved. Nothing was written. */
  | { readonly kind: 'stale' }
  /** Some `dedupKeys` (of applied or deferred events) are known already. Nothing was written. */
  | { readonly kind: 'duplicate'; readonly keys: readonly string[] }
  /** Somebody else's transaction keeps the row locked, longer than others should wait for it. Nothing was written. */
  | { readonly kind: 'locked' }

/** What becomes of a commit in the end: one whose row is locked is tried again. */
export type CommitAnswer = Exclude<CommitResult, { kind: 'locked' }>

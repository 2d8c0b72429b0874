/**
 * The part of the contract of store.ts that operators use.
 *
 * Owns: the words and the contract of what is done to an actor from outside, whatever it does at the moment.
 */
import type { ActorStatus, Json, Reached } from './store.ts'

export interface Cancellation {
  readonly id: string
  /** What asks an owner to end its actor: an event for its inbox. */
  readonly request: Json
  /** Kept as the error of an actor that is ended at once; null: what it has stays. */
  readonly reason: Json | null
}

export type CancelResult =
  /** It has ended, now or before. */
  | { readonly kind: 'ended'; readonly reached?: Reached }
  /** Its owner is asked to end it. */
  | { readonly kind: 'asked'; readonly owner: string; readonly reached?: Reached }
  | { readonly kind: 'missing' }

export type RetryResult =
  | { readonly kind: 'ready' }
  /** It is neither parked nor waits for an attempt. Nothing was written. */
  | { readonly kind: 'untouched'; readonly status: ActorStatus }
  | { readonly kind: 'missing' }

export interface Operator {
  /**
   * Ends an actor that nobody owns, whatever its row holds. Its inbox stays; its timers, and effects that were not
   * acknowledged, are gone. Of one that is owned, the owner is asked to, by a signal that no limit applies to; no second one
   * is added while that waits. The same is done to all that is below it, and one that ends at once is told to its parent, as the
   * ends of children are (outgoing.ts), in one transaction. `reached`: others whom this concerns; absent where there are none.
   */
  cancel(cancellation: Cancellation): Promise<CancelResult>
  /** Makes `ready`, with no attempt counted, an actor that is parked or waits for its next attempt. Its `lastError` stays. */
  retry(id: string): Promise<RetryResult>
}

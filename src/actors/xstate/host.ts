/** The two sides of a tree: what those who run it give it, and what it asks of them. */
import type { AnyEventObject, InspectionEvent } from 'xstate'
import type { DurableRef } from '../../logics/durable-ref.ts'
import type { Notice } from './subscriptions.ts'

/** What a tree asks of those who run it. */
export interface Host {
  /**
   * A new event for an actor of this tree, sent outside a turn: by started work, an action, or a ref that was kept.
   * `source`: the session that sent it, where an actor did.
   */
  enqueue(sessionId: string, event: AnyEventObject, source?: string): void
  /** A notice for observers of the root, in the order in which plain XState would have given it. */
  observe?(notice: Notice, value: unknown): void
  /** An event that an actor of the tree has emitted. */
  emit?(sessionId: string, event: AnyEventObject): void
  /** XState's `log` action. Default: console.log. */
  log?(...args: unknown[]): void
  /** An attempt of work that `sessionId` does has failed, and is repeated. */
  retrying?(sessionId: string, attempt: number, error: unknown, retryInMs: number): void
  /** Of a child in a row of its own: where what it sends to its parent goes. */
  readonly parent?: DurableRef | undefined
  /** Who inspects. */
  readonly inspection?: Inspection
}

export interface Inspection {
  /** 0: nobody inspects. Another number than before: another inspector has come. */
  readonly audience: number
  tell(event: InspectionEvent): void
}

export type Input =
  | { readonly kind: 'start'; readonly input: unknown }
  /** An event for the root. */
  | { readonly kind: 'event'; readonly event: AnyEventObject }
  /** An event for an actor of the tree, as `Host.enqueue` gave it. */
  | {
      readonly kind: 'internal'
      readonly sessionId: string
      readonly event: AnyEventObject
      readonly source?: string | undefined
    }
  | { readonly kind: 'timer'; readonly seq: number }
  /** An effect of this actor failed for good: what XState does when an action throws. */
  | { readonly kind: 'failure'; readonly sessionId: string; readonly error: unknown }
  | { readonly kind: 'stop' }

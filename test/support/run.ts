/**
 * What is known of a run, from outside: what was asked and answered, what the world has seen, and what the database says, its past
 * included.
 *
 * Owns: the shape of a history. Does not own: what must be so (checks.ts), how one is taken down (cluster/, simulation/).
 */
import type { Shown } from './tally.ts'

/** `unknown`: nobody can say whether it took effect: so it was told, or the answer never came. */
export type Outcome =
  | { readonly kind: 'ok'; readonly answer: string }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'unknown' }

/** An event, whose name is that of the step that it leads to. */
export interface NamedEvent {
  readonly type: string
  readonly n: string
}

/** A send, as the one who asked for it knows it. */
export interface SendRecord {
  /** Who sent it, one sender being one line of calls. */
  readonly by: string
  readonly actor: string
  readonly event: NamedEvent
  /** Its place among the sends of the run. The same event sent again comes as another record. */
  readonly order: number
  readonly outcome: Outcome
  /** When it was asked, and answered: by a monotonic clock, in milliseconds. */
  readonly askedAt: number
  readonly answeredAt: number
}

/** An effect that the world has seen, of the node that its process was at that moment. */
export interface Effect extends Shown {
  /** By the clock that `Commit.at` goes by. */
  readonly at: number
  readonly node: string
  readonly actor: string
  readonly key: string
}

/** A transition that is, or was, in a row. */
export interface Commit {
  readonly actor: string
  readonly version: number
  /** The node that had the lease and wrote it. null: there was none, or another one wrote. */
  readonly owner: string | null
  /** A moment before it could be seen. */
  readonly at: number
  readonly taken: readonly string[]
  /** What it leaves to wait for: the step that the timer began with, when it is due, and the time of the commit, by one clock. */
  readonly timer?: { readonly of: string | null; readonly dueAt: number | null; readonly now: number }
}

export interface ActorState {
  readonly actor: string
  readonly status: string
  readonly version: number
  readonly value: unknown
  readonly context: StepContext | null
  /** Names of the events in the durable inbox. */
  readonly inbox: readonly string[]
  /** What the actor has to do, and nobody does; null: nothing. */
  readonly left: string | null
}

export interface StepContext {
  readonly taken: readonly string[]
  /** What is under way. */
  readonly busy: { readonly n: string; readonly ms: number } | null
}

/** `at`: by the clock of effects and commits · `monotonicMs`: by that of sends. */
export interface Moment {
  readonly at: number
  readonly monotonicMs: number
}

export interface History {
  readonly spawns: readonly { readonly actor: string; readonly outcome: Outcome }[]
  readonly sends: readonly SendRecord[]
  readonly effects: readonly Effect[]
  readonly commits: readonly Commit[]
  readonly actors: readonly ActorState[]
  /** When the database said of commits that they are there, and lost them. */
  readonly losses?: readonly { readonly from: Moment; readonly to: Moment }[]
}

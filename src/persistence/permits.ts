/**
 * Permits: what work takes of the named limits that all nodes share, in the words of the database.
 *
 * Owns: the contract of taking and releasing them, a part of the store's. Does not own: who asks when (limiting/permits.ts).
 *
 * Invariants, which every implementation keeps by itself
 * L1. Of a limit and partition at most `concurrency` holders have a slot. Nodes that bring different figures keep each to its own:
 *     together they hold as many as the most generous of them allows.
 * L2. Tokens come evenly by the database's clock, up to `burst`; nobody gives any back. One is given where it is there, or will be
 *     within AHEAD_MS, with the time until then: who asks late, by less than that, loses none. Nothing is given twice.
 * L3. Of the requests of one batch for one limit and partition the first are granted, as many as there is room for: those that are
 *     left cannot be overtaken by later ones. A request is granted whole, slot and tokens, or not at all.
 * L4. A holder that has its slot is granted it again, whichever node it had it from, and takes nothing more. That makes a request
 *     that is repeated harmless; where a limit is a rate alone, its tokens are taken twice.
 * L5. A slot is free once it was released, or its node is forgotten. A dead node takes none.
 */

/** So long ahead of their time tokens are given. */
export const AHEAD_MS = 250

/** A rate, a concurrency, or both, as the node that asks has them. */
export interface PermitRule {
  readonly rate: { readonly tokensPerMs: number; readonly burst: number } | null
  readonly concurrency: number | null
}

export interface PermitRequest extends PermitRule {
  readonly limit: string
  /** Each partition is a limit of its own; '' is that of who names none. */
  readonly partition: string
  /** Tokens; a slot is always one. At most `burst`. */
  readonly weight: number
  /** The work that it is for, under a name that no other work has. */
  readonly holder: string
}

export type PermitResult =
  /** `inMs`: until its tokens are there, and the work may begin. */
  | { readonly kind: 'granted'; readonly inMs: number }
  /** `retryInMs`: until tokens may be given to it, after those before it. null: until a slot is released, or the node lives. */
  | { readonly kind: 'refused'; readonly by: 'rate'; readonly retryInMs: number }
  | { readonly kind: 'refused'; readonly by: 'concurrency' | 'death'; readonly retryInMs: null }

export type Slot = Pick<PermitRequest, 'limit' | 'partition' | 'holder'>

export interface PermitStore {
  take(node: string, requests: readonly PermitRequest[]): Promise<readonly PermitResult[]>
  /** Frees slots, of those that the node still has. */
  release(node: string, slots: readonly Slot[]): Promise<void>
  /** Forgets what has said nothing for so long: buckets that are full, slots that are free. Answers how many. */
  forget(olderThanMs: number, limit: number): Promise<number>
}

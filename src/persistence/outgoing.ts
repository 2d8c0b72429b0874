/**
 * The part of the contract of store.ts by which a commit reaches other rows.
 *
 * Owns: the words and the contract of children, joins and messages that are part of a commit.
 *
 * Invariants, which every implementation keeps
 * 1. All of it happens with the commit, or nothing: exactly once.
 * 2. A commit is never refused for what it finds outside its own row. What cannot be delivered is told, and that is all.
 * 3. The end of a child is told to its parent once: alone, or counted in its join. A join is released once.
 * 4. An actor that has ended takes nothing.
 */
import type { Json, NewActor } from './store.ts'

/** Whose child an actor is. */
export interface Parentage {
  readonly id: string
  /** By which the parent knows it, and, where it is one of several, all of them. */
  readonly session: number
  /** Its place among those that a join waits for, from 0 on; null: it is told of alone. */
  readonly index: number | null
}

/** Of the children that a parent has under one session. */
export interface NewJoin {
  readonly session: number
  /**
   * How many there are: as many births, with the indices 0 … total - 1. Where it is 0, or smaller than `need`, the join is released at
   * once, and there are no births.
   */
  readonly total: number
  /** Successes that release it, from 1 on; so does it when too few are left to succeed. null: all must have ended, however. */
  readonly need: number | null
  /** How many may run at a time, in the order of their indices; null: all. */
  readonly concurrency: number | null
}

/** An actor by its id, or the live one that has a key. */
export type Target = { readonly id: string } | { readonly key: string }

/**
 * What a commit does to other rows. Only with a commit that is a transition or ends its actor: any other could be written twice, where
 * the answer to the first was lost.
 */
export interface Outgoing {
  /**
   * Children, each with this actor as its `parent`: ready and unowned, `owner` is not heeded; where their join lets only some run at a
   * time, the others wait for their turn, without a time, and then start at once. One whose key is taken is born `failed`, without its
   * key, its error being {"type":"perdure.keyTaken","key":…,"id":…}. Ids are fresh.
   */
  readonly births: readonly NewActor[]
  readonly joins: readonly NewJoin[]
  /** In this order, for this actor too, and for actors that the same commit brings into being. No limit of an inbox holds for them. */
  readonly messages: readonly { readonly to: Target; readonly event: Json }[]
  /**
   * Sessions. The children under them are ended where nobody owns them, their owners are asked to where somebody does, and so is all
   * that is below them; a join is forgotten. A commit that ends its actor does that to all its sessions. No session is cancelled by the
   * commit that brings children into being under it.
   */
  readonly cancels: readonly number[]
  /**
   * This commit ends an actor that has a parent: `perdure.child`, or where a join waits for it and is released by that, `perdure.children`,
   * is put into the parent's inbox (child-events.ts); what still lives under a join that is released is cancelled.
   */
  readonly tellsParent: boolean
}

/** Whom a commit concerns beside its actor. */
export interface Reached {
  /** Who owns actors that got something. */
  readonly owners: readonly { readonly node: string; readonly id: string }[]
  /** Rows have become ready that nobody owns, or may have. */
  readonly wakesRows: boolean
}

export interface Undelivered {
  readonly to: Target
  readonly reason: 'missing' | 'terminated' | 'full'
}

/** What a commit that is through tells of its `outgoing`. */
export type CommittedOutgoing = Reached & { readonly undelivered: readonly Undelivered[] }

/** What asks the owner of a child to end it. */
export const STOP_CHILD: Json = '{"type":"xstate.stop"}'

/** What nobody can fill. */
export const UNLIMITED_INBOX = Number.MAX_SAFE_INTEGER

/** Whether a child waits for its turn when it is born. */
export function isHeld({ parent }: NewActor, joins: readonly NewJoin[]): boolean {
  const index = parent?.index ?? null
  const join = joins.find(({ session }) => session === parent?.session)
  return index !== null && join !== undefined && join.concurrency !== null && index >= join.concurrency
}

/** A join that its first commit releases: there is nothing to wait for, or nothing to hope for. */
export const isOverAtOnce = ({ total, need }: NewJoin): boolean => total === 0 || total < (need ?? 0)

export const keyTakenError = (key: string, id: string): Json => JSON.stringify({ type: 'perdure.keyTaken', key, id })

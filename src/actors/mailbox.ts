/**
 * What waits for one awake actor, in the order in which it came.
 *
 * Owns: order and bound of the entries. Does not own: when they are taken (actor.ts) or what they do (turn.ts).
 *
 * Invariants
 * 1. Entries leave in the order in which they came.
 * 2. Never more than `limit` entries from senders: one more is refused, and the sender is told.
 */
import type { AnyEventObject } from 'xstate'
import type { Json } from '../persistence/store.ts'

/** What `send` promises its caller, kept until the commit is known. */
export type SendStatus = 'applied' | 'deferred' | 'queued' | 'duplicate'

export interface Receipt<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** An event sent through this node. Not durable until its receipt resolves. */
export interface SendEntry {
  readonly kind: 'send'
  readonly event: AnyEventObject
  /** The same event as stored. */
  readonly json: Json
  readonly dedupKey: string | null
  readonly receipt: Receipt<SendStatus>
}

/** An event from the durable inbox. */
export interface SignalEntry {
  readonly kind: 'signal'
  readonly seq: number
  readonly event: AnyEventObject
}

/** `ref.stop()`, as for a plain root actor. */
export interface StopEntry {
  readonly kind: 'stop'
  readonly receipt: Receipt<void>
}

export type Entry =
  | SendEntry
  | SignalEntry
  | StopEntry
  | { readonly kind: 'start'; readonly input: unknown }
  | { readonly kind: 'internal'; readonly sessionId: string; readonly event: AnyEventObject }
  /** Some timers are due: fire those that still are when the turn runs. */
  | { readonly kind: 'timers' }
  | { readonly kind: 'failure'; readonly sessionId: string; readonly error: unknown }

export class Mailbox {
  #entries: Entry[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.length
  }

  /** false: the mailbox is full and the entry was not taken. */
  offer(entry: Entry): boolean {
    if (this.#entries.length >= this.#limit) return false
    this.#entries.push(entry)
    return true
  }

  takeAll(): readonly Entry[] {
    const entries = this.#entries
    this.#entries = []
    return entries
  }
}

/** Tells whoever waits for an entry that it was not taken. */
export function rejectEntry(entry: Entry, error: unknown): void {
  if (entry.kind === 'send' || entry.kind === 'stop') entry.receipt.reject(error)
}

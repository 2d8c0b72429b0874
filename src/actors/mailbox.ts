/**
 * What waits for one awake actor, in the order in which it came, and which of it makes up the next turn.
 *
 * Owns: order and bound of the entries. Does not own: when turns run (actor.ts) or what entries do (turn.ts).
 *
 * Invariants
 * 1. What was offered leaves in the order in which it came, as much at a time as waits.
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
  /** Turns that go before the entries: what a row wants done, the failure of an effect, entries that are tried again. */
  #first: (readonly Entry[])[] = []
  #isOneByOne = false
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#first.length === 0
  }

  /** false: the mailbox is full and the entry was not taken. */
  offer(entry: Entry): boolean {
    if (this.#entries.length >= this.#limit) return false
    this.#entries.push(entry)
    return true
  }

  /** Adds a turn to those that go before what was offered. */
  putFirst(entries: readonly Entry[]): void {
    if (this.#isOneByOne) this.#first.push(...entries.map((entry) => [entry]))
    else if (entries.length > 0) this.#first.push(entries)
  }

  /** Until what was offered has its turn, every entry has one of its own: one of them is a culprit. */
  separate(): void {
    this.#isOneByOne = true
  }

  /** The entries of the next turn. */
  next(): readonly Entry[] {
    const turn = this.#first.shift()
    if (turn) return turn
    this.#isOneByOne = false
    const entries = this.#entries
    this.#entries = []
    return entries
  }

  /** Takes out all turns that go before the entries. */
  takeFirst(): readonly Entry[] {
    return this.#first.splice(0).flat()
  }

  takeAll(): readonly Entry[] {
    return [...this.takeFirst(), ...this.next()]
  }
}

/** Entries that come from outside, and for which somebody waits. */
export function isSent(entry: Entry): entry is SendEntry | StopEntry {
  return entry.kind === 'send' || entry.kind === 'stop'
}

/** Entries that a row brings along each time it is read. */
export function comesFromRow({ kind }: Entry): boolean {
  return kind === 'signal' || kind === 'timers' || kind === 'start' || kind === 'failure'
}

/** Tells whoever waits for an entry that it was not taken. */
export function rejectEntry(entry: Entry, error: unknown): void {
  if (isSent(entry)) entry.receipt.reject(error)
}

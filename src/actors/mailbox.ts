/**
 * What waits for one awake actor, in the order in which it came, and which of it makes up the next turn.
 *
 * Owns: order and bound of the entries. Does not own: when turns run (actor.ts) or what entries do (turn.ts).
 *
 * Invariants
 * 1. What was offered leaves in the order in which it came, as much at a time as waits.
 * 2. Never more than `limit` entries from senders, nor from the actor itself: one more is refused. What the row brings along
 *    (signals, timers) is bounded by the row.
 */
import type { AnyEventObject } from 'xstate'
import { MachineMismatchError } from '../errors.ts'
import type { Commit, CommitAnswer, Json } from '../persistence/store.ts'
import { added } from './lists.ts'

export type SendStatus = 'applied' | 'deferred' | 'queued' | 'duplicate'

/** What `send` promises its caller, kept until the commit is known. */
export interface SendResult {
  /**
   * `applied`: the transition is committed · `deferred`: in the inbox, until a state takes it · `queued`: in the inbox, until
   * its owner or a free node gets to it · `duplicate`: an event with this dedupKey was accepted before.
   */
  readonly status: SendStatus
}

export interface Receipt<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** An event sent through this node. Not durable until its receipt resolves. */
export interface SendEntry {
  readonly kind: 'send'
  /** What its sender takes the actor for; null: an actor of any machine. */
  readonly machine: string | null
  readonly event: AnyEventObject
  /** The same event as stored. */
  readonly json: Json
  readonly dedupKey: string | null
  readonly receipt: Receipt<SendResult>
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
  readonly machine: string | null
  readonly receipt: Receipt<void>
}

/** The transaction that a turn is to be committed in (own-transaction.ts). */
export interface OwnTransaction {
  /** false: it was given up, and the turn is committed as any. */
  readonly isOpen: boolean
  commit(commit: Commit, settle: (settled: CommitSettled) => void): void
  /** The turn cannot be committed. */
  giveUp(error: unknown): void
}

export type CommitSettled =
  | { readonly ok: true; readonly value: CommitAnswer; readonly inDoubt: boolean }
  | { readonly ok: false; readonly error: unknown }

export type Entry =
  | SendEntry
  | SignalEntry
  | StopEntry
  | { readonly kind: 'start'; readonly input: unknown }
  | {
      readonly kind: 'internal'
      readonly sessionId: string
      readonly event: AnyEventObject
      readonly source?: string | undefined
      /** Its turn is its own, and is committed in this transaction. */
      readonly transaction?: OwnTransaction
    }
  /** Some timers are due: fire those that still are when the turn runs. */
  | { readonly kind: 'timers' }
  | { readonly kind: 'failure'; readonly sessionId: string; readonly error: unknown }

export class Mailbox {
  #entries: Entry[] = []
  /** Turns that go before the entries: what a row wants done, the failure of an effect, entries that are tried again. */
  #first: (readonly Entry[])[] = []
  /** What came when the machine had ended, and may have been sent before: the row knows, once the actor has left memory. */
  #late: readonly SendEntry[] = []
  #isOneByOne = false
  #sentCount = 0
  #internalCount = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#first.length === 0
  }

  /** false: as many of its kind wait already, and the entry was not taken. */
  offer(entry: Entry): boolean {
    if (transactionOf(entry)) {
      this.#first.push([entry])
      return true
    }
    if (isSent(entry)) {
      if (this.#sentCount >= this.#limit) return false
      this.#sentCount++
    } else if (entry.kind === 'internal') {
      if (this.#internalCount >= this.#limit) return false
      this.#internalCount++
    }
    this.#entries = added(this.#entries, entry)
    return true
  }

  /** Events wait that the actor sent to itself, or that its work brought: they are in no row. */
  get hasInternal(): boolean {
    return this.#internalCount > 0 || this.#first.some((turn) => turn.some(isInternal))
  }

  /**
   * What effects that ran again have sent to the actor itself goes before all else: the next commit acknowledges those effects, and
   * nobody would send it once more.
   */
  bringInternalForward(): void {
    if (this.#internalCount === 0) return
    this.#first.unshift(this.#entries.filter(isInternal))
    this.#entries = this.#entries.filter((entry) => !isInternal(entry))
    this.#internalCount = 0
  }

  /** Not all that the row wants done has had its turn: who takes the row up must go on with it. */
  get owesRow(): boolean {
    return this.#first.some((turn) => turn.some(comesFromRow))
  }

  /** Adds a turn to those that go before what was offered. Who has not begun yet begins before that. */
  putFirst(entries: readonly Entry[]): void {
    if (entries.length > 0 && this.#entries[0]?.kind === 'start') {
      this.#first.push(this.#entries.slice(0, 1))
      this.#entries = this.#entries.slice(1)
    }
    if (this.#isOneByOne) this.#first.push(...entries.map((entry) => [entry]))
    else if (entries.length > 0) this.#first.push(entries)
  }

  /** Keeps entries that have had their turn for `takeAll`: whoever has the actor next answers them. */
  setAside(entries: readonly SendEntry[]): void {
    if (entries.length > 0) this.#late = [...this.#late, ...entries]
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
    this.#sentCount = 0
    this.#internalCount = 0
    return entries
  }

  /** Empties it for a row that is read again: what the row brings along is left out, the rest is returned in its order. */
  takeForReload(): readonly Entry[] {
    return this.takeAll().filter((entry) => !comesFromRow(entry))
  }

  takeAll(): readonly Entry[] {
    const first = this.#first.splice(0).flat()
    const isOneByOne = this.#isOneByOne
    const entries = [...first, ...this.next(), ...this.#late]
    this.#isOneByOne = isOneByOne
    this.#late = []
    return entries
  }
}

/** Entries that come from outside, and for which somebody waits. */
export function isSent(entry: Entry): entry is SendEntry | StopEntry {
  return entry.kind === 'send' || entry.kind === 'stop'
}

/** In which the turn of an entry is to be committed. */
export function transactionOf(entry: Entry | undefined): OwnTransaction | undefined {
  return entry?.kind === 'internal' ? entry.transaction : undefined
}

const isInternal = ({ kind }: Entry): boolean => kind === 'internal'

/** Entries that a row brings along each time it is read. */
export function comesFromRow({ kind }: Entry): boolean {
  return kind === 'signal' || kind === 'timers' || kind === 'start'
}

/** Tells whoever waits for an entry that it was not taken. */
export function rejectEntry(entry: Entry, error: unknown): void {
  if (isSent(entry)) entry.receipt.reject(error)
}

/** Refuses what was sent for an actor of another machine than that of the actor `id`; false: it was not. */
export function refuseMisaddressed(entry: Entry, id: string, machine: string): boolean {
  if (!isSent(entry) || entry.machine === null || entry.machine === machine) return false
  entry.receipt.reject(new MachineMismatchError(id, entry.machine, machine))
  return true
}

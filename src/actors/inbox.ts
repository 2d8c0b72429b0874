/**
 * What an incarnation knows of its durable inbox: the events in it that wait for a state that takes them, and up to where it has been
 * read.
 *
 * Owns: arrival numbers on this side. Does not own: which events wait (turn.ts), the inbox itself (the store).
 *
 * Invariant
 * 1. Between turns `waiting` and `seen` are what the row holds.
 */
import type { Commit, CommitResult, Json, Signal } from '../persistence/store.ts'
import { NONE } from './lists.ts'
import type { Entry } from './mailbox.ts'
import { signalEntry } from './row-entries.ts'
import type { Turn, WaitingEvent } from './turn.ts'

type Committed = Extract<CommitResult, { kind: 'committed' }>

export class Inbox {
  readonly #id: string
  waiting: readonly WaitingEvent[] = []
  /** The newest arrival number that was read. */
  seen: number
  /** How many signals had arrived unseen when the last commit was made. */
  unseen = 0
  /** Signals were read of which the row does not know yet that they were. */
  owesSeen: boolean

  constructor(id: string, seen: number, owesSeen: boolean) {
    this.#id = id
    this.seen = seen
    this.owesSeen = owesSeen
  }

  /** Signals that were fetched: those that are new, as entries. */
  see(signals: readonly Signal[]): readonly Entry[] {
    const known = new Set(this.waiting.map((event) => event.seq))
    const entries = signals.filter(({ seq }) => !known.has(seq)).map((signal) => signalEntry(this.#id, signal))
    for (const { seq } of signals) this.seen = Math.max(this.seen, seq)
    this.owesSeen ||= entries.length > 0
    return entries
  }

  /**
   * A commit has put `deferred` into the inbox, whose newest arrival number is `inboxSeq` now. Those have the newest numbers, but for
   * what the commit itself, or another of its batch, has sent here.
   */
  committed(
    { deferred }: Commit,
    { inboxSeq: newest, deferredSeq = newest }: Committed,
    waiting: readonly WaitingEvent[]
  ): void {
    this.owesSeen = false
    // A gap below them is what others sent meanwhile.
    let seq = deferredSeq - deferred.length
    this.unseen = Math.max(0, seq - this.seen) + (newest - deferredSeq)
    if (this.unseen === 0) this.seen = newest
    this.waiting =
      deferred.length === 0
        ? waiting
        : waiting.map((event) => (event.send ? { event: event.event, seq: ++seq, send: null } : event))
  }
}

/** What a turn puts into the inbox: what was sent, and waits. */
export function deferredOf({ waiting }: Turn): readonly { readonly event: Json; readonly dedupKey: string | null }[] {
  if (waiting.length === 0) return NONE
  return waiting.flatMap(({ send }) => (send ? [{ event: send.json, dedupKey: send.dedupKey }] : []))
}

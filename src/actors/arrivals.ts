/**
 * Entries for actors that are not awake here.
 *
 *     add ──► claim ──► claimed: wake the actor, which takes the entries
 *                   ──► held (another node's, not due yet, parked), or no room here: its durable inbox
 *                   ──► ended or missing: refuse
 *
 * Owns: entries between the call and a mailbox or an inbox, by actor id. Does not own: waking (engine.ts).
 *
 * Invariant
 * 1. While an actor is being claimed, or entries are on their way to its inbox, later entries for it wait behind them: the
 *    order in which they came is the order in which they arrive.
 */
import {
  ActorNotFoundError,
  ActorTerminatedError,
  InboxFullError,
  MailboxFullError,
  OverloadedError
} from '../errors.ts'
import type { Bounds } from '../bounds.ts'
import type { BatchedStore } from '../persistence/batched-store.ts'
import type { ClaimedRow, ClaimResult, SignalResult } from '../persistence/store.ts'
import { refuseMisaddressed, rejectEntry, type Entry, type SendEntry, type StopEntry } from './mailbox.ts'
import type { Codecs } from './row-codec.ts'
import { STOP_REQUEST } from './stop-request.ts'

/** Actors for which something may be on its way at once. */
const MAX_ACTORS = 100_000

export interface ArrivalsOptions {
  readonly batched: BatchedStore
  readonly bounds: Bounds
  readonly codecs: Codecs
  /** Whether this node could run this actor now. */
  readonly mayClaim: (id: string) => boolean
  /** Wakes the actor of a claimed row; it then takes what has arrived with `take`. */
  readonly awaken: (row: ClaimedRow) => void
  /** The claim was not answered: the row may be leased by this node now. */
  readonly recover: (id: string) => void
  /** An entry is in the inbox of an actor that `owner` has, or nobody. */
  readonly queued: (id: string, owner: string | null) => void
}

export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #entries = new Map<string, Entry[]>()
  /** Actors to whose inboxes entries are on their way. */
  readonly #toInbox = new Set<string>()

  constructor(options: ArrivalsOptions) {
    this.#options = options
  }

  /** Actors for which something is on its way. */
  get size(): number {
    return this.#entries.size
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  add(id: string, entry: Entry): void {
    const { mailbox } = this.#options.bounds
    const waiting = this.#entries.get(id)
    if (waiting && waiting.length >= mailbox) return rejectEntry(entry, new MailboxFullError(id, mailbox))
    if (waiting) return void waiting.push(entry)
    if (this.#entries.size >= MAX_ACTORS) return rejectEntry(entry, new OverloadedError(MAX_ACTORS))
    this.#entries.set(id, [entry])
    this.#claim(id)
  }

  /** Claims a row for its own sake, without an entry. */
  fetch(id: string): void {
    if (this.#entries.has(id)) return
    this.#entries.set(id, [])
    if (this.#options.mayClaim(id)) return this.#claim(id)
    // Nothing is on its way for it that an inbox could take: it is asked for again once there is room.
    this.#entries.delete(id)
    this.#options.recover(id)
  }

  /** What has arrived, unless entries before it are still on their way to the inbox. */
  take(id: string): readonly Entry[] {
    if (this.#toInbox.has(id)) return []
    const entries = this.#entries.get(id) ?? []
    this.#entries.delete(id)
    return entries
  }

  refuseAll(error: unknown): void {
    this.#toInbox.clear()
    for (const id of this.#entries.keys()) this.#refuse(id, error)
  }

  /** Puts what has arrived into the actor's durable inbox; what arrives meanwhile is seen to after that. */
  useInbox(id: string): void {
    const entries = (this.#entries.get(id) ?? []).filter((entry) => entry.kind === 'send' || entry.kind === 'stop')
    if (entries.length === 0) return void this.#entries.delete(id)
    this.#entries.set(id, [])
    this.#toInbox.add(id)
    if (this.#options.codecs.isEmpty) return this.#signal(id, entries, null)
    // By whose codec, only the row tells.
    this.#options.batched.read(id).then(
      (row) => this.#signal(id, entries, row?.machine ?? null),
      (error: unknown) => {
        for (const entry of entries) rejectEntry(entry, error)
        this.#leaveInbox(id)
      }
    )
  }

  #signal(id: string, entries: readonly (SendEntry | StopEntry)[], machine: string | null): void {
    let unsettled = entries.length
    const settle = (): void => {
      if (--unsettled === 0) this.#leaveInbox(id)
    }
    for (const entry of entries) {
      const isSend = entry.kind === 'send'
      let event = isSend ? entry.json : STOP_REQUEST
      try {
        if (isSend && machine !== null) event = this.#options.codecs.encode(machine, event, 'event')
      } catch (error) {
        rejectEntry(entry, error)
        settle()
        continue
      }
      const dedupKey = isSend ? entry.dedupKey : null
      this.#options.batched.signal({ actorId: id, machine: entry.machine, event, dedupKey }, (answer) => {
        if (answer.ok) this.#answer(id, entry, answer.value)
        else rejectEntry(entry, answer.error)
        settle()
      })
    }
  }

  /** Nothing is on its way to the inbox any more; what has arrived meanwhile begins anew. */
  #leaveInbox(id: string): void {
    this.#toInbox.delete(id)
    if (this.#entries.get(id)?.length) this.#claim(id)
    else this.#entries.delete(id)
  }

  #answer(id: string, entry: SendEntry | StopEntry, result: SignalResult): void {
    if (result.kind === 'missing') rejectEntry(entry, new ActorNotFoundError(id))
    else if (result.kind === 'otherMachine') refuseMisaddressed(entry, id, result.machine)
    else if (result.kind === 'full') rejectEntry(entry, new InboxFullError(id, this.#options.bounds.inbox))
    else if (entry.kind === 'stop') entry.receipt.resolve()
    else if (result.kind === 'terminated') rejectEntry(entry, new ActorTerminatedError(id, result.status))
    else entry.receipt.resolve({ status: result.kind })
    if (result.kind === 'queued') this.#options.queued(id, result.owner)
  }

  #claim(id: string): void {
    if (!this.#options.mayClaim(id)) return this.useInbox(id)
    this.#options.batched.claim(id, (settled) => {
      if (settled.ok) return this.#claimed(id, settled.value)
      this.#options.recover(id)
      this.#refuse(id, settled.error)
    })
  }

  #claimed(id: string, result: ClaimResult): void {
    switch (result.kind) {
      case 'claimed':
        return this.#options.awaken(result.row)
      case 'held':
        return this.useInbox(id)
      case 'missing':
        return this.#refuse(id, new ActorNotFoundError(id))
      case 'terminated':
        for (const entry of this.take(id)) this.#answerEnded(id, entry, result.status)
    }
  }

  #refuse(id: string, error: unknown): void {
    for (const entry of this.take(id)) rejectEntry(entry, error)
  }

  /** An actor that has ended takes no event, but still knows the dedup keys of those that it had taken. */
  #answerEnded(id: string, entry: Entry, status: string): void {
    if (entry.kind === 'stop') return entry.receipt.resolve()
    if (entry.kind !== 'send') return
    const { dedupKey, receipt } = entry
    const refuse = (): void => receipt.reject(new ActorTerminatedError(id, status))
    if (dedupKey === null) return refuse()
    this.#options.batched.knowsDedup(id, dedupKey).then(
      (isKnown) => (isKnown ? receipt.resolve({ status: 'duplicate' }) : refuse()),
      (error: unknown) => receipt.reject(error)
    )
  }
}

/**
 * The one commit that an awake actor may have under way, and what depends on it.
 *
 * Owns: keeping that together until the answer comes. Does not own: what the answer means (actor.ts).
 *
 * One callback serves all commits of an actor: thousands are under way at once, and what they hold until then is what the
 * garbage collector has to carry.
 */
import type { Settled } from '../persistence/group-commit.ts'
import type { Commit, CommitAnswer } from '../persistence/store.ts'
import type { ActorHost } from './actor-host.ts'
import type { Actor } from './actor.ts'
import { transactionOf, type Entry } from './mailbox.ts'
import type { Turn } from './turn.ts'

export interface UnderWay {
  readonly commit: Commit
  /** Handed on, tried again or refused where the commit does not go through. */
  readonly entries: readonly Entry[]
  /** null: the commit changes nothing that the machine knows of. */
  readonly turn: Turn | null
  /** When the turn began, by the monotonic clock. */
  readonly startedAt: number
  /** What the actor cannot go on after by itself. */
  readonly fault: { readonly error: unknown } | null
}

export class CommitSlot {
  readonly #actor: Actor
  readonly #host: ActorHost
  #underWay: UnderWay | null = null

  constructor(actor: Actor, host: ActorHost) {
    this.#actor = actor
    this.#host = host
  }

  submit(underWay: UnderWay): void {
    this.#underWay = underWay
    const { commit, entries, fault } = underWay
    const transaction = transactionOf(entries[0])
    if (fault !== null) transaction?.giveUp(fault.error)
    if (transaction?.isOpen) transaction.commit(commit, this.#settle)
    else this.#host.commit(commit, this.#settle)
  }

  readonly #settle = (settled: Settled<CommitAnswer>): void => {
    const underWay = this.#underWay as UnderWay
    this.#underWay = null
    if (settled.ok && settled.value.kind === 'committed' && settled.value.outgoing) {
      this.#host.reached(this.#actor, settled.value.outgoing)
    }
    try {
      this.#actor.settle(settled, underWay)
    } catch (error) {
      this.#host.crashed(this.#actor, error)
    }
  }
}

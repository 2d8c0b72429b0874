/**
 * Slots of a limit that actors hold while they execute: those whose machine is registered with a `limit`.
 *
 * Owns: which actors of this node have their slot, and what waits for it. Does not own: who gets one (permits.ts), when an actor executes
 * (actors/turns.ts).
 *
 * Invariants
 * 1. Nothing of such an actor runs, no turn and no effect, while it has no slot.
 * 2. An actor that has come to rest, or has left, holds none and asks for none.
 */
import { setTimeout } from 'node:timers/promises'
import type { Permits } from '../logics/current-work.ts'
import { Throttled } from '../logics/throttled.ts'

interface Slot {
  readonly left: AbortController
  /** What waits for the slot; null: it is there. */
  waiting: (() => void)[] | null
  release: () => void
}

/** After an answer that does not say when to ask again. */
const RETRY_MS = 1_000

export class ActorSlots {
  readonly #permits: Permits
  readonly #slots = new Map<string, Slot>()

  constructor(permits: Permits) {
    this.#permits = permits
  }

  /** Has `act` done by the actor `id` once that has its slot of `limit`: now, if it has it already. In the order of the calls. */
  whenHeld(id: string, limit: string, act: () => void): void {
    const present = this.#slots.get(id)
    if (present?.waiting) present.waiting.push(act)
    else if (present) act()
    else {
      const slot: Slot = { left: new AbortController(), waiting: [act], release: () => undefined }
      this.#slots.set(id, slot)
      void this.#ask(id, limit, slot)
    }
  }

  /** The actor executes no more. */
  leave(id: string): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    this.#slots.delete(id)
    slot.left.abort()
    slot.release()
  }

  // Never rejects.
  async #ask(id: string, limit: string, slot: Slot): Promise<void> {
    const use = { option: 'concurrency', limit, partition: null, weight: 1 } as const
    const { signal } = slot.left
    while (!signal.aborted) {
      try {
        const release = await this.#permits.take([use], `actor:${id}`, signal)
        if (signal.aborted) return release()
        slot.release = release
        break
      } catch (error) {
        const pauseMs = error instanceof Throttled ? error.retryInMs : RETRY_MS
        await setTimeout(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
    const waiting = slot.waiting ?? []
    slot.waiting = null
    for (const act of waiting) if (!signal.aborted) act()
  }
}

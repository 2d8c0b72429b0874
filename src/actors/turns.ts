/**
 * When the actors of this node have their turns: soon after something has come for them, and once they may execute.
 *
 * Owns: the order of turns, and faults of the actors in them. Does not own: what a turn is (actor.ts), who may execute how many at a
 * time (room.ts, limiting/).
 */
import { ActorSlots } from '../limiting/actor-slots.ts'
import type { Permits } from '../logics/current-work.ts'
import type { Actor } from './actor.ts'
import type { Room } from './room.ts'

export interface TurnsOptions {
  readonly room: Room
  readonly permits: Permits
  /** What an actor did has thrown: a defect of ours. */
  readonly crashed: (actor: Actor, error: unknown) => void
}

export class Turns {
  readonly #options: TurnsOptions
  readonly #slots: ActorSlots
  #toRun: Actor[] = []

  constructor(options: TurnsOptions) {
    this.#options = options
    this.#slots = new ActorSlots(options.permits)
  }

  /** Has the actor do something that is no turn: take up what its row was doing. */
  run(actor: Actor, act: () => void): void {
    const { limit } = actor.registration
    if (limit === null) return this.#guard(actor, act)
    this.#options.room.setExecuting(actor, true)
    this.#slots.whenHeld(actor.id, limit, () => this.#guard(actor, act))
  }

  schedule(actor: Actor): void {
    this.#options.room.setExecuting(actor, true)
    const { limit } = actor.registration
    if (limit === null) this.#add(actor)
    else this.#slots.whenHeld(actor.id, limit, () => this.#add(actor))
  }

  setExecuting(actor: Actor, isExecuting: boolean): void {
    this.#options.room.setExecuting(actor, isExecuting)
    if (!isExecuting && actor.registration.limit !== null) this.#slots.leave(actor.id)
  }

  // One microtask later, so that all events that are sent in one go are taken in one turn.
  #add(actor: Actor): void {
    if (this.#toRun.push(actor) > 1) return
    queueMicrotask(() => {
      const actors = this.#toRun
      this.#toRun = []
      for (const each of actors) this.#guard(each, () => each.turn())
    })
  }

  #guard(actor: Actor, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.crashed(actor, error)
    }
  }
}

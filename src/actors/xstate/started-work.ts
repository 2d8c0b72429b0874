/**
 * Promises, callbacks and observables that run now, on behalf of actors of one tree.
 *
 * Owns: their start, the events handed to them, their end. It runs the logic as the user's XState made it; a stop
 * aborts a promise's signal, calls a callback's clean-up, unsubscribes from an observable.
 * Does not own: when any of it may happen (after the commit that asked for it; transition.ts).
 *
 * Invariants
 * 1. The state that work runs on is its own: what it writes there (a subscription) never gets into a snapshot.
 */
import type { AnyEventObject } from 'xstate'
import { STOP_EVENT, workOf } from './actor-kinds.ts'
import type { LiveActor, Logic } from './internals.ts'

interface Work {
  readonly actor: LiveActor
  readonly logic: Logic
  readonly state: object
  readonly scope: object
}

export class StartedWork {
  readonly #running = new Map<string, Work>()

  /** Throws what the user's code throws at once; then nothing runs. */
  start(actor: LiveActor, state: object, emit: (event: AnyEventObject) => void): void {
    const logic = workOf(actor.logic)
    if (!logic?.start) return
    const work = { actor, logic, state: { ...state }, scope: { ...actor._actorScope, emit } }
    this.#running.set(actor.sessionId, work)
    try {
      logic.start(work.state, work.scope)
    } catch (error) {
      this.#running.delete(actor.sessionId)
      throw error
    }
  }

  deliver(sessionId: string, event: AnyEventObject): void {
    const work = this.#running.get(sessionId)
    work?.logic.transition(work.state, event, work.scope)
  }

  stop(sessionId: string): void {
    const work = this.#running.get(sessionId)
    this.#running.delete(sessionId)
    work?.logic.transition(work.state, { type: STOP_EVENT }, work.scope)
  }

  /** Forgets work that has ended by itself. */
  dropEnded(): void {
    for (const [sessionId, { actor }] of this.#running) {
      const { status } = actor._snapshot
      if (status === 'done' || status === 'error') this.#running.delete(sessionId)
    }
  }

  /** Stops everything, whatever clean-up code throws; what it threw is returned. */
  stopAll(): readonly unknown[] {
    const errors: unknown[] = []
    for (const sessionId of this.#running.keys()) {
      try {
        this.stop(sessionId)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }
}

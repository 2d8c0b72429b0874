/**
 * Running the effects of committed turns, in order, each under its idempotency key.
 *
 * Owns: the count of what has run, from which the keys are made. Does not own: when effects may run (actor.ts), what becomes
 * of one that throws.
 *
 * Invariants
 * 1. An effect has the same key whenever it runs: it is made from the version that the transition made, and from the
 *    effect's place in the journal; the key of started work is its session id.
 * 2. After an effect that throws, none of its actor runs any more, as in XState: that actor has failed. The others go on.
 *    What is to be tried again stops at once: all that is left runs then.
 * 3. None runs once the lease may be lost, by an effect that took too long, for one: what is left runs where the actor is next.
 */
import { runAsWork, type Permits, type Transact } from '../logics/current-work.ts'
import { added } from './lists.ts'
import { attemptOf, isJournaled, type MachineTree, type TreeEffect } from './transition.ts'

export interface EffectFailure {
  readonly effect: TreeEffect
  readonly error: unknown
}

/** What the runner needs of its incarnation. */
export interface Performer {
  readonly id: string
  readonly tree: MachineTree
  /** A failure is not the end of its actor: the attempt is repeated. */
  readonly triesAgain: boolean
  readonly holdsLease: boolean
  readonly permits: Permits
  effectFailed(kind: TreeEffect['kind'], error: unknown): void
  transact(sessionId: string, ...step: Parameters<Transact>): Promise<void>
}

export class EffectRunner {
  readonly #performer: Performer
  /** How many of the journal's effects have run, or will never. */
  performed = 0

  constructor(performer: Performer) {
    this.#performer = performer
  }

  /** Runs effects of the transition that made `version`, and gives back those that threw. */
  run(effects: readonly TreeEffect[], version: number): readonly EffectFailure[] {
    let failures: EffectFailure[] = []
    for (const effect of effects) {
      if (!this.#performer.holdsLease) return failures
      const hasFailed = failures.some((failure) => failure.effect.sessionId === effect.sessionId)
      const failure = hasFailed ? null : this.#attempt(effect, version)
      if (failure) failures = added(failures, failure)
      if (failure && this.#performer.triesAgain) return failures
      if (isJournaled(effect)) this.performed++
    }
    return failures
  }

  /** Starts work that no journal speaks of: the snapshot does. */
  start(work: readonly TreeEffect[]): readonly EffectFailure[] {
    let failures: EffectFailure[] = []
    for (const effect of work) {
      if (!this.#performer.holdsLease) return failures
      const failure = this.#attempt(effect, 0)
      if (failure) failures = added(failures, failure)
      if (failure && this.#performer.triesAgain) return failures
    }
    return failures
  }

  #attempt(effect: TreeEffect, version: number): EffectFailure | null {
    try {
      const returned = this.#perform(effect, version)
      // XState ignores what an action returns; a promise that is rejected must not end the process, nor be lost.
      if (returned instanceof Promise)
        returned.catch((error: unknown) => this.#performer.effectFailed(effect.kind, error))
      return null
    } catch (error) {
      this.#performer.effectFailed(effect.kind, error)
      return { effect, error }
    }
  }

  // Only the user's code can ask what it runs for; what else is performed is spared the cost.
  #perform(effect: TreeEffect, version: number): unknown {
    const { id, tree, permits } = this.#performer
    const actorId = id
    switch (effect.kind) {
      case 'start': {
        const { sessionId: key, state } = effect
        const transact: Transact = (work, signal) => this.#performer.transact(key, work, signal)
        return runAsWork({ key, actorId, attempt: attemptOf(state), transact, permits }, () => tree.perform(effect))
      }
      case 'action':
      case 'deliver': {
        const key = `${id}:${version}:${this.performed}`
        return runAsWork({ key, actorId, attempt: 1, transact: null, permits }, () => tree.perform(effect))
      }
      default:
        return tree.perform(effect)
    }
  }
}

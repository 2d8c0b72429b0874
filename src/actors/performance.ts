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
 */
import { runAsEffect } from './idempotency.ts'
import { added } from './lists.ts'
import { isJournaled, type MachineTree, type TreeEffect } from './transition.ts'

export interface EffectFailure {
  readonly effect: TreeEffect
  readonly error: unknown
}

export class Performance {
  readonly #id: string
  readonly #tree: MachineTree
  readonly #tellFailure: (kind: TreeEffect['kind'], error: unknown) => void
  readonly #triesAgain: boolean
  /** How many of the journal's effects have run, or will never. */
  performed = 0

  /** `triesAgain`: a failure is not the end of its actor, the attempt is repeated. */
  constructor(
    id: string,
    tree: MachineTree,
    triesAgain: boolean,
    tellFailure: (kind: TreeEffect['kind'], error: unknown) => void
  ) {
    this.#id = id
    this.#tree = tree
    this.#triesAgain = triesAgain
    this.#tellFailure = tellFailure
  }

  /** Runs effects of the transition that made `version`, and gives back those that threw. */
  run(effects: readonly TreeEffect[], version: number): readonly EffectFailure[] {
    let failures: EffectFailure[] = []
    for (const effect of effects) {
      const hasFailed = failures.some((failure) => failure.effect.sessionId === effect.sessionId)
      const failure = hasFailed ? null : this.#attempt(effect, version)
      if (failure) failures = added(failures, failure)
      if (failure && this.#triesAgain) return failures
      if (isJournaled(effect)) this.performed++
    }
    return failures
  }

  /** Starts work that no journal speaks of: the snapshot does. */
  start(work: readonly TreeEffect[]): readonly EffectFailure[] {
    let failures: EffectFailure[] = []
    for (const effect of work) {
      const failure = this.#attempt(effect, 0)
      if (failure) failures = added(failures, failure)
      if (failure && this.#triesAgain) return failures
    }
    return failures
  }

  #attempt(effect: TreeEffect, version: number): EffectFailure | null {
    try {
      const returned = this.#perform(effect, version)
      // XState ignores what an action returns; a promise that is rejected must not end the process, nor be lost.
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#tellFailure(effect.kind, error))
      return null
    } catch (error) {
      this.#tellFailure(effect.kind, error)
      return { effect, error }
    }
  }

  // Only the user's code can ask for its key; what else is performed is spared the cost.
  #perform(effect: TreeEffect, version: number): unknown {
    switch (effect.kind) {
      case 'start':
        return runAsEffect(effect.sessionId, () => this.#tree.perform(effect))
      case 'action':
      case 'deliver':
        return runAsEffect(`${this.#id}:${version}:${this.performed}`, () => this.#tree.perform(effect))
      default:
        return this.#tree.perform(effect)
    }
  }
}

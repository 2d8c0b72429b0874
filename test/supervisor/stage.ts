/**
 * Children that do what a test says, and a record of what became of them.
 *
 * Entries: `+a` the start of a began, `a up` it succeeded, `-a` what it had acquired was released, `crash a`.
 */
import { type Cause, Deferred, Effect, type Scope } from 'effect'
import { onTestFinished } from 'vitest'
import type { Restart, Strategy } from '../../src/supervisor/restart-strategy.ts'
import type { ChildSpec, Running, SupervisorOptions } from '../../src/supervisor/supervisor.ts'
import { type Tree, openTree } from '../../src/supervisor/tree.ts'

export function buildOptions(
  stage: Stage,
  children: readonly ChildSpec[],
  strategy: Strategy = 'oneForOne'
): SupervisorOptions {
  return { strategy, maxRestarts: 5, withinMs: 60_000, onCrash: stage.onCrash, children }
}

/** A tree that stops with the test. */
export function open(options: SupervisorOptions): Tree {
  const tree = openTree(options)
  onTestFinished(() => tree.stop())
  return tree
}

/** A tree with children a, b, c, all up, and an empty record. */
export async function openThree(stage: Stage, strategy: Strategy): Promise<Tree> {
  const tree = open(buildOptions(stage, [stage.child('a'), stage.child('b'), stage.child('c')], strategy))
  await tree.started
  stage.log.length = 0
  return tree
}

export class Stage {
  readonly log: string[] = []
  /** What `onCrash` heard, in order. */
  readonly crashes: Cause.Cause<unknown>[] = []
  readonly #lives = new Map<string, Deferred.Deferred<void, unknown>>()
  readonly #waiting = new Set<() => void>()

  /** `beforeUp` runs within the start, after it has acquired something. */
  child(
    name: string,
    restart: Restart = 'permanent',
    beforeUp: Effect.Effect<unknown, unknown, Scope.Scope> = Effect.void
  ): ChildSpec {
    const start = Effect.gen({ self: this }, function* (): Effect.fn.Return<Running, unknown, Scope.Scope> {
      const life = Deferred.makeUnsafe<void, unknown>()
      this.#lives.set(name, life)
      yield* Effect.acquireRelease(this.#write(`+${name}`), () => this.#write(`-${name}`))
      yield* beforeUp
      yield* this.#write(`${name} up`)
      return { run: Deferred.await(life) }
    })
    return { name, restart, start }
  }

  readonly onCrash = (name: string, cause: Cause.Cause<unknown>): void => {
    this.crashes.push(cause)
    this.note(`crash ${name}`)
  }

  crash(name: string, error: unknown = new Error(`${name} crashed`)): void {
    Effect.runSync(Deferred.fail(this.#life(name), error))
  }

  finish(name: string): void {
    Effect.runSync(Deferred.succeed(this.#life(name), undefined))
  }

  /** Resolves once the record holds `entry` so many times. */
  async saw(entry: string, times = 1): Promise<void> {
    while (this.log.filter((line) => line === entry).length < times) {
      await new Promise<void>((wake) => this.#waiting.add(wake))
    }
  }

  note(entry: string): void {
    this.log.push(entry)
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #write(entry: string): Effect.Effect<void> {
    return Effect.sync(() => this.note(entry))
  }

  #life(name: string): Deferred.Deferred<void, unknown> {
    const life = this.#lives.get(name)
    if (!life) throw new Error(`${name} has not started`)
    return life
  }
}

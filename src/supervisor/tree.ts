/**
 * The root of a supervision tree, for the rest of the house: promises instead of fibers.
 *
 * Owns: the one fiber that no supervisor watches. Does not own: what happens below it (supervisor.ts).
 *
 * Invariants
 * 1. Everything of the tree runs inside the root fiber's scope: when `ended` settles, nothing runs any more.
 * 2. The end of the root cannot be overlooked: it settles `ended`, and `started` where that is still open.
 */
import * as Deferred from 'effect/Deferred'
import * as Effect from 'effect/Effect'
import * as Exit from 'effect/Exit'
import * as Fiber from 'effect/Fiber'
import {
  startSupervisor,
  wasInterrupted,
  type ChildExit,
  type Supervisor,
  type SupervisorOptions,
  type TreeNode
} from './supervisor.ts'

export interface Tree {
  /** Settles when all children are up; rejects with what a start failed with, once those before it are down. */
  readonly started: Promise<void>
  /** Settles when all children are down: a success after `stop`, else with what the tree failed with. */
  readonly ended: Promise<ChildExit>
  /** The live tree, for people. */
  readonly children: () => readonly TreeNode[]
  /** Stops all children in reverse order, also while they start. */
  stop(): Promise<void>
}

export function openTree(options: SupervisorOptions): Tree {
  let supervisor: Supervisor | undefined
  const started = Deferred.makeUnsafe<void, unknown>()
  const life = Effect.gen(function* () {
    supervisor = yield* startSupervisor(options)
    yield* Deferred.succeed(started, undefined)
    yield* supervisor.run
  }).pipe(
    Effect.scoped,
    Effect.onExit((exit) => Deferred.done(started, exit))
  )
  const fiber = Effect.runFork(life)
  return {
    started: Effect.runPromise(Deferred.await(started)),
    ended: Effect.runPromise(Fiber.await(fiber)).then((exit) => (wasInterrupted(exit) ? Exit.void : exit)),
    children: () => supervisor?.children() ?? [],
    stop: () => Effect.runPromise(Fiber.interrupt(fiber))
  }
}

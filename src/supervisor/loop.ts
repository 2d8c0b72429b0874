/**
 * A supervised loop: does its step again and again, at a pace of its own, sooner when poked.
 *
 * Owns: pace and pokes. Does not own: what a failed step means: a passing fault of the database is waited out here, all else
 * crashes the loop, and its supervisor decides.
 */
import * as Effect from 'effect/Effect'
import * as Latch from 'effect/Latch'
import * as Schedule from 'effect/Schedule'
import { classifyError } from '../persistence/transient-errors.ts'
import type { ChildSpec } from './supervisor.ts'

export interface Loop {
  readonly spec: ChildSpec
  /** Has the next step done now; a poke during a step counts for the one after it. */
  poke(): void
}

export interface LoopOptions {
  readonly name: string
  /** One step; resolves to the pause before the next, in milliseconds. */
  readonly step: () => Promise<number> | number
}

/** While the database is away: 50 ms, doubling to 2 s, with jitter. */
const AWAY = Schedule.min([Schedule.exponential('50 millis'), Schedule.spaced('2 seconds')]).pipe(Schedule.jittered)

export function makeLoop({ name, step }: LoopOptions): Loop {
  const poked = Latch.makeUnsafe(false)
  const once = Effect.tryPromise({ try: async () => await step(), catch: (error) => error }).pipe(
    Effect.retry({ while: (error) => classifyError(error) !== 'fatal', schedule: AWAY })
  )
  const run = Effect.gen(function* () {
    for (;;) {
      poked.closeUnsafe()
      const pauseMs = yield* once
      yield* Effect.race(Effect.sleep(pauseMs), poked.await)
    }
  })
  return {
    spec: { name, restart: 'permanent', start: Effect.succeed({ run }) },
    poke: () => poked.openUnsafe()
  }
}

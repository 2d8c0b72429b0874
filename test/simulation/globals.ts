/**
 * The language's own timers, clocks and chance, handed to a world while one runs: so the code under test runs as it is, and nothing
 * of what it does depends on the machine.
 *
 * Stubbed, in this process and for the length of a run: setTimeout, setInterval, setImmediate and what clears them (those of
 * node:timers/promises too), Date.now, performance.now, Math.random, crypto.getRandomValues, randomUUID.
 *
 * Owns: putting them in place and back. Does not own: when a timer fires (world.ts).
 *
 * Invariants
 * 1. After a run everything is as it was, whatever the run threw.
 * 2. Each run begins later than anything that this process has seen: ids that go by time do not depend on runs before.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { seeded, type Random } from '../support/random.ts'
import type { Task, World } from './world.ts'

const DAY_MS = 86_400_000
/** Later than any real time. */
let beginsAt = Date.UTC(2100, 0)

/** What the database's clock says when a world is at 0. */
export function beginOfTime(): number {
  return beginsAt
}

export function withGlobals<Result>(world: World, seed: number, run: () => Result): Result {
  beginsAt += 2 * DAY_MS
  const random = seeded(seed ^ 0x5bd1e995)
  const clock = { now: () => beginsAt + world.now + (world.current?.skewMs ?? 0) }
  const undo = [
    ...stub(globalThis, timersOf(world)),
    ...stub(Date, clock),
    ...stub(performance, { now: () => world.now }),
    ...stub(Math, { random: () => random.below(2 ** 30) / 2 ** 30 }),
    ...stub(globalThis.crypto, { getRandomValues: (bytes: Uint8Array) => fill(bytes, random) }),
    ...stub(crypto, { randomUUID: () => uuidOf(random) }),
    ...stub(timers, { setTimeout: promisedTimeout(world) })
  ]
  syncBuiltinESMExports()
  try {
    return run()
  } finally {
    for (const putBack of undo) putBack()
    syncBuiltinESMExports()
  }
}

/** A version 4 one. */
export function uuidOf(random: Random): string {
  const hex = Array.from({ length: 8 }, () =>
    random
      .below(2 ** 16)
      .toString(16)
      .padStart(4, '0')
  ).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function stub(target: object, replacements: object): readonly (() => void)[] {
  return Object.entries(replacements).map(([name, value]) => {
    const before = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true })
    return () => {
      if (before) Object.defineProperty(target, name, before)
      else Reflect.deleteProperty(target, name)
    }
  })
}

function fill(bytes: Uint8Array, random: Random): Uint8Array {
  for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(256)
  return bytes
}

/** What Node's setTimeout gives. */
class Handle {
  task: Task | undefined
  ref = (): this => this
  unref = (): this => this
  hasRef = (): boolean => true
}

function timersOf(world: World): object {
  const set = (run: () => void, delayMs: number): Handle => {
    const handle = new Handle()
    handle.task = world.schedule(world.current, delayMs, run)
    return handle
  }
  const clear = (handle?: Handle): void => {
    if (handle?.task) handle.task.isCancelled = true
  }
  return {
    setTimeout: (callback: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
      set(() => callback(...args), Math.max(1, ms)),
    setInterval: (callback: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) => {
      const handle = new Handle()
      const again = (): void => {
        handle.task = world.schedule(world.current, Math.max(1, ms), again)
        callback(...args)
      }
      handle.task = world.schedule(world.current, Math.max(1, ms), again)
      return handle
    },
    setImmediate: (callback: (...args: unknown[]) => void, ...args: unknown[]) => set(() => callback(...args), 0),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear
  }
}

function promisedTimeout(world: World) {
  return (ms = 1, value?: unknown, { signal }: { readonly signal?: AbortSignal } = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const task = world.schedule(world.current, Math.max(1, ms), () => resolve(value))
      signal?.addEventListener('abort', () => {
        task.isCancelled = true
        reject(signal.reason as Error)
      })
    })
}

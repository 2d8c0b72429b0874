/**
 * `perdure/testing`: a runtime for the tests of those who use perdure. No database, and time moves only when it is told to.
 *
 * Everything but the store and the clock is the real thing: turns, commits, effects, deferral, passivation.
 *
 * Owns: moving time and work on until nothing is left to do. Does not own: what is done.
 */
import type { Runtime } from '../api.ts'
import { lookAt, readDurationMs, readTimeMs } from '../arguments.ts'
import {
  DEFAULT_SCHEMA,
  type DurationInput,
  type MachineEntry,
  type MachineOf,
  type RuntimeOptions
} from '../options.ts'
import { readMachine, withChildren } from '../registering.ts'
import { Registrations } from '../actors/registration.ts'
import type { Pick } from '../persistence/store.ts'
import { MemoryStore } from '../persistence/memory-store.ts'
import { DurableRuntime } from '../runtime.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestRuntimeOptions<Machines extends readonly MachineEntry[]> extends Omit<
  RuntimeOptions<Machines>,
  'database' | 'schema' | 'pooler' | 'lease'
> {
  /** The time at which the test begins. Default: now. */
  readonly startTime?: Date | number
}

export interface TestRuntime<TMachine extends Parameters<Runtime['spawn']>[0]> extends Runtime<TMachine> {
  /**
   * Resolves when nothing is left to do at the present time: every event that a state takes is applied, every effect has run,
   * and promises that were started and need no real time have settled.
   */
  drain(): Promise<void>

  /** Moves time on, from one timer to the next, draining at each. `advance('1 hour')` */
  advance(duration: DurationInput): Promise<void>

  /** Puts every actor that rests out of memory, as a long pause would. The next event hydrates it. */
  passivateAll(): Promise<void>

  /**
   * The node dies, as by `kill -9`, and another takes over at once: what was not committed is gone, calls that waited are
   * refused, effects that were committed but not acknowledged run again.
   */
  crash(): Promise<void>

  /** The present time, in epoch milliseconds. */
  now(): number
}

/** A hundred years: no test moves time as far within one lease. */
const LEASE_MS = 100 * 365 * 24 * 3_600_000
const PICK = 1_000
/** Turns of the event loop that started work has to settle in. */
const PATIENCE = 20

/**
 * A runtime over a store in memory and a clock that stands still.
 * @example
 * const runtime = createTestRuntime({ machines: [order] })
 * await runtime.start()
 * const ref = await runtime.spawn(order, { input: { id: 1 } })
 * await runtime.advance('3 days')
 * expect((await ref.getSnapshot()).value).toBe('reminded')
 */
export function createTestRuntime<const Machines extends readonly MachineEntry[]>(
  options: TestRuntimeOptions<Machines>
): TestRuntime<MachineOf<Machines[number]>> {
  const { startTime = Date.now(), ...rest } = lookAt('createTestRuntime', 'Pass { machines }', () => ({ ...options }))
  const clock = new VirtualClock(readTimeMs('startTime', startTime))
  // Nothing is deleted but when a test asks for it: the janitor goes by real time.
  return new MemoryRuntime(
    { janitor: false, ...rest, database: DEFAULT_SCHEMA, lease: LEASE_MS },
    new MemoryStore(clock),
    clock
  )
}

class MemoryRuntime<TMachine extends Parameters<Runtime['spawn']>[0]>
  extends DurableRuntime<TMachine>
  implements TestRuntime<TMachine>
{
  readonly #memory: MemoryStore
  readonly #clock: VirtualClock
  readonly #queues: readonly string[]
  readonly #machines: Pick['machines']

  constructor(options: RuntimeOptions, memory: MemoryStore, clock: VirtualClock) {
    super(options, () => Promise.resolve(memory), clock)
    this.#memory = memory
    this.#clock = clock
    this.#machines = new Registrations(withChildren(options.machines).map(readMachine)).runnable
    this.#queues = Object.keys(options.queues ?? { default: 1 })
  }

  now(): number {
    return this.#clock.now()
  }

  async drain(): Promise<void> {
    do await this.#settle()
    while (await this.#pick())
  }

  async advance(duration: DurationInput): Promise<void> {
    const targetMs = this.now() + readDurationMs('duration', duration)
    await this.drain()
    for (;;) {
      const nextMs = await this.#nextDueMs()
      if (nextMs === undefined || nextMs > targetMs) break
      this.#clock.moveTo(nextMs)
      await this.drain()
    }
    this.#clock.moveTo(targetMs)
    await this.drain()
  }

  async passivateAll(): Promise<void> {
    const { engine } = await this.member('passivateAll()')
    await this.#settle()
    for (const actor of engine.registry) actor.passivate()
    await this.#settle()
  }

  crash(): Promise<void> {
    return this.restartNode()
  }

  async #settle(): Promise<void> {
    const { engine, batched } = await this.member('drain()')
    for (let quiet = 0; quiet < PATIENCE; quiet = engine.isQuiet ? quiet + 1 : 0) {
      for (const actor of engine.registry) actor.acknowledge()
      await batched.whenIdle()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Wakes what is to run now; false: there was nothing. */
  async #pick(): Promise<boolean> {
    const { engine, node, fireSchedules } = await this.member('drain()')
    await engine.post.look()
    let found = false
    for (const queue of this.#queues) {
      const { rows } = await this.#memory.pick({ node, queue, machines: this.#machines, limit: PICK })
      for (const row of rows) engine.awaken(row)
      found ||= rows.length > 0
    }
    const { moved, lost } = await fireSchedules()
    return found || moved + lost > 0 || !engine.isQuiet
  }

  async #nextDueMs(): Promise<number | undefined> {
    const { node } = await this.member('advance()')
    const times = [this.#clock.nextAlarmMs]
    for (const queue of this.#queues) {
      const { nextDueInMs } = await this.#memory.pick({ node, queue, machines: this.#machines, limit: 0 })
      if (nextDueInMs !== null) times.push(this.now() + nextDueInMs)
    }
    const { nextInMs } = await this.#memory.schedules.due(this.#machines, 0)
    if (nextInMs !== null && this.#queues.length > 0) times.push(this.now() + nextInMs)
    const known = times.filter((time) => time !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }
}

/**
 * A picker over a store in memory, with a real engine that wakes what it picks, and two clocks that move together by hand:
 * that of the store and of the engine, and that of the picker's pauses.
 *
 * Its actors are at work from their birth until `finishOne`.
 */
import { Effect, Fiber } from 'effect'
import { TestClock } from 'effect/testing'
import { randomUUID } from 'node:crypto'
import { fromPromise, setup } from 'xstate'
import { onTestFinished } from 'vitest'
import { Engine } from '../../src/actors/engine.ts'
import { Observers } from '../../src/actors/observers.ts'
import { Registrations } from '../../src/actors/registration.ts'
import { readOptions } from '../../src/options.ts'
import { readMachine } from '../../src/registering.ts'
import { BatchedStore } from '../../src/persistence/batched-store.ts'
import { NodePermits } from '../../src/limiting/permits.ts'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import type { NewActor, Pick, PickResult } from '../../src/persistence/store.ts'
import { makePicker } from '../../src/supervisor/picker.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { HOUR_MS, newActor } from '../persistence/conformance/world.ts'

export interface PickerStage {
  /** How many rows each look at the database asked for, in order. */
  readonly looks: readonly number[]
  readonly engine: Engine
  /** Rows that no node owns. */
  insert(count: number, fields?: Partial<NewActor>): Promise<void>
  /** The work of the actor that has been at it longest is done, and with it the actor. */
  finishOne(): Promise<void>
  poke(): Promise<void>
  /** Lets so much time pass, and resolves when everything that this brings has happened. */
  pass(ms: number): Promise<void>
  /** Looks are not answered before what is returned is called. */
  hold(): () => Promise<void>
  /** The node is no member any more, or is again. */
  setMember(isMember: boolean): void
  /** The node's lease runs out, unknown to the node. */
  expire(): Promise<void>
}

const queue = 'default'
const node = randomUUID()

class WatchedStore extends MemoryStore {
  readonly looks: number[] = []
  gate: Promise<void> | undefined
  override async pick(pick: Pick): Promise<PickResult> {
    this.looks.push(pick.limit)
    await this.gate
    return super.pick(pick)
  }
}

export async function openPicker(options: {
  readonly concurrency: number
  readonly pollMs?: number
  readonly maxResident?: number
}): Promise<PickerStage> {
  const { concurrency, pollMs = 1_000, maxResident = 1_000 } = options
  const working: (() => void)[] = []
  const work = fromPromise(() => new Promise<void>((done) => working.push(done)))
  const worker = setup({ actors: { work } }).createMachine({
    id: 'worker',
    initial: 'working',
    states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } }
  })

  const clock = new VirtualClock(Date.UTC(2030, 0, 1))
  const store = new WatchedStore(clock)
  await store.join(node, 'stage', HOUR_MS)
  const telemetry = new Telemetry()
  const registration = readMachine(worker)
  const engine = new Engine({
    ...readOptions({ database: 'none', machines: [worker], queues: { [queue]: concurrency }, maxResident }),
    node,
    store,
    batched: new BatchedStore({ store, node, telemetry, inboxLimit: 10, refuse: () => null, retryForMs: 0 }),
    permits: new NodePermits({ store, node, limits: new Map(), clock, telemetry, refuse: () => null, retryForMs: 0 }),
    registrations: new Registrations([registration]),
    clock,
    telemetry,
    observers: new Observers(telemetry),
    holdsLease: () => true,
    poke: () => undefined,
    tellOwner: () => undefined
  })
  let current: { readonly engine: Engine; readonly node: string } | null = { engine, node }
  const { spec, poke } = makePicker({
    queue,
    concurrency,
    machines: [registration],
    store,
    telemetry,
    engine: () => current,
    pollMs
  })

  let movePauses = (_ms: number): Promise<void> => Promise.resolve()
  const life = Effect.gen(function* () {
    const runPromise = Effect.runPromiseWith(yield* Effect.context())
    movePauses = (ms) => runPromise(TestClock.adjust(ms))
    const { run } = yield* spec.start
    yield* run
  })
  const fiber = Effect.runFork(life.pipe(Effect.scoped, Effect.provide(TestClock.layer())))
  onTestFinished(() => Effect.runPromise(Fiber.interrupt(fiber)))
  await settle()

  return {
    looks: store.looks,
    engine,
    insert: async (count, fields = {}) => {
      await store.insert(Array.from({ length: count }, () => newActor({ machine: 'worker', ...fields })))
    },
    finishOne: async () => {
      working.shift()?.()
      await settle()
    },
    poke: async () => {
      poke()
      await settle()
    },
    pass: async (ms) => {
      clock.moveTo(clock.now() + ms)
      await movePauses(ms)
      await settle()
    },
    hold: () => {
      let open = (): void => undefined
      store.gate = new Promise((opened) => (open = opened))
      return async () => {
        store.gate = undefined
        open()
        await settle()
      }
    },
    setMember: (isMember) => (current = isMember ? { engine, node } : null),
    expire: async () => void (await store.join(node, 'stage', 0))
  }
}

/** Turns of the event loop in which everything happens that waits for nothing but others in this process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Watching and stopping through a ref: `subscribe`, `on`, `stop`. */
import { assign, createMachine, emit, setup, type AnyStateMachine } from 'xstate'
import { expect, test } from 'vitest'
import { ActorNotFoundError, type DurableActorRef, type Runtime } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, letTimePass, watch } = await openStage()

/** Spawns an actor whose first turn is over. */
async function spawnAwake<M extends AnyStateMachine>(runtime: Runtime<M>, machine: M): Promise<DurableActorRef<M>> {
  const started = hear(runtime, 'step.stop')
  const ref = await runtime.spawn(machine, ...([] as never))
  await started
  return ref
}

/** Counts, and says so by an action and by an emitted event. */
const counterOf = (heard: unknown[]) =>
  setup({
    types: {
      context: {} as { n: number },
      events: {} as { type: 'UP' | 'END' | 'BREAK' },
      emitted: {} as { type: 'counted'; n: number } | { type: 'ended' }
    },
    actions: { note: ({ context }) => heard.push(`action ${context.n}`) }
  }).createMachine({
    id: 'counter',
    context: { n: 0 },
    initial: 'on',
    states: {
      on: {
        on: {
          UP: {
            actions: [
              assign({ n: ({ context }) => context.n + 1 }),
              'note',
              emit(({ context }) => ({ type: 'counted', n: context.n }))
            ]
          },
          END: { target: 'off', actions: emit({ type: 'ended' }) },
          BREAK: { actions: assign({ n: () => broken() }) }
        }
      },
      off: { type: 'final' }
    }
  })

function broken(): never {
  throw new Error('broken')
}

test('actions, emitted events, snapshots and receipts come in the order of XState, event by event', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const runtime = await start([counter])
  const ref = await spawnAwake(runtime, counter)
  ref.subscribe(({ context }) => heard.push(`snapshot ${context.n}`))
  ref.on('counted', ({ n }) => heard.push(`emitted ${n}`))
  const send = (): Promise<unknown> => ref.send({ type: 'UP' }).then(() => heard.push('receipt'))
  await Promise.all([send(), send()])
  const each = [1, 2].flatMap((n) => [`action ${n}`, `emitted ${n}`, `snapshot ${n}`])
  expect(heard).toEqual([...each, 'receipt', 'receipt'])
})

test('a subscriber hears every snapshot, then the end, then nothing', async () => {
  const heard: unknown[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await spawnAwake(runtime, counter)
  ref.subscribe({
    next: ({ value, context }) => heard.push([value, context.n]),
    error: (error) => heard.push(error),
    complete: () => heard.push('complete')
  })
  await ref.send({ type: 'UP' })
  await ref.send({ type: 'END' })
  expect(heard).toEqual([['on', 1], ['off', 1], 'complete'])
})

test('a subscriber hears the error of a machine that fails', async () => {
  const heard: unknown[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await spawnAwake(runtime, counter)
  ref.subscribe({ error: (error) => heard.push(error), complete: () => heard.push('complete') })
  await ref.send({ type: 'BREAK' })
  expect(heard).toEqual([new Error('broken')])
})

test('a subscription that was ended hears nothing more', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await spawnAwake(runtime, counter)
  const snapshots = ref.subscribe(({ context }) => heard.push(context.n))
  const events = ref.on('counted', ({ n }) => heard.push(n))
  await ref.send({ type: 'UP' })
  snapshots.unsubscribe()
  events.unsubscribe()
  await ref.send({ type: 'UP' })
  expect(heard).toEqual([1, 1])
})

test('a subscription outlives the sleep of its actor', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const runtime = await start([counter], { passivateAfter: 0 })
  const ref = await spawnAwake(runtime, counter)
  ref.subscribe(({ context }) => heard.push(context.n))
  for (const n of [1, 2, 3]) {
    await ref.send({ type: 'UP' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { context: { n } } })
  }
  expect(heard).toEqual([1, 2, 3])
})

test('a look at the row that comes too late tells no snapshot a second time', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const { pool, answered, spoilAnswer, releaseAll } = watch()
  const runtime = await start([counter], { passivateAfter: 0, database: pool })
  const ref = await spawnAwake(runtime, counter)
  const countLooks = (): number => answered.filter((name) => name === 'read').length
  spoilAnswer('read', 'late')
  ref.subscribe(({ context }) => heard.push(context.n))
  await eventually(countLooks).toBe(1)
  await ref.send({ type: 'UP' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { context: { n: 1 } } })
  releaseAll()
  await eventually(countLooks).toBeGreaterThan(2)
  expect(heard).toEqual([1])
})

test('a subscriber on another node hears the newest snapshot, and the end', async () => {
  const heard: unknown[] = []
  const counter = counterOf([])
  const [here, there] = [await start([counter]), await start([counter])]
  const ref = await spawnAwake(here, counter)
  const seen = await there.get(counter, ref.id)
  seen.subscribe({ next: ({ value }) => heard.push(value), complete: () => heard.push('complete') })
  // Whoever waits has been told where the actor stands; what comes from here on is news.
  await seen.waitFor(() => true)
  await ref.send({ type: 'END' })
  await eventually(() => heard).toEqual(['off', 'complete'])
})

test('a subscriber hears what another node committed before the actor came here', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const { pool, answered, hold } = watch()
  const here = await start([counter], { passivateAfter: 0, database: pool })
  const there = await start([counter], { passivateAfter: 0 })
  const ref = await there.spawn(counter)
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, version: 1 })
  const seen = await here.get(counter, ref.id)
  seen.subscribe(({ context }) => heard.push(context.n))
  await seen.waitFor(() => true)
  await eventually(() => answered).toContain('read')
  hold('read')
  await ref.send({ type: 'UP' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, version: 2 })
  await seen.send({ type: 'LATER' } as never)
  expect(heard).toEqual([1])
})

test('an observer that throws harms neither the actor nor other observers, and is told', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const failed = hear(runtime, 'listener.failed')
  const ref = await spawnAwake(runtime, counter)
  ref.subscribe(broken)
  ref.on('*', broken)
  ref.subscribe(({ context }) => heard.push(context.n))
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
  expect(heard).toEqual([1])
  expect(await failed).toMatchObject({ error: new Error('broken') })
})

test("on('*') hears every emitted event, on(type) only its own", async () => {
  const all: unknown[] = []
  const ends: unknown[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  ref.on('*', (event) => all.push(event))
  ref.on('ended', (event) => ends.push(event))
  await ref.send({ type: 'UP' })
  await ref.send({ type: 'END' })
  expect(all).toEqual([{ type: 'counted', n: 1 }, { type: 'ended' }])
  expect(ends).toEqual([{ type: 'ended' }])
})

test('an actor that is stopped tells so, and runs no exit actions, as in XState', async () => {
  const heard: string[] = []
  const machine = createMachine({ id: 'guest', exit: () => heard.push('exit') })
  const runtime = await start([machine])
  const ref = await spawnAwake(runtime, machine)
  ref.subscribe({ complete: () => heard.push('complete') })
  await ref.stop()
  expect(heard).toEqual(['complete'])
  expect(await rowOf(ref.id)).toMatchObject({ status: 'stopped', owner: null, version: 2 })
})

test('an actor can be stopped where it is asleep, and from another node', async () => {
  const counter = counterOf([])
  const [here, there] = [await start([counter], { passivateAfter: 0 }), await start([counter], { queues: {} })]
  const asleep = await spawnAwake(here, counter)
  await asleep.stop()
  expect(await rowOf(asleep.id)).toMatchObject({ status: 'stopped' })
  const afar = await spawnAwake(here, counter)
  await (await there.get(counter, afar.id)).stop()
  await eventually(() => rowOf(afar.id)).toMatchObject({ status: 'stopped' })
})

test('an actor that is stopped before its start time never starts', async () => {
  const entered: string[] = []
  const machine = createMachine({ id: 'late', entry: () => entered.push('entered') })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { startIn: '1 hour' })
  await ref.stop()
  await letTimePass(3_600_000)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'stopped' })
  expect(entered).toEqual([])
})

test('stopping an actor that has ended does nothing', async () => {
  const counter = counterOf([])
  const [here, there] = [await start([counter]), await start([counter], { queues: {} })]
  const ref = await here.spawn(counter)
  await ref.send({ type: 'END' })
  await ref.stop()
  await (await there.get(counter, ref.id)).stop()
  expect(await rowOf(ref.id)).toMatchObject({ status: 'done' })
})

test('an observer whose promise rejects is told of, and does not end the process', async () => {
  const counter = counterOf([])
  const runtime = await start([counter])
  const failures: unknown[] = []
  runtime.on('listener.failed', ({ error }) => failures.push(error))
  const ref = await spawnAwake(runtime, counter)
  const reject = (() => Promise.reject(new Error('observer'))) as () => never
  ref.subscribe({ next: reject, complete: reject })
  ref.on('counted', reject)
  await ref.send({ type: 'UP' })
  await ref.send({ type: 'END' })
  await eventually(() => failures.length).toBe(4)
})

test('who waits for an actor that is deleted before its end was seen is told that it is gone', async () => {
  const counter = counterOf([])
  const [here, there] = [await start([counter]), await start([counter], { queues: {} })]
  const ref = await spawnAwake(here, counter)
  await here.stop()
  const seen = await there.get(counter, ref.id)
  await seen.waitFor(() => true)
  const told: unknown[] = []
  seen.subscribe({ error: (error) => told.push(error) })
  const result = seen.result().catch((error: unknown) => error)
  await db.sql('delete from perdure.actor')
  expect(await result).toBeInstanceOf(ActorNotFoundError)
  await eventually(() => told).toEqual([expect.any(ActorNotFoundError)])
})

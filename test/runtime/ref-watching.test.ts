/** Watching and stopping through a ref: `subscribe`, `on`, `stop`. */
import { assign, createMachine, emit, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { start, rowOf } = await openStage()

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
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
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
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
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
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
  ref.subscribe({ error: (error) => heard.push(error), complete: () => heard.push('complete') })
  await ref.send({ type: 'BREAK' })
  expect(heard).toEqual([new Error('broken')])
})

test('a subscription that was ended hears nothing more', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
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
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
  ref.subscribe(({ context }) => heard.push(context.n))
  for (const n of [1, 2, 3]) {
    await ref.send({ type: 'UP' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { context: { n } } })
  }
  expect(heard).toEqual([1, 2, 3])
})

test('a subscriber on another node hears the newest snapshot, and the end', async () => {
  const heard: unknown[] = []
  const counter = counterOf([])
  const [here, there] = [await start([counter]), await start([counter])]
  const ref = await here.spawn(counter)
  await ref.waitFor(() => true)
  const seen = await there.get(counter, ref.id)
  seen.subscribe({ next: ({ value }) => heard.push(value), complete: () => heard.push('complete') })
  // Whoever waits has been told where the actor stands; what comes from here on is news.
  await seen.waitFor(() => true)
  await ref.send({ type: 'END' })
  await eventually(() => heard).toEqual(['off', 'complete'])
})

test('an observer that throws harms neither the actor nor other observers, and is told', async () => {
  const heard: number[] = []
  const counter = counterOf([])
  const runtime = await start([counter])
  const failed = hear(runtime, 'listener.failed')
  const ref = await runtime.spawn(counter)
  await ref.waitFor(() => true)
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

test('an actor that is stopped runs its exit actions and is told stopped, in the row too', async () => {
  const heard: string[] = []
  const machine = createMachine({ id: 'guest', exit: () => heard.push('bye'), initial: 'in', states: { in: { exit: () => heard.push('out') } } })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'ANY' })
  ref.subscribe({ complete: () => heard.push('complete') })
  await ref.stop()
  await ref.stop()
  expect(heard).toEqual(['out', 'bye', 'complete'])
  expect(await rowOf(ref.id)).toMatchObject({ status: 'stopped', owner: null })
})

test('an actor that is awake on another node, asleep or not yet started can be stopped', async () => {
  const counter = counterOf([])
  const [here, there] = [await start([counter]), await start([counter])]
  const awake = await here.spawn(counter)
  await awake.waitFor(() => true)
  const early = await here.spawn(counter, { startIn: '1 hour' })
  await (await there.get(counter, awake.id)).stop()
  await eventually(() => rowOf(awake.id)).toMatchObject({ status: 'stopped' })
  await early.stop()
  await eventually(() => rowOf(early.id)).toMatchObject({ status: 'stopped' })
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

/** Events that the present state has no transition for wait for one that has. */
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { InboxFullError } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** Takes `PAY` and `SHIP` only once it is open, and writes down what it takes. */
const shop = setup({
  types: {
    context: {} as { log: number[] },
    events: {} as { type: 'PAY' | 'SHIP'; n: number } | { type: 'OPEN' | 'CLOSE' }
  },
  actions: { note: assign({ log: ({ context, event }) => ('n' in event ? [...context.log, event.n] : context.log) }) }
}).createMachine({
  id: 'shop',
  context: { log: [] },
  initial: 'closed',
  states: {
    closed: { on: { OPEN: 'open' } },
    open: { on: { PAY: { actions: 'note' }, SHIP: { actions: 'note', target: 'closed' }, CLOSE: 'closed' } }
  }
})

const pay = (n: number) => ({ type: 'PAY', n }) as const
const ship = (n: number) => ({ type: 'SHIP', n }) as const

test('an event that comes too early is deferred, and taken with the transition that makes it possible', async () => {
  const runtime = await start([shop])
  const ref = await runtime.spawn(shop)
  expect(await ref.send(pay(1))).toEqual({ status: 'deferred' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'closed' }, inbox: [pay(1)] })
  expect(await ref.send({ type: 'OPEN' })).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open', context: { log: [1] } }, inbox: [] })
})

test('what waits is taken in the order in which it came, and before what comes after', async () => {
  const runtime = await start([shop])
  const ref = await runtime.spawn(shop)
  const sends = [pay(1), pay(2), { type: 'OPEN' } as const, pay(3)].map((event) => ref.send(event))
  const answers = await Promise.all(sends)
  expect(answers.map(({ status }) => status)).toEqual(['applied', 'applied', 'applied', 'applied'])
  expect((await ref.getSnapshot()).context.log).toEqual([1, 2, 3])
})

test('an event that is taken may close the state again: what is behind it waits on', async () => {
  const runtime = await start([shop])
  const ref = await runtime.spawn(shop)
  for (const event of [pay(1), ship(2), pay(3), ship(4)]) await ref.send(event)
  await ref.send({ type: 'OPEN' })
  expect(await rowOf(ref.id)).toMatchObject({
    snapshot: { value: 'closed', context: { log: [1, 2] } },
    inbox: [pay(3), ship(4)]
  })
  await ref.send({ type: 'OPEN' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: [1, 2, 3, 4] } }, inbox: [] })
})

test('what waits survives passivation and another node, in order', async () => {
  const first = await start([shop], { passivateAfter: 0 })
  const ref = await first.spawn(shop)
  for (const event of [pay(1), pay(2)]) await ref.send(event)
  await first.stop()
  const second = await start([shop], { passivateAfter: 0 })
  await Promise.all([second.send(ref.id, pay(3)), second.send(ref.id, { type: 'OPEN' }), second.send(ref.id, pay(4))])
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: [1, 2, 3, 4] } }, inbox: [] })
})

test('an event that another node puts into the inbox is deferred and taken like one sent here', async () => {
  const [here, there] = [await start([shop]), await start([shop], { queues: {} })]
  const ref = await here.spawn(shop)
  await ref.waitFor(() => true)
  expect(await there.send(ref.id, pay(1))).toEqual({ status: 'queued' })
  expect(await ref.send(pay(2))).toEqual({ status: 'deferred' })
  await ref.send({ type: 'OPEN' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [] })
  expect((await ref.getSnapshot()).context.log.toSorted((a, b) => a - b)).toEqual([1, 2])
})

test('a signal that is deferred is looked at once: its row says that it was seen', async () => {
  await start([shop], { passivateAfter: '1 hour' })
  const sender = await start([shop], { queues: {} })
  const ref = await sender.spawn(shop)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  expect(await sender.send(ref.id, pay(1))).toEqual({ status: 'queued' })
  const unseen = 'select from perdure.actor where inbox_seq > inbox_seen'
  await eventually(() => db.sql(unseen)).toEqual([])
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', version: 1, inbox: [pay(1)] })
  await sender.send(ref.id, { type: 'OPEN' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: [1] } }, inbox: [] })
})

test('a timer can be what makes an event possible', async () => {
  const machine = createMachine({
    id: 'slow',
    initial: 'shut',
    states: { shut: { after: { 20: 'open' } }, open: { on: { ENTER: 'inside' } }, inside: {} }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'ENTER' })).toEqual({ status: 'deferred' })
  await ref.waitFor(({ value }) => value === 'inside')
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'inside' }, inbox: [] })
})

test('wildcards take what they name: a.* takes a and a.b, and nothing else', async () => {
  const machine = createMachine({ id: 'wild', on: { 'order.*': { actions: () => undefined } } })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  const types = ['order', 'order.paid', 'order.paid.late', 'orders', 'ord', 'other.order']
  const answers = await Promise.all(types.map((type) => ref.send({ type })))
  const deferred = types.filter((_, n) => answers[n]?.status === 'deferred')
  expect(deferred).toEqual(['orders', 'ord', 'other.order'])
})

test('an ancestor takes what its states do not', async () => {
  const machine = createMachine({
    id: 'tree',
    on: { HELP: { actions: () => undefined } },
    initial: 'a',
    states: { a: { initial: 'b', on: { UP: 'c' }, states: { b: { on: { STAY: 'b' } } } }, c: {} }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  for (const type of ['HELP', 'STAY', 'UP', 'HELP']) expect(await ref.send({ type })).toEqual({ status: 'applied' })
  for (const type of ['STAY', 'UP']) expect(await ref.send({ type })).toEqual({ status: 'deferred' })
})

test('of parallel regions one that takes an event is enough', async () => {
  const machine = createMachine({
    id: 'two',
    type: 'parallel',
    states: {
      left: { initial: 'a', states: { a: { on: { L: 'b' } }, b: {} } },
      right: { on: { R: {}, GO: '.x' }, initial: 'y', states: { x: {}, y: {} } }
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  const answers = ['L', 'GO', 'L', 'NONE'].map((type) => ref.send({ type }))
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([
    'applied',
    'applied',
    'deferred',
    'deferred'
  ])
})

test('a forbidden transition discards its event, also where an ancestor would take it', async () => {
  const heard: string[] = []
  const machine = createMachine({
    id: 'deaf',
    on: { PING: { actions: () => heard.push('PING') } },
    initial: 'deaf',
    states: { deaf: { on: { PING: {}, WAKE: 'awake' } }, awake: {} }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'PING' })).toEqual({ status: 'applied' })
  await ref.send({ type: 'WAKE' })
  expect(heard).toEqual([])
  expect(await rowOf(ref.id)).toMatchObject({ inbox: [] })
})

test('guards are not asked: an event whose guards all refuse is applied, and does nothing', async () => {
  const machine = createMachine({
    id: 'strict',
    initial: 'shut',
    states: {
      shut: { on: { ENTER: { guard: () => false, target: 'open' }, OPEN: 'open' } },
      open: { on: { ENTER: 'inside' } },
      inside: {}
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'ENTER' })).toEqual({ status: 'applied' })
  await ref.send({ type: 'OPEN' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open' }, inbox: [] })
})

test("with unhandled: 'drop' an event that comes too early is gone, as in XState", async () => {
  const runtime = await start([{ machine: shop, unhandled: 'drop' }])
  const ref = await runtime.spawn(shop)
  expect(await ref.send(pay(1))).toEqual({ status: 'applied' })
  await ref.send({ type: 'OPEN' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open', context: { log: [] } }, inbox: [] })
})

test('an inbox that is full refuses one more, and no other event', async () => {
  const runtime = await start([shop], { bounds: { inbox: 2 } })
  const ref = await runtime.spawn(shop)
  await Promise.all([ref.send(pay(1)), ref.send(pay(2))])
  await expect(ref.send(pay(3))).rejects.toThrow(InboxFullError)
  expect(await ref.send({ type: 'OPEN' })).toEqual({ status: 'applied' })
  expect((await ref.getSnapshot()).context.log).toEqual([1, 2])
  expect(await ref.send(pay(3))).toEqual({ status: 'applied' })
})

test('an inbox that is full refuses what another node sends', async () => {
  const leaf = await start([shop], { queues: {}, bounds: { inbox: 2 } })
  const ref = await leaf.spawn(shop)
  await Promise.all([ref.send(pay(1)), ref.send(pay(2))])
  await expect(ref.send(pay(3))).rejects.toThrow(InboxFullError)
  expect((await rowOf(ref.id)).inbox).toEqual([pay(1), pay(2)])
})

test('what no state has taken when the actor ends stays in its inbox, and telemetry says so', async () => {
  const machine = createMachine({
    id: 'short',
    initial: 'on',
    states: { on: { on: { END: 'off' } }, off: { type: 'final' } }
  })
  const runtime = await start([machine])
  const left = hear(runtime, 'signal.unconsumed')
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'NEVER' })
  await ref.send({ type: 'END' })
  expect(await left).toEqual({ id: ref.id, machine: 'short', count: 1 })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'done', inbox: [{ type: 'NEVER' }] })
})

test('telemetry tells what is deferred', async () => {
  const runtime = await start([shop])
  const ref = await runtime.spawn(shop)
  await ref.send(pay(1))
  const deferred = hear(runtime, 'signal.deferred')
  await Promise.all([ref.send(pay(2)), ref.send(pay(3))])
  expect(await deferred).toEqual({ id: ref.id, machine: 'shop', count: 2, waiting: 3 })
})

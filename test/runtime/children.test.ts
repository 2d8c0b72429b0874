/** Children with rows of their own: born, sent to, heard of and cancelled by their parent's commits. */
import { assign, sendParent, sendTo, setup, type ActorRefFrom } from 'xstate'
import { expect, test } from 'vitest'
import { durable, durableRef } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** Ends as it is told to. */
const flight = setup({
  types: {
    input: {} as { to: string },
    context: {} as { to: string; seats: number },
    output: {} as { flown: string; seats: number },
    events: {} as { type: 'FLY' } | { type: 'CRASH' } | { type: 'SEATS'; seats: number }
  }
}).createMachine({
  id: 'flight',
  context: ({ input }) => ({ to: input.to, seats: 0 }),
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        FLY: 'flown',
        SEATS: {
          actions: [
            assign({ seats: ({ event }) => event.seats }),
            sendParent(({ event }) => ({ type: 'SEATED', seats: event.seats }))
          ]
        },
        CRASH: {
          actions: () => {
            throw new Error('crashed')
          }
        }
      }
    },
    flown: { type: 'final' }
  },
  output: ({ context }) => ({ flown: context.to, seats: context.seats })
})

const trip = setup({
  types: {
    context: {} as { result: unknown; seats: number },
    events: {} as { type: 'LEAVE' } | { type: 'SEATED'; seats: number } | { type: 'TAKE'; seats: number }
  },
  actors: { flight: durable(flight) }
}).createMachine({
  id: 'trip',
  context: { result: null, seats: 0 },
  initial: 'flying',
  states: {
    flying: {
      invoke: {
        src: 'flight',
        id: 'outbound',
        input: { to: 'Lisbon' },
        onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
        onError: { target: 'failed', actions: assign({ result: ({ event }) => event.error }) }
      },
      on: {
        LEAVE: 'left',
        TAKE: { actions: sendTo('outbound', ({ event }) => ({ type: 'SEATS', seats: event.seats })) },
        SEATED: { actions: assign({ seats: ({ event }) => event.seats }) }
      }
    },
    done: {},
    failed: {},
    left: {}
  }
})

const childOf = async (id: string): Promise<string> => {
  let found: string | undefined
  await eventually(async () => {
    const [row] = await db.sql('select id from perdure.actor where parent = $1', [id])
    return (found = row?.['id'] as string | undefined)
  }).toBeDefined()
  return found as string
}

test('a durable child is a row of its own, whose output is what its parent hears', async () => {
  const runtime = await start([trip, flight])
  const ref = await runtime.spawn(trip)
  const child = await runtime.get(flight, await childOf(ref.id))
  await child.send({ type: 'FLY' })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('done'))
  expect(context.result).toEqual({ flown: 'Lisbon', seats: 0 })
  expect(await rowOf(child.id)).toMatchObject({ status: 'done' })
})

test('the error of a child is that of its invocation', async () => {
  const runtime = await start([trip, flight])
  const ref = await runtime.spawn(trip)
  await runtime.send(await childOf(ref.id), { type: 'CRASH' })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('failed'))
  expect(context.result).toMatchObject({ message: 'crashed' })
})

test('parent and child send each other events as parts of their commits', async () => {
  const runtime = await start([trip, flight])
  const ref = await runtime.spawn(trip)
  await ref.send({ type: 'TAKE', seats: 3 })
  const { context } = await ref.waitFor((snapshot) => snapshot.context.seats === 3)
  expect(context.seats).toBe(3)
  await runtime.send(await childOf(ref.id), { type: 'FLY' })
  const done = await ref.waitFor((snapshot) => snapshot.matches('done'))
  expect(done.context.result).toEqual({ flown: 'Lisbon', seats: 3 })
})

test('leaving the state cancels the child, on whichever node it is', async () => {
  const [here, there] = [
    await start([trip, flight], { queues: {} }),
    await start([trip, flight], { passivateAfter: '1 hour' })
  ]
  const ref = await here.spawn(trip)
  const child = await childOf(ref.id)
  await eventually(() => rowOf(child)).toMatchObject({ status: 'waiting', version: 1 })
  await here.send(ref.id, { type: 'LEAVE' })
  await eventually(() => rowOf(child)).toMatchObject({ status: 'stopped' })
  expect(there.tree()).not.toEqual([])
})

test('a child that somebody stops is an error to its parent', async () => {
  const runtime = await start([trip, flight])
  const ref = await runtime.spawn(trip)
  await runtime.cancel(await childOf(ref.id), 'strike')
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('failed'))
  expect(context.result).toMatchObject({ _tag: 'ChildStoppedError', childId: 'outbound' })
})

test('while its children are at work a parent may sleep', async () => {
  const runtime = await start([trip, flight], { passivateAfter: 0 })
  const ref = await runtime.spawn(trip)
  const child = await childOf(ref.id)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null })
  await runtime.send(child, { type: 'FLY' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'done' } })
})

test('cancelling a parent cancels all that is below it', async () => {
  const agency = setup({ actors: { trip: durable(trip) } }).createMachine({
    id: 'agency',
    invoke: { src: 'trip', id: 'trip' }
  })
  const runtime = await start([agency, trip, flight], { passivateAfter: 0 })
  const ref = await runtime.spawn(agency)
  const child = await childOf(ref.id)
  const grandchild = await childOf(child)
  await runtime.cancel(ref.id)
  for (const id of [child, grandchild]) await eventually(() => rowOf(id)).toMatchObject({ status: 'stopped' })
})

test('a child is spawned from an action, and kept as a ref that is sent to', async () => {
  const hub = setup({
    types: {
      context: {} as { flights: ActorRefFrom<typeof flight>[]; seated: number },
      events: {} as { type: 'ADD' } | { type: 'ALL' } | { type: 'SEATED'; seats: number }
    },
    actors: { flight: durable(flight) }
  }).createMachine({
    id: 'hub',
    context: { flights: [], seated: 0 },
    on: {
      ADD: {
        actions: assign({
          flights: ({ context, spawn }) => [
            ...context.flights,
            spawn('flight', { id: `no-${context.flights.length}`, input: { to: 'Porto' } })
          ]
        })
      },
      ALL: {
        actions: [0, 1].map((n) =>
          sendTo(({ context }) => context.flights[n]!, { type: 'SEATS', seats: n + 1 } as const)
        )
      },
      SEATED: { actions: assign({ seated: ({ context, event }) => context.seated + event.seats }) }
    }
  })
  const runtime = await start([hub, flight], { passivateAfter: 0 })
  const ref = await runtime.spawn(hub)
  await ref.send({ type: 'ADD' })
  await ref.send({ type: 'ADD' })
  await ref.send({ type: 'ALL' })
  const { context } = await ref.waitFor((snapshot) => snapshot.context.seated === 3)
  expect(context.flights).toHaveLength(2)
})

test('an event for an independent actor goes with the commit, by id and by key, and a ref may be handed on', async () => {
  const stock = setup({
    types: { context: {} as { taken: string[] }, events: {} as { type: 'TAKE'; by: string } }
  }).createMachine({
    id: 'stock',
    context: { taken: [] },
    on: { TAKE: { actions: assign({ taken: ({ context, event }) => [...context.taken, event.by] }) } }
  })
  const order = setup({
    types: {
      input: {} as { stock: ActorRefFrom<typeof stock> },
      context: {} as { stock: ActorRefFrom<typeof stock> },
      events: {} as { type: 'GO' }
    }
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ stock: input.stock }),
    on: {
      GO: {
        actions: [
          sendTo(({ context }) => context.stock, { type: 'TAKE', by: 'id' } as const),
          sendTo(durableRef<typeof stock>({ key: 'stock:1' }), { type: 'TAKE', by: 'key' } as const)
        ]
      }
    }
  })
  const runtime = await start([stock, order], { passivateAfter: 0 })
  const store = await runtime.spawn(stock, { key: 'stock:1' })
  const ref = await runtime.spawn(order, { input: { stock: durableRef<typeof stock>(store.id) } })
  await ref.send({ type: 'GO' })
  const { context } = await store.waitFor((snapshot) => snapshot.context.taken.length === 2)
  expect(context.taken).toEqual(['id', 'key'])
})

test('an event for nobody is told of, and harms nothing', async () => {
  const lost = setup({ types: { events: {} as { type: 'GO' } } }).createMachine({
    id: 'lost',
    on: { GO: { actions: sendTo(() => durableRef({ key: 'nobody' }), { type: 'HELLO' }) } }
  })
  const runtime = await start([lost])
  const undelivered = hear(runtime, 'message.undelivered')
  const ref = await runtime.spawn(lost)
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
  expect(await undelivered).toMatchObject({ id: ref.id, to: { key: 'nobody' }, reason: 'missing' })
})

test('the machines of children need not be listed: those that a machine leads to are known', async () => {
  const runtime = await start([trip])
  const ref = await runtime.spawn(trip)
  const child = await childOf(ref.id)
  await eventually(() => rowOf(child)).toMatchObject({ status: 'waiting', version: 1 })
  expect(await db.sql('select machine from perdure.actor where id = $1', [child])).toEqual([{ machine: 'flight' }])
})

test('a durable child that a migration leaves out is cancelled with it', async () => {
  const old = { machine: trip, version: '1' }
  const first = await start([old], { passivateAfter: 0 })
  const ref = await first.spawn(trip)
  const child = await childOf(ref.id)
  await eventually(() => rowOf(child)).toMatchObject({ status: 'waiting', version: 1 })
  await first.stop()
  const next = setup({ types: { events: {} as { type: 'GO' } } }).createMachine({
    id: 'trip',
    initial: 'home',
    states: { home: { on: { GO: 'away' } }, away: {} }
  })
  const migrate = { from: ['1'], snapshot: () => ({ value: 'home', context: {} }) }
  const second = await start([{ machine: next, version: '2', migrate }, flight])
  expect(await second.send(String(ref.id), { type: 'GO' })).toEqual({ status: 'applied' })
  await eventually(() => rowOf(child)).toMatchObject({ status: 'stopped' })
})

/** Actors that share a partition key: one executes at a time, on whichever node, and all have their turn. */
import { expect, test } from 'vitest'
import { assign, fromPromise, setup } from 'xstate'
import { eventually, hear, openStage } from './stage.ts'

const { start, rowOf, letTimePass, declareNodesDead } = await openStage()

/** Machines whose work is under way until it is told to be done, and who is at it. */
function workshop() {
  const working: { readonly name: string; finish(): void }[] = []
  const begun: string[] = []
  const work = fromPromise<void, string>(
    ({ input: name }) =>
      new Promise((resolve) => {
        begun.push(name)
        const entry = { name, finish: () => (working.splice(working.indexOf(entry), 1), resolve()) }
        working.push(entry)
      })
  )
  const order = setup({
    types: { input: {} as string, context: {} as { name: string } },
    actors: { work }
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ name: input }),
    initial: 'working',
    states: {
      working: { invoke: { src: 'work', input: ({ context }) => context.name, onDone: 'over' } },
      over: { type: 'final' }
    }
  })
  return { order, working, begun, names: () => working.map(({ name }) => name) }
}

const notes = setup({
  types: { context: {} as { seen: string[] } },
  delays: { later: 60_000 }
}).createMachine({
  id: 'notes',
  context: { seen: [] },
  initial: 'closed',
  states: {
    closed: {
      after: { later: { target: 'open', actions: assign({ seen: ({ context }) => [...context.seen, 'timer'] }) } },
      on: { note: { actions: assign({ seen: ({ context }) => [...context.seen, 'note'] }) } }
    },
    open: {
      on: {
        late: { actions: assign({ seen: ({ context }) => [...context.seen, 'late'] }) },
        note: { actions: assign({ seen: ({ context }) => [...context.seen, 'note'] }) }
      }
    }
  }
})

const partitionKey = 'customer 7'

test('one at a time executes on two nodes, in order of priority, then of time', async () => {
  const { order, working, begun, names } = workshop()
  const first = await start([order])
  await start([order])
  await first.spawn(order, { input: 'first', partitionKey })
  await eventually(names).toEqual(['first'])
  for (const [input, priority] of [
    ['third', 0],
    ['fourth', 0],
    ['second', -1]
  ] as const) {
    await first.spawn(order, { input, partitionKey, priority })
  }
  for (const name of ['first', 'second', 'third', 'fourth']) {
    await eventually(names).toEqual([name])
    working[0]?.finish()
  }
  expect(begun).toEqual(['first', 'second', 'third', 'fourth'])
})

test('actors of other partitions, and of none, execute beside it', async () => {
  const { order, names } = workshop()
  const runtime = await start([order])
  const keys = [partitionKey, partitionKey, 'customer 8', undefined]
  await runtime.spawnMany(
    order,
    keys.map((key, n) => ({ input: String(n), ...(key === undefined ? {} : { partitionKey: key }) }))
  )
  await eventually(() => names().length).toBe(3)
  expect(names()).toEqual(expect.arrayContaining(['2', '3']))
})

test('who has to wait is told of', async () => {
  const { order, names } = workshop()
  const runtime = await start([order])
  await runtime.spawn(order, { input: 'first', partitionKey })
  await eventually(names).toEqual(['first'])
  const contended = hear(runtime, 'partition.contended')
  const second = await runtime.spawn(order, { input: 'second', partitionKey })
  expect(await contended).toEqual({ id: second.id, machine: 'order', count: 1 })
})

test('an actor that rests keeps nobody from it, and takes events at once', async () => {
  const runtime = await start([notes])
  const [one, two] = [await runtime.spawn(notes, { partitionKey }), await runtime.spawn(notes, { partitionKey })]
  for (const { id } of [one, two]) await eventually(() => rowOf(id)).toMatchObject({ version: 1, owner: null })
  expect(await one.send({ type: 'note' })).toEqual({ status: 'applied' })
  await eventually(() => rowOf(one.id)).toMatchObject({ owner: null })
  expect(await two.send({ type: 'note' })).toEqual({ status: 'applied' })
})

test('what comes for an actor while it waits for its partition has its turn in order: events, timers, deferred events', async () => {
  const { order, working, names } = workshop()
  const runtime = await start([order, notes])
  const ref = await runtime.spawn(notes, { partitionKey })
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  await runtime.spawn(order, { input: 'long', partitionKey })
  await eventually(names).toEqual(['long'])
  expect(await ref.send({ type: 'late' })).toEqual({ status: 'queued' })
  expect(await ref.send({ type: 'note' })).toEqual({ status: 'queued' })
  await letTimePass(30_000)
  working[0]?.finish()
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { seen: ['note'] } }, owner: null })
  await letTimePass(60_000)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { seen: ['note', 'timer', 'late'] } } })
})

test('a partition is free again when the node of its actor has died', async () => {
  const { order, names } = workshop()
  const dying = await start([order], { reaper: false })
  await dying.spawn(order, { input: 'first', partitionKey })
  await eventually(names).toEqual(['first'])
  await dying.spawn(order, { input: 'second', partitionKey, priority: -1 })
  const { order: same, names: there, working } = workshop()
  await declareNodesDead()
  await start([same])
  await eventually(there).toEqual(['second'])
  working[0]?.finish()
  await eventually(there).toEqual(['first'])
})

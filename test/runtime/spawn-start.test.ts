/** `spawn`: when and where an actor starts, and the input that it gets. */
import { assign, createMachine, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf, letTimePass } = await openStage()

/** Keeps its input in context. */
const keeper = setup({
  types: { context: {} as { input: unknown } }
}).createMachine({ id: 'keeper', context: ({ input }) => ({ input }) })

const rich = {
  text: 'a\0b 🗝️',
  when: new Date('2026-01-31T09:00:00.000Z'),
  map: new Map<unknown, unknown>([[{ k: 1 }, new Set([1n, NaN, -0])]]),
  missing: undefined,
  bytes: new Uint8Array([0, 255]),
  pattern: /a+/gi,
  link: new URL('https://example.org/?a=1'),
  holes: [1, undefined, null],
  $type: 'mine',
  error: new RangeError('too far')
}

test('rich input reaches an actor that starts at once, one that starts elsewhere, and one that was passivated', async () => {
  const runtime = await start([keeper], { passivateAfter: 0, queues: { default: 100, late: 1 } })
  const asLeaf = await start([keeper], { queues: {} })
  const refs = [
    await runtime.spawn(keeper, { input: rich }),
    await runtime.spawn(keeper, { input: rich, startIn: 1 }),
    await asLeaf.spawn(keeper, { input: rich })
  ]
  for (const ref of refs) {
    const { context } = await ref.waitFor(({ status }) => status === 'active')
    expect(context.input).toStrictEqual(rich)
    await ref.send({ type: 'WAIT' })
    expect((await ref.getSnapshot()).context.input).toStrictEqual(rich)
  }
})

test('what the caller does to its input later does not reach the actor', async () => {
  const runtime = await start([keeper])
  const input = { items: ['first'] }
  const spawning = runtime.spawn(keeper, { input })
  input.items.push('second')
  const ref = await spawning
  input.items.push('third')
  const { context } = await ref.waitFor(() => true)
  expect(context.input).toEqual({ items: ['first'] })
})

test('an actor with a start time does nothing before it', async () => {
  const entered: string[] = []
  const machine = createMachine({ id: 'late', entry: () => entered.push('entered') })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { startIn: '1 hour' })
  await runtime.stop()
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', version: 0, owner: null, snapshot: null })
  expect(entered).toEqual([])
})

test.each([
  ['startAt', () => ({ startAt: Date.now() + 60 })],
  ['startIn', () => ({ startIn: '60 millis' as const })]
])('%s: the actor starts by itself, never early', async (_, options) => {
  let enteredAt = 0
  const machine = createMachine({ id: 'late', entry: () => (enteredAt = performance.now()) })
  const runtime = await start([machine])
  const before = performance.now()
  const ref = await runtime.spawn(machine, options())
  await ref.waitFor(() => enteredAt > 0)
  expect(enteredAt - before).toBeGreaterThanOrEqual(59)
})

test('a start time that is past starts at once', async () => {
  const runtime = await start([keeper])
  const ref = await runtime.spawn(keeper, { startAt: new Date(0) })
  await ref.send({ type: 'ANY' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting' })
})

test('what is sent before the start waits, and is applied after it, in order', async () => {
  const machine = setup({
    types: { context: {} as { log: number[] }, events: {} as { type: 'ADD'; n: number } }
  }).createMachine({
    id: 'late',
    context: { log: [] },
    on: { ADD: { actions: assign({ log: ({ context, event }) => [...context.log, event.n] }) } }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { startIn: '1 hour', key: 'late' })
  const answers = await Promise.all([1, 2, 3].map((n) => ref.send({ type: 'ADD', n })))
  expect(answers).toEqual([1, 2, 3].map(() => ({ status: 'queued' })))
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', version: 0 })
  await letTimePass(3_600_000)
  const { context } = await ref.waitFor(({ context }) => context.log.length === 3)
  expect(context.log).toEqual([1, 2, 3])
})

test('before its first turn, an actor shows the snapshot that it will start with, and nothing runs for that', async () => {
  const entered: string[] = []
  const machine = createMachine({ id: 'late', initial: 'a', states: { a: { entry: () => entered.push('a') } } })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { startIn: '1 hour' })
  expect(await ref.getSnapshot()).toMatchObject({ value: 'a', status: 'active' })
  expect(entered).toEqual([])
})

test('an actor of a queue that no node serves waits for one that does', async () => {
  const runtime = await start([keeper], { queues: { default: 1 } })
  const ref = await runtime.spawn(keeper, { queue: 'mail' })
  expect(await ref.send({ type: 'EARLY' })).toEqual({ status: 'queued' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'ready', version: 0, owner: null })
  const mailNode = await start([keeper], { queues: { mail: 1 } })
  await mailNode.get(keeper, ref.id).then((seen) => seen.waitFor(() => true))
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
})

test('a queue runs by priority, the lower number first, then by age', async () => {
  const ran: unknown[] = []
  const machine = setup({ types: { input: {} as string, context: {} as { name: string } } }).createMachine({
    id: 'job',
    context: ({ input }) => ({ name: input }),
    entry: ({ context }) => ran.push(context.name),
    initial: 'over',
    states: { over: { type: 'final' } }
  })
  const leaf = await start([machine], { queues: {} })
  await leaf.spawn(machine, { input: 'second', priority: 0 })
  await leaf.spawn(machine, { input: 'last', priority: 5 })
  await leaf.spawn(machine, { input: 'third', priority: 0 })
  await leaf.spawn(machine, { input: 'first', priority: -5 })
  await start([machine], { queues: { default: 1 } })
  await eventually(() => db.sql(`select from perdure.actor where status <> 'done'`)).toEqual([])
  expect(ran).toEqual(['first', 'second', 'third', 'last'])
})

test('a queue executes no more actors at once than it may, and all in the end', async () => {
  let running = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
  }
  const machine = setup({ actors: { work: fromPromise(work) } }).createMachine({
    id: 'busy',
    initial: 'on',
    states: { on: { invoke: { src: 'work', onDone: 'off' } }, off: { type: 'final' } }
  })
  const runtime = await start([machine], { queues: { default: 3 } })
  await runtime.spawnMany(machine, Array(30).fill({}))
  await eventually(() => db.sql(`select from perdure.actor where status <> 'done'`)).toEqual([])
  expect(most).toBe(3)
})

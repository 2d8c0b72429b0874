/** Many children and one join: how many must succeed, how many run at a time, what becomes of the rest. */
import { assign, createActor, setup, waitFor } from 'xstate'
import { expect, test } from 'vitest'
import { all, type AllOptions, type Outcome } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** Doubles a number at once, fails, or waits to be told. */
const double = setup({
  types: {
    input: {} as { n: number; does?: 'fail' | 'wait' },
    context: {} as { n: number; does: string },
    output: {} as number,
    events: {} as { type: 'GO' }
  }
}).createMachine({
  id: 'double',
  context: ({ input }) => ({ n: input.n, does: input.does ?? 'go' }),
  initial: 'begun',
  states: {
    begun: {
      always: [
        { guard: ({ context }) => context.does === 'wait', target: 'waiting' },
        { guard: ({ context }) => context.does === 'fail', target: 'failing' },
        { target: 'done' }
      ]
    },
    waiting: { on: { GO: 'done' } },
    failing: {
      entry: () => {
        throw new Error('failed')
      }
    },
    done: { type: 'final' }
  },
  output: ({ context }) => context.n * 2
})

const fanning = (options: AllOptions<typeof double> = {}) =>
  setup({
    types: {
      input: {} as { n: number; does?: 'fail' | 'wait' }[],
      context: {} as {
        items: { n: number; does?: 'fail' | 'wait' }[]
        outcomes: readonly Outcome<number>[]
        error: unknown
        joins: number
      },
      events: {} as { type: 'LEAVE' }
    },
    actors: { doubles: all(double, options) }
  }).createMachine({
    id: 'fanning',
    context: ({ input }) => ({ items: input, outcomes: [], error: null, joins: 0 }),
    initial: 'doubling',
    states: {
      doubling: {
        invoke: {
          src: 'doubles',
          input: ({ context }) => context.items,
          onDone: { target: 'joined', actions: assign({ outcomes: ({ event }) => event.output }) },
          onError: { target: 'refused', actions: assign({ error: ({ event }) => event.error }) }
        },
        on: { LEAVE: 'left' }
      },
      joined: { entry: assign({ joins: ({ context }) => context.joins + 1 }) },
      refused: {},
      left: {}
    }
  })

const childrenOf = (id: string) =>
  db.sql('select id, status::text as status from perdure.actor where parent = $1 order by parent_index', [id])
const statusesOf = async (id: string) => (await childrenOf(id)).map(({ status }) => status)
const done = (output: number) => ({ status: 'done', output })

test('one child for each item, and one join with every outcome, in order, failed ones among them', async () => {
  const machine = fanning()
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, { input: [{ n: 1 }, { n: 2, does: 'fail' }, { n: 3 }] })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context.outcomes).toEqual([done(2), { status: 'failed', error: new Error('failed') }, done(6)])
  expect(await statusesOf(ref.id)).toEqual(['done', 'failed', 'done'])
})

test('no items are joined at once', async () => {
  const machine = fanning()
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, { input: [] })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context.outcomes).toEqual([])
})

test('a parent sleeps until the last child has ended, and is joined once', async () => {
  const machine = fanning()
  const runtime = await start([machine, double], { passivateAfter: 0 })
  const items = Array.from({ length: 20 }, (_, n) => ({ n, does: 'wait' as const }))
  const ref = await runtime.spawn(machine, { input: items })
  await eventually(() => statusesOf(ref.id)).toEqual(items.map(() => 'waiting'))
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, version: 1 })
  const children = await childrenOf(ref.id)
  await Promise.all(children.map(({ id }) => runtime.send(id as string, { type: 'GO' })))
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context).toMatchObject({ joins: 1, outcomes: items.map(({ n }) => done(n * 2)) })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2 })
})

test('the first success is enough where it is asked for, and the rest is cancelled', async () => {
  const machine = fanning({ until: 'first' })
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, { input: [{ n: 1, does: 'wait' }, { n: 2, does: 'fail' }, { n: 3 }] })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context.outcomes.filter(({ status }) => status === 'done')).toEqual([done(6)])
  expect(context.outcomes[0]).toEqual({ status: 'stopped' })
  await eventually(async () => (await statusesOf(ref.id))[0]).toBe('stopped')
})

test('where fewer can succeed than are needed, that is an error with every outcome', async () => {
  const machine = fanning({ until: 2 })
  const runtime = await start([machine, double])
  const input = [
    { n: 1, does: 'fail' as const },
    { n: 2, does: 'fail' as const },
    { n: 3, does: 'wait' as const }
  ]
  const ref = await runtime.spawn(machine, { input })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toMatchObject({ _tag: 'TooFewSucceededError', needed: 2 })
})

test('where all must succeed, the first that does not is the end of it', async () => {
  const machine = fanning({ until: 2 })
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, {
    input: [
      { n: 1, does: 'wait' },
      { n: 2, does: 'fail' }
    ]
  })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  const outcomes = [{ status: 'stopped' }, { status: 'failed', error: new Error('failed') }]
  expect(context.error).toMatchObject({ _tag: 'TooFewSucceededError', needed: 2, outcomes })
  await eventually(() => statusesOf(ref.id)).toEqual(['stopped', 'failed'])
})

test.each([
  ['first', 0],
  [3, 2]
] as const)('until %s of %i items is refused at once', async (until, count) => {
  const machine = fanning({ until })
  const runtime = await start([machine, double])
  const input = Array.from({ length: count }, (_, n) => ({ n, does: 'wait' as const }))
  const ref = await runtime.spawn(machine, { input })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  const outcomes = input.map(() => ({ status: 'stopped' }))
  expect(context.error).toMatchObject({ _tag: 'TooFewSucceededError', outcomes })
  expect(await childrenOf(ref.id)).toEqual([])
})

test.each([
  [
    2,
    [
      { n: 1, does: 'fail' },
      { n: 2, does: 'wait' }
    ]
  ],
  [3, [{ n: 1, does: 'wait' }]],
  ['first', []]
] as const)('plain XState gives up as soon as well: until %s of %j', async (until, input) => {
  const actor = createActor(fanning({ until }), { input: [...input] }).start()
  const { context } = await waitFor(actor, (snapshot) => snapshot.matches('refused'))
  const outcomes = input.map((item) => ({ status: 'does' in item && item.does === 'fail' ? 'failed' : 'stopped' }))
  expect(context.error).toMatchObject({ _tag: 'TooFewSucceededError', outcomes })
})

test('only as many run at a time as may, in their order', async () => {
  const machine = fanning({ concurrency: 2 })
  const runtime = await start([machine, double])
  const input = Array.from({ length: 4 }, (_, n) => ({ n, does: 'wait' as const }))
  const ref = await runtime.spawn(machine, { input })
  const started = async () => {
    const rows = await db.sql('select version::integer from perdure.actor where parent = $1 order by parent_index', [
      ref.id
    ])
    return rows.map(({ version }) => (version as number) > 0)
  }
  await eventually(started).toEqual([true, true, false, false])
  const children = await childrenOf(ref.id)
  await runtime.send(children[1]!['id'] as string, { type: 'GO' })
  await eventually(started).toEqual([true, true, true, false])
  for (const n of [0, 2, 3]) await runtime.send(children[n]!['id'] as string, { type: 'GO' })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context.outcomes).toEqual(input.map(({ n }) => done(n * 2)))
})

test('leaving the state cancels all of them, also those that have not begun', async () => {
  const machine = fanning({ concurrency: 1 })
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, { input: [1, 2, 3].map((n) => ({ n, does: 'wait' as const })) })
  await eventually(async () => (await statusesOf(ref.id)).length).toBe(3)
  await ref.send({ type: 'LEAVE' })
  await eventually(() => statusesOf(ref.id)).toEqual(['stopped', 'stopped', 'stopped'])
  expect(await db.sql('select * from perdure.child_join')).toEqual([])
})

test('a child that is stopped before it began counts as ended', async () => {
  const machine = fanning({ concurrency: 1 })
  const runtime = await start([machine, double])
  const ref = await runtime.spawn(machine, { input: [1, 2].map((n) => ({ n, does: 'wait' as const })) })
  await eventually(async () => (await statusesOf(ref.id)).length).toBe(2)
  const [first, second] = (await childrenOf(ref.id)).map(({ id }) => id as string)
  await (await runtime.get(double, second!)).stop()
  await runtime.send(first!, { type: 'GO' })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('joined'))
  expect(context.outcomes).toMatchObject([done(2), { status: 'stopped' }])
})

/** Takes `PAY` only once nobody is to be waited for any more. */
const closing = setup({
  types: { context: {} as { paid: number }, events: {} as { type: 'GO' | 'PAY' } },
  actors: { doubles: all(double) }
}).createMachine({
  id: 'closing',
  context: { paid: 0 },
  initial: 'closed',
  states: {
    closed: { on: { GO: 'joining' } },
    joining: { invoke: { src: 'doubles', input: [], onDone: 'open' } },
    open: { on: { PAY: { actions: assign({ paid: ({ context }) => context.paid + 1 }) } } }
  }
})

test('a join of nobody and an event that waits, both of one turn, are both taken, once', async () => {
  const runtime = await start([closing, double])
  const ref = await runtime.spawn(closing)
  await Promise.all([ref.send({ type: 'GO' }), ref.send({ type: 'PAY' })])
  const { value } = await ref.waitFor(({ context }) => context.paid > 0)
  expect(value).toBe('open')
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { paid: 1 } }, inbox: [] })
})

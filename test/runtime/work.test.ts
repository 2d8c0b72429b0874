/** What a machine invokes: promises, transition logics, machines. */
import { assign, fromPromise, fromTransition, sendParent, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { start, rowOf } = await openStage()

const payment = (pay: (input: number, signal: AbortSignal) => Promise<string>) =>
  setup({
    types: { input: {} as number, context: {} as { amount: number; outcome: unknown } },
    actors: { pay: fromPromise<string, number>(({ input, signal }) => pay(input, signal)) }
  }).createMachine({
    id: 'payment',
    context: ({ input }) => ({ amount: input, outcome: null }),
    initial: 'paying',
    states: {
      paying: {
        invoke: {
          src: 'pay',
          input: ({ context }) => context.amount,
          onDone: { target: 'paid', actions: assign({ outcome: ({ event }) => event.output }) },
          onError: { target: 'refused', actions: assign({ outcome: ({ event }) => event.error }) }
        },
        on: { CANCEL: 'cancelled' }
      },
      paid: {},
      refused: {},
      cancelled: {}
    }
  })

test('a promise gets its input, and its output is part of a transition', async () => {
  const machine = payment((amount) => Promise.resolve(`paid ${amount}`))
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: 42 })
  const { context } = await ref.waitFor(({ value }) => value === 'paid')
  expect(context.outcome).toBe('paid 42')
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { value: 'paid' } })
})

test('what a promise rejects with is part of a transition, and comes back as an error', async () => {
  class CardError extends Error {
    override readonly name = 'CardError'
    readonly code = 'declined'
  }
  const machine = payment(() => Promise.reject(new CardError('no cover')))
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine, { input: 42 })
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { value: 'refused' } })
  const { outcome } = (await ref.getSnapshot()).context
  expect(outcome).toBeInstanceOf(Error)
  expect(outcome).toMatchObject({ name: 'CardError', message: 'no cover', code: 'declined' })
})

test('leaving the state aborts its promise, after the commit, and what it yields is of no interest any more', async () => {
  let signal: AbortSignal | undefined
  let pay: ((receipt: string) => void) | undefined
  const machine = payment((_, given) => {
    signal = given
    return new Promise((resolve) => (pay = resolve))
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: 42 })
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'running' })
  await ref.send({ type: 'CANCEL' })
  expect(signal?.aborted).toBe(true)
  pay?.('late')
  await ref.send({ type: 'IGNORED' })
  expect(await rowOf(ref.id)).toMatchObject({
    version: 2 + 1,
    snapshot: { value: 'cancelled', context: { outcome: null } }
  })
})

test('stopping an actor aborts its work', async () => {
  let signal: AbortSignal | undefined
  const machine = payment((_, given) => {
    signal = given
    return new Promise(() => undefined)
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: 42 })
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'running' })
  await ref.stop()
  expect(signal?.aborted).toBe(true)
})

test('a promise that rejects with something that cannot be stored still ends its state', async () => {
  const machine = payment(() =>
    Promise.reject(Object.assign(new Error('odd'), { socket: () => 1, cause: Symbol('s') }))
  )
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: 42 })
  const { context } = await ref.waitFor(({ value }) => value === 'refused')
  expect(context.outcome).toMatchObject({ message: 'odd' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { value: 'refused' } })
})

test('a transition logic keeps its state with its parent', async () => {
  const total = fromTransition((sum: number, { by }: { type: 'ADD'; by: number }) => sum + by, 100)
  const machine = setup({ actors: { total } }).createMachine({
    id: 'shop',
    invoke: { src: 'total', id: 'total' },
    on: { SALE: { actions: sendTo('total', { type: 'ADD', by: 10 }) } }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  for (let sale = 0; sale < 3; sale++) await ref.send({ type: 'SALE' })
  expect((await ref.getSnapshot()).children['total']?.getSnapshot()).toMatchObject({ context: 130 })
})

test('a machine that is invoked lives in the row of its parent, talks to it, and ends with its output', async () => {
  const child = setup({
    types: { input: {} as { n: number }, context: {} as { n: number }, output: {} as number }
  }).createMachine({
    id: 'child',
    context: ({ input }) => input,
    entry: sendParent({ type: 'BORN' }),
    initial: 'a',
    states: { a: { on: { GROW: 'b' } }, b: { type: 'final' } },
    output: ({ context }) => context.n * 2
  })
  const machine = setup({
    types: { context: {} as { born: boolean; result: unknown } },
    actors: { child }
  }).createMachine({
    id: 'parent',
    context: { born: false, result: null },
    invoke: {
      src: 'child',
      id: 'kid',
      input: { n: 21 },
      onDone: { target: '.proud', actions: assign({ result: ({ event }) => event.output }) }
    },
    on: { BORN: { actions: assign({ born: true }) }, FEED: { actions: sendTo('kid', { type: 'GROW' }) } },
    initial: 'waiting',
    states: { waiting: {}, proud: {} }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'FEED' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'proud', context: { born: true, result: 42 } } })
})

test('work of many actors runs side by side, each with its own input', async () => {
  const machine = payment((amount) => Promise.resolve(`paid ${amount}`))
  const runtime = await start([machine])
  const amounts = Array.from({ length: 30 }, (_, n) => n)
  const refs = await Promise.all(amounts.map((input) => runtime.spawn(machine, { input })))
  const snapshots = await Promise.all(refs.map((ref) => ref.waitFor(({ value }) => value === 'paid')))
  expect(snapshots.map(({ context }) => context.outcome)).toEqual(amounts.map((n) => `paid ${n}`))
})

test('a machine that is no more than a promise chain runs to its end by itself', async () => {
  const work = fromPromise(() => Promise.resolve('x'))
  const machine = setup({ actors: { work } }).createMachine({
    id: 'chain',
    initial: 'a',
    states: {
      a: { invoke: { src: 'work', onDone: 'b' } },
      b: { invoke: { src: 'work', onDone: 'c' } },
      c: { type: 'final' }
    },
    output: 'through'
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'done', version: 3, owner: null })
})

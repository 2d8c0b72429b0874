/** What the user's code throws, and what it makes that cannot be stored: only the culprit pays. */
import { assign, createMachine, fromPromise, raise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { ActorFailedError, NotSerializableError, TooLargeError } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { start, rowOf } = await openStage()

function fail(): never {
  throw new RangeError('out of luck')
}

/** Fails in the place that its event names. */
const fragile = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'UP' | 'GUARD' | 'ASSIGN' | 'ACTION' | 'ENTRY' } },
  guards: { broken: fail }
}).createMachine({
  id: 'fragile',
  context: { n: 0 },
  initial: 'on',
  states: { on: {}, off: { entry: fail } },
  on: {
    UP: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    GUARD: { guard: 'broken', target: '.off' },
    ASSIGN: { actions: assign({ n: fail }) },
    ACTION: { actions: fail },
    ENTRY: '.off'
  }
})

test.each(['GUARD', 'ASSIGN', 'ACTION', 'ENTRY'] as const)(
  'a machine that throws in %s fails with that',
  async (type) => {
    const runtime = await start([fragile])
    const ref = await runtime.spawn(fragile)
    expect(await ref.send({ type })).toEqual({ status: 'applied' })
    const failed = ref.result()
    await expect(failed).rejects.toThrow(ActorFailedError)
    await expect(failed).rejects.toMatchObject({ cause: { message: expect.stringContaining('out of luck') } })
    const last_error = { $type: 'Error', message: expect.stringContaining('out of luck') }
    expect(await rowOf(ref.id)).toMatchObject({ status: 'failed', owner: null, last_error })
  }
)

test('a machine that throws in its first turn fails, and its spawn stands', async () => {
  const stillborn = createMachine({ id: 'stillborn', entry: assign(fail) })
  const runtime = await start([stillborn])
  const ref = await runtime.spawn(stillborn)
  await expect(ref.result()).rejects.toThrow(ActorFailedError)
  expect(await rowOf(ref.id)).toMatchObject({ status: 'failed' })
})

test('a context that throws as it is made fails the actor, too', async () => {
  const stillborn = setup({ types: { context: {} as { n: number } } }).createMachine({ id: 'stillborn', context: fail })
  const runtime = await start([stillborn])
  const ref = await runtime.spawn(stillborn)
  await expect(ref.result()).rejects.toThrow(ActorFailedError)
})

test('the neighbours of a machine that throws do not notice', async () => {
  const runtime = await start([fragile])
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(fragile)))
  await Promise.all(refs.map((ref, n) => ref.send({ type: n % 2 ? 'ASSIGN' : 'UP' })))
  for (const ref of refs.filter((_, n) => n % 2 === 0)) {
    expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
    expect((await ref.getSnapshot()).context.n).toBe(2)
  }
})

test('an action that rejects is told in telemetry, and harms nobody', async () => {
  // oxlint-disable-next-line typescript/no-misused-promises -- XState lets actions return promises, and so people write such
  const machine = createMachine({ id: 'late', on: { GO: { actions: () => Promise.reject(new Error('too late')) } } })
  const runtime = await start([machine])
  const failed = hear(runtime, 'effect.failed')
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
  expect(await failed).toEqual({ id: ref.id, machine: 'late', effect: 'action', error: new Error('too late') })
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
})

/** Puts what it is told into its context. */
const keeper = setup({
  types: { context: {} as { kept: unknown[] }, events: {} as { type: 'KEEP'; what: string } },
  actions: { act: () => undefined }
}).createMachine({
  id: 'keeper',
  context: { kept: [] },
  on: { KEEP: { actions: [assign({ kept: ({ context, event }) => [...context.kept, make(event.what)] }), 'act'] } }
})

const make = (what: string): unknown => {
  if (what === 'function') return { on: fail }
  if (what === 'symbol') return Symbol('what')
  if (what === 'cycle') {
    const cycle: { self?: unknown } = {}
    return Object.assign(cycle, { self: cycle })
  }
  return what === 'much' ? 'x'.repeat(100_000) : what
}
const keep = (what: string) => ({ type: 'KEEP', what }) as const

test('an event that makes a context that cannot be stored is refused with the path; the actor goes on as it was', async () => {
  const runtime = await start([keeper])
  const ref = await runtime.spawn(keeper)
  await ref.send(keep('a'))
  const refused = ref.send(keep('function'))
  await expect(refused).rejects.toThrow(NotSerializableError)
  await expect(refused).rejects.toMatchObject({ path: 'context.kept[1].on' })
  expect(await ref.send(keep('b'))).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { context: { kept: ['a', 'b'] } } })
})

test.each([
  ['a cycle', 'cycle', 'context.kept[0].self'],
  ['a symbol', 'symbol', 'context.kept[0]']
])('%s in the context is refused with its path, and is of no concern to others', async (_, what, path) => {
  const runtime = await start([keeper])
  const [ref, neighbour] = [await runtime.spawn(keeper), await runtime.spawn(keeper)]
  const [refused, taken] = [ref.send(keep(what)), neighbour.send(keep('a'))]
  await expect(refused).rejects.toThrow(NotSerializableError)
  await expect(refused).rejects.toMatchObject({ path })
  expect(await taken).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { context: { kept: [] } } })
})

test('an output that is too large is refused with the event that leads to it; the actor goes on as it was', async () => {
  const machine = setup({ types: { output: {} as string } }).createMachine({
    id: 'writer',
    initial: 'open',
    states: { open: { on: { END: 'over', TOUCH: {} } }, over: { type: 'final' } },
    output: () => 'x'.repeat(100_000)
  })
  const runtime = await start([machine], { bounds: { snapshot: 10_000 } })
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'TOUCH' })
  await expect(ref.send({ type: 'END' })).rejects.toThrow(TooLargeError)
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { value: 'open' } })
})

test('an event that makes the snapshot too large is refused; the actor goes on as it was', async () => {
  const runtime = await start([keeper], { bounds: { snapshot: 10_000 } })
  const ref = await runtime.spawn(keeper)
  await ref.send(keep('a'))
  await expect(ref.send(keep('much'))).rejects.toThrow(TooLargeError)
  await ref.send(keep('b'))
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { context: { kept: ['a', 'b'] } } })
})

test('a poison event among others that are sent together fails alone, and the others keep their order', async () => {
  const runtime = await start([keeper])
  const ref = await runtime.spawn(keeper)
  const whats = ['a', 'function', 'b', 'c', 'function', 'd']
  const outcomes = await Promise.allSettled(whats.map((what) => ref.send(keep(what))))
  expect(whats.filter((_, n) => outcomes[n]?.status === 'rejected')).toEqual(['function', 'function'])
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { context: { kept: ['a', 'b', 'c', 'd'] } } })
})

test('an event that is refused leaves a dedupKey free', async () => {
  const runtime = await start([keeper])
  const ref = await runtime.spawn(keeper)
  await expect(ref.send(keep('function'), { dedupKey: 'k' })).rejects.toThrow(NotSerializableError)
  expect(await ref.send(keep('a'), { dedupKey: 'k' })).toEqual({ status: 'applied' })
})

test('what was waiting when a poison event came is still there, and taken once', async () => {
  const machine = setup({ types: { context: {} as { kept: unknown[] } } }).createMachine({
    id: 'shop',
    context: { kept: [] },
    initial: 'shut',
    states: {
      shut: { on: { OPEN: 'open', POISON: { actions: assign({ kept: () => [fail] }) } } },
      open: { on: { BUY: { actions: assign({ kept: ({ context }) => [...context.kept, 'bought'] }) } } }
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'BUY' })
  await expect(ref.send({ type: 'POISON' })).rejects.toThrow(NotSerializableError)
  await ref.send({ type: 'OPEN' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open', context: { kept: ['bought'] } }, inbox: [] })
})

test('a signal that poisons its actor parks it, with the signal kept for an operator', async () => {
  const leaf = await start([keeper], { queues: {} })
  const ref = await leaf.spawn(keeper)
  for (const what of ['a', 'function', 'b']) await ref.send(keep(what))
  const worker = await start([keeper])
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked', owner: null })
  expect(await rowOf(ref.id)).toMatchObject({ last_error: { message: expect.stringContaining('context.kept[1].on') } })
  const { inbox, snapshot } = await rowOf(ref.id)
  expect([
    ...(snapshot.context as { kept: string[] }).kept,
    ...inbox.map((event) => (event as unknown as { what: string }).what)
  ]).toEqual(['a', 'function', 'b'])
  await worker.stop()
})

test('a promise that yields what cannot be stored does not harm other actors', async () => {
  const work = fromPromise(() => Promise.resolve({ socket: fail }))
  const machine = setup({ types: { context: {} as { got: unknown } }, actors: { work } }).createMachine({
    id: 'worker',
    context: { got: null },
    invoke: { src: 'work', onDone: { actions: assign({ got: ({ event }) => event.output }) } }
  })
  const runtime = await start([machine, keeper])
  const parked = hear(runtime, 'actor.parked')
  const ref = await runtime.spawn(machine)
  expect(await parked).toMatchObject({ id: ref.id })
  const neighbour = await runtime.spawn(keeper)
  expect(await neighbour.send(keep('a'))).toEqual({ status: 'applied' })
})

test('an endless loop of transitions is stopped, and fails its actor alone', async () => {
  const machine = createMachine({
    id: 'circle',
    initial: 'a',
    states: {
      a: { on: { GO: 'b', RAISE: { actions: raise({ type: 'RAISE' }) } } },
      b: { always: 'c' },
      c: { always: 'b' }
    }
  })
  const runtime = await start([machine, keeper])
  for (const type of ['GO', 'RAISE']) {
    const ref = await runtime.spawn(machine)
    await ref.send({ type }).catch(() => undefined)
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: expect.stringMatching(/failed|parked/) })
  }
  const neighbour = await runtime.spawn(keeper)
  expect(await neighbour.send(keep('a'))).toEqual({ status: 'applied' })
})

test('effects that have run do not run again because a later event is refused, or is a duplicate', async () => {
  const ran: string[] = []
  const machine = setup({ types: { context: {} as { kept: unknown } } }).createMachine({
    id: 'actor',
    context: { kept: null },
    on: { ACT: { actions: () => ran.push('act') }, POISON: { actions: assign({ kept: () => fail }) } }
  })
  const first = await start([machine])
  const ref = await first.spawn(machine)
  await ref.send({ type: 'ACT' }, { dedupKey: 'k' })
  await first.stop()
  const runtime = await start([machine])
  await runtime.send(ref.id, { type: 'ACT' })
  await runtime.send(ref.id, { type: 'POISON' }).catch(() => undefined)
  expect(await runtime.send(ref.id, { type: 'ACT' }, { dedupKey: 'k' })).toEqual({ status: 'duplicate' })
  expect(ran).toEqual(['act', 'act'])
})

/** Machines that are registered with a retry policy: what throws is tried again, then parked. */
import { assign, createMachine, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

function fail(): never {
  throw new RangeError('out of luck')
}

/** Fails as often as it is told to, in the whole world. */
const flaky = (failures: number, ran: string[]) =>
  createMachine({
    id: 'flaky',
    initial: 'a',
    states: {
      a: { on: { GO: 'b' } },
      b: {
        entry: [
          () => void ran.push('before'),
          () => {
            ran.push('flaky')
            if (failures-- > 0) fail()
          },
          () => void ran.push('after')
        ]
      }
    }
  })

test('with a retry policy an action that throws runs again, those before it do not, and those after it run in the end', async () => {
  const ran: string[] = []
  const machine = flaky(2, ran)
  const runtime = await start([{ machine, retry: { initial: 1, jitter: 0 } }])
  const attempts: number[] = []
  runtime.on('actor.retry', ({ attempt }) => attempts.push(attempt))
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
  await eventually(() => ran).toEqual(['before', 'flaky', 'flaky', 'flaky', 'after'])
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { value: 'b' }, last_error: null })
  expect(attempts).toEqual([1, 2])
})

test('with a retry policy an action that always throws ends parked, with its reason', async () => {
  const ran: string[] = []
  const machine = flaky(Infinity, ran)
  const runtime = await start([{ machine, retry: { maxAttempts: 3, initial: 1, jitter: 0 } }])
  const parked = hear(runtime, 'actor.parked')
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  expect(await parked).toMatchObject({ id: ref.id, machine: 'flaky', reason: new RangeError('out of luck') })
  await eventually(() => rowOf(ref.id)).toMatchObject({
    status: 'parked',
    owner: null,
    last_error: { message: 'out of luck' }
  })
  expect(ran).toEqual(['before', 'flaky', 'flaky', 'flaky'])
})

test('with a retry policy an event that makes the machine throw is tried again, and not lost', async () => {
  let failures = 2
  const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'flaky',
    context: { n: 0 },
    on: { UP: { actions: assign({ n: ({ context }) => (failures-- > 0 ? fail() : context.n + 1) }) } }
  })
  const runtime = await start([{ machine, retry: { initial: 1, jitter: 0 } }])
  const ref = await runtime.spawn(machine)
  expect((await ref.send({ type: 'UP' })).status).toMatch(/applied|queued/)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', snapshot: { context: { n: 1 } }, inbox: [] })
})

test('with a retry policy an endless loop of transitions ends parked, and its event waits', async () => {
  const machine = createMachine({
    id: 'circle',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { always: 'c' }, c: { always: 'b' } }
  })
  const runtime = await start([{ machine, retry: { maxAttempts: 2, initial: 1 } }])
  const ref = await runtime.spawn(machine)
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'queued' })
  const last_error = { message: expect.stringContaining('circle') }
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked', snapshot: { value: 'a' }, last_error })
  expect((await rowOf(ref.id)).inbox).toEqual([{ type: 'GO' }])
})

test('what is sent to a parked actor waits in its inbox', async () => {
  const machine = flaky(Infinity, [])
  const runtime = await start([{ machine, retry: { maxAttempts: 1 } }])
  const parked = hear(runtime, 'actor.parked')
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  await parked
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked' })
  expect(await ref.send({ type: 'HELLO' })).toEqual({ status: 'queued' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'parked', inbox: [{ type: 'HELLO' }] })
})

test('effects that ran in the end are progress: the attempts before them are forgotten', async () => {
  const ran: string[] = []
  const machine = flaky(2, ran)
  const runtime = await start([{ machine, retry: { initial: 1, jitter: 0 } }])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  await eventually(() => ran).toContain('after')
  await eventually(() => db.sql('select attempt, journal from perdure.actor')).toEqual([{ attempt: 0, journal: null }])
  await runtime.stop()
  const next = await start([machine])
  expect(await next.send(ref.id, { type: 'LATER' })).toEqual({ status: 'deferred' })
})

test('two failures of one turn that cannot be stored are found one by one, and the actor is parked', async () => {
  const fails = createMachine({ id: 'fails', on: { X: { actions: () => failWith(() => undefined) } } })
  const machine = setup({ actors: { fails } }).createMachine({
    id: 'parent',
    context: { error: null },
    invoke: [
      { src: 'fails', id: 'one', onError: { actions: assign({ error: ({ event }) => event.error as null }) } },
      { src: 'fails', id: 'two', onError: {} }
    ],
    on: { GO: { actions: [sendTo('one', { type: 'X' }), sendTo('two', { type: 'X' })] } }
  })
  const runtime = await start([machine])
  const parked = hear(runtime, 'actor.parked')
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  await parked
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked' })
})

function failWith(reason: unknown): never {
  throw reason
}

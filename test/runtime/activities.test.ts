/** Work that fails now and then: attempts, pauses, timeouts, and that all of it is in the row. */
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { activity, job, NonRetryableError, type ActivityArgs } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { start, rowOf, declareNodesDead, letTimePass } = await openStage()

/** Of this process: what the activities of the test at hand were given, and what they do next. */
const attempts: ActivityArgs<{ amount: number }>[] = []
let attempt: (args: ActivityArgs<{ amount: number }>) => Promise<string> = async () => 'receipt'

const soon = { maxAttempts: 4, initial: 1, factor: 1, jitter: 0 } as const

/** Pays by an activity; `retry` as given. */
const paying = (options: Parameters<typeof activity>[1]) =>
  setup({
    types: { context: {} as { receipt: string | null; error: unknown }, input: {} as { amount: number } },
    actors: {
      charge: activity(async (args: ActivityArgs<{ amount: number }>) => {
        attempts.push(args)
        return attempt(args)
      }, options)
    }
  }).createMachine({
    id: 'paying',
    context: { receipt: null, error: null },
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: { amount: 7 },
          onDone: { target: 'paid', actions: assign({ receipt: ({ event }) => event.output }) },
          onError: { target: 'refused', actions: assign({ error: ({ event }) => event.error }) }
        },
        on: { GIVE_UP: 'refused' }
      },
      paid: {},
      refused: {}
    }
  })

const begin = (next: typeof attempt) => {
  attempts.length = 0
  attempt = next
}

const failTimes = (times: number) => async (args: ActivityArgs<unknown>) => {
  if (args.attempt <= times) throw new Error(`no. ${args.attempt}`)
  return 'receipt'
}

test('an attempt that fails is followed by the next, and the one that succeeds is what the machine hears of', async () => {
  begin(failTimes(2))
  const machine = paying({ retry: soon })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('paid'))
  expect(context.receipt).toBe('receipt')
  expect(attempts.map(({ attempt, input, actorId }) => ({ attempt, input, actorId }))).toEqual(
    [1, 2, 3].map((attempt) => ({ attempt, input: { amount: 7 }, actorId: ref.id }))
  )
  expect(new Set(attempts.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
})

test('the error of the last attempt comes as onError', async () => {
  begin(failTimes(99))
  const machine = paying({ retry: soon })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toMatchObject({ message: 'no. 4' })
  expect(attempts).toHaveLength(4)
})

test('an error that no attempt could mend has no further one, also as a cause', async () => {
  begin(async () => {
    throw new Error('card', { cause: new NonRetryableError('stolen') })
  })
  const machine = paying({ retry: soon })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toMatchObject({ message: 'card' })
  expect(attempts).toHaveLength(1)
})

test('while it pauses the actor may sleep: attempt and time are in its row, and any node goes on', async () => {
  begin(failTimes(1))
  const machine = paying({ retry: { ...soon, initial: '1 hour' } })
  const first = await start([machine], { passivateAfter: 0 })
  const retrying = hear(first, 'activity.retrying')
  const ref = await first.spawn(machine, { input: { amount: 7 } })
  expect(await retrying).toMatchObject({ id: ref.id, attempt: 1, retryInMs: 3_600_000, error: { message: 'no. 1' } })
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, status: 'waiting' })
  await first.stop()
  await letTimePass(3_600_000)
  const second = await start([machine])
  await (await second.get(machine, ref.id)).waitFor((snapshot) => snapshot.matches('paid'))
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
})

test('an attempt that a crash cuts off is repeated under the same number and key', async () => {
  let hang: (value: string) => void = () => undefined
  begin((args) => (attempts.length === 1 ? new Promise((resolve) => (hang = resolve)) : failTimes(0)(args)))
  const machine = paying({ retry: soon })
  const first = await start([machine], { name: 'first' })
  const ref = await first.spawn(machine, { input: { amount: 7 } })
  await eventually(() => attempts.length).toBe(1)
  await first.stop({ drain: 0 })
  await declareNodesDead()
  const second = await start([machine], { name: 'second' })
  await (await second.get(machine, ref.id)).waitFor((snapshot) => snapshot.matches('paid'))
  hang('too late')
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 1])
  expect(attempts[1]?.idempotencyKey).toBe(attempts[0]?.idempotencyKey)
})

test('a first attempt that is taken up after a crash, and fails, is followed by the next', async () => {
  begin((args) => (attempts.length === 1 ? new Promise(() => undefined) : failTimes(1)(args)))
  const machine = paying({ retry: soon })
  const first = await start([machine], { name: 'first' })
  const ref = await first.spawn(machine, { input: { amount: 7 } })
  await eventually(() => attempts.length).toBe(1)
  await first.stop({ drain: 0 })
  await declareNodesDead()
  const second = await start([machine], { name: 'second' })
  await (await second.get(machine, ref.id)).waitFor((snapshot) => snapshot.matches('paid'))
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 1, 2])
})

test('leaving the state aborts the attempt', async () => {
  begin(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  )
  const machine = paying({ retry: soon })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  await eventually(() => attempts.length).toBe(1)
  await ref.send({ type: 'GIVE_UP' })
  expect(attempts[0]?.signal.aborted).toBe(true)
})

test('leaving the state ends a pause', async () => {
  begin(failTimes(99))
  const machine = paying({ retry: { ...soon, initial: '1 hour' } })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  await eventually(async () => (await rowOf(ref.id)).snapshot?.timers?.length).toBe(1)
  await ref.send({ type: 'GIVE_UP' })
  const { snapshot } = await rowOf(ref.id)
  expect(snapshot.value).toBe('refused')
  expect(snapshot).not.toHaveProperty('timers')
})

test('an attempt that takes too long is aborted, and has failed', async () => {
  begin((args) => (args.attempt === 1 ? new Promise(() => undefined) : failTimes(0)(args)))
  const machine = paying({ retry: soon, timeout: 20 })
  const runtime = await start([machine])
  const retrying = hear(runtime, 'activity.retrying')
  const ref = await runtime.spawn(machine, { input: { amount: 7 } })
  await ref.waitFor((snapshot) => snapshot.matches('paid'))
  expect(attempts[0]?.signal.aborted).toBe(true)
  expect(await retrying).toMatchObject({ error: { _tag: 'ActivityTimeoutError', timeoutMs: 20 } })
})

test('a job is one function: its output is the result, the last error the failure', async () => {
  const tries: number[] = []
  const mail = job(
    'mail',
    async ({ input, attempt }: ActivityArgs<{ to: string }>) => {
      tries.push(attempt)
      if (input.to === 'nobody') throw new Error('no such box')
      return { sent: input.to }
    },
    { retry: soon }
  )
  const runtime = await start([mail])
  const ref = await runtime.spawn(mail, { input: { to: 'ada' } })
  expect(await ref.result()).toEqual({ sent: 'ada' })
  expect(tries).toEqual([1])
  const lost = await runtime.spawn(mail, { input: { to: 'nobody' } })
  await expect(lost.result()).rejects.toMatchObject({ _tag: 'ActorFailedError', cause: { message: 'no such box' } })
  expect(tries).toEqual([1, 1, 2, 3, 4])
})

test('options that cannot be used are refused by name', () => {
  expect(() => activity(async () => 1, { timeout: 0 })).toThrow(/timeout/)
  expect(() => activity(async () => 1, { retires: 3 } as never)).toThrow(/'retires' is unknown/)
  expect(() => activity(undefined as never)).toThrow(/function/)
  expect(() => createMachine({ id: 'x' }) && job('', async () => 1)).toThrow(/id of a job/)
})

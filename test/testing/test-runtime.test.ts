import { assign, fromPromise, setup } from 'xstate'
import { afterEach, expect, test } from 'vitest'
import { idempotencyKey } from '../../src/index.ts'
import { createTestRuntime } from '../../src/testing/index.ts'

const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.stop()
})

async function start<const Machines extends Parameters<typeof createTestRuntime>[0]['machines']>(machines: Machines) {
  const runtime = createTestRuntime({ machines })
  open.push(runtime)
  await runtime.start()
  return runtime
}

const reminder = setup({}).createMachine({
  id: 'reminder',
  initial: 'waiting',
  states: {
    waiting: { after: { 86_400_000: 'reminded' }, on: { PAID: 'paid' } },
    reminded: { after: { 86_400_000: 'expired' }, on: { PAID: 'paid' } },
    paid: { type: 'final' },
    expired: { type: 'final' }
  }
})

test('time stands still until it is moved, and then every timer fires in turn', async () => {
  const runtime = await start([reminder])
  const actor = await runtime.spawn(reminder)
  await runtime.advance('23 hours')
  expect((await actor.getSnapshot()).value).toBe('waiting')
  await runtime.advance('1 hour')
  expect((await actor.getSnapshot()).value).toBe('reminded')
  await runtime.advance('3 days')
  expect((await actor.getSnapshot()).value).toBe('expired')
})

test('a timer of an actor that was passivated wakes it', async () => {
  const runtime = await start([reminder])
  const actor = await runtime.spawn(reminder)
  await runtime.passivateAll()
  await runtime.advance('1 day')
  expect((await actor.getSnapshot()).value).toBe('reminded')
})

test('a delayed start begins when its time has come', async () => {
  const runtime = await start([reminder])
  const actor = await runtime.spawn(reminder, { startIn: '1 hour' })
  expect(await actor.send({ type: 'PAID' })).toEqual({ status: 'queued' })
  await runtime.advance('59 minutes')
  expect((await actor.getSnapshot()).value).toBe('waiting')
  await runtime.advance('1 minute')
  expect((await actor.getSnapshot()).value).toBe('paid')
})

test('after a crash unacknowledged effects and started work run again, with the same keys', async () => {
  const keys: (string | undefined)[] = []
  let release = (): void => undefined
  const job = setup({
    actions: { note: () => keys.push(idempotencyKey()) },
    actors: {
      work: fromPromise(async () => {
        keys.push(idempotencyKey())
        await new Promise<void>((resolve) => (release = resolve))
      })
    }
  }).createMachine({
    id: 'job',
    initial: 'working',
    states: { working: { entry: 'note', invoke: { src: 'work', onDone: 'done' } }, done: { type: 'final' } }
  })
  const runtime = await start([job])
  const actor = await runtime.spawn(job)
  await expect.poll(() => keys.length).toBe(2)
  await runtime.crash()
  await runtime.drain()
  release()
  await actor.result()
  expect(keys).toHaveLength(4)
  expect(new Set(keys).size).toBe(2)
})

test('what was acknowledged before a crash does not run again', async () => {
  let runs = 0
  const counter = setup({ actions: { note: () => runs++ } }).createMachine({
    id: 'counter',
    context: { count: 0 },
    on: { ADD: { actions: [assign({ count: ({ context }) => context.count + 1 }), 'note'] } }
  })
  const runtime = await start([counter])
  const actor = await runtime.spawn(counter)
  await actor.send({ type: 'ADD' })
  await runtime.drain()
  await runtime.crash()
  await runtime.drain()
  await actor.send({ type: 'ADD' })
  expect((await actor.getSnapshot()).context.count).toBe(2)
  expect(runs).toBe(2)
})

test('an action of the final state that throws makes the machine fail, as in XState', async () => {
  const machine = setup({
    actions: {
      boom: () => {
        throw new RangeError('too late')
      }
    }
  }).createMachine({
    id: 'final',
    initial: 'a',
    states: { a: { on: { END: 'b' } }, b: { type: 'final', entry: 'boom' } }
  })
  const runtime = await start([machine])
  const actor = await runtime.spawn(machine)
  await actor.send({ type: 'END' })
  await expect(actor.result()).rejects.toMatchObject({ cause: new RangeError('too late') })
})

test('an actor that waits for its next attempt is tried again at once by retry, and ended by cancel', async () => {
  let isIll = true
  const patient = setup({}).createMachine({
    id: 'patient',
    initial: 'waiting',
    states: {
      waiting: { on: { GO: 'treated' } },
      treated: {
        entry: () => {
          if (isIll) throw new Error('still ill')
        }
      }
    }
  })
  const machines = [{ machine: patient, retry: { initial: '1 hour' } }] as const
  const runtime = createTestRuntime({ machines, warn: () => undefined })
  open.push(runtime)
  await runtime.start()
  const actor = await runtime.spawn(patient)
  await actor.send({ type: 'GO' })
  await runtime.drain()
  isIll = false
  expect(await runtime.retry(actor.id)).toBe(true)
  await runtime.drain()
  expect((await actor.getSnapshot()).value).toBe('treated')
  await runtime.cancel(actor.id, 'left')
  await expect(actor.result()).rejects.toMatchObject({ status: 'stopped' })
})

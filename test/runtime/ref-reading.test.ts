/** Reading through a ref: `getSnapshot`, `waitFor`, `result`. */
import { randomUUID } from 'node:crypto'
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import {
  ActorFailedError,
  ActorNotFoundError,
  ActorTerminatedError,
  MachineNotRegisteredError,
  RuntimeNotRunningError,
  WaitTimeoutError,
  WaitUnmetError,
  createRuntime
} from 'perdure'
import { openStage } from './stage.ts'

const { db, start, watch, rowOf } = await openStage()

/** Climbs by `UP`, and ends by `END` with its height. */
const climber = setup({
  types: {
    context: {} as { height: number },
    events: {} as { type: 'UP' | 'END' | 'FALL' },
    output: {} as { height: number }
  }
}).createMachine({
  id: 'climber',
  context: { height: 0 },
  output: ({ context }) => ({ height: context.height }),
  initial: 'climbing',
  states: {
    climbing: {
      tags: ['busy'],
      on: {
        UP: { actions: assign({ height: ({ context }) => context.height + 1 }) },
        END: 'top',
        FALL: { actions: assign({ height: () => fall() }) }
      }
    },
    top: { type: 'final' }
  }
})

function fall(): never {
  throw new RangeError('the rope broke')
}

test('a snapshot is whole: value, context, tags, and the methods of XState', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  await ref.send({ type: 'UP' })
  const snapshot = await ref.getSnapshot()
  expect(snapshot).toMatchObject({ status: 'active', value: 'climbing', context: { height: 1 } })
  expect(snapshot.matches('climbing')).toBe(true)
  expect(snapshot.hasTag('busy')).toBe(true)
  expect([snapshot.can({ type: 'UP' }), snapshot.can({ type: 'JUMP' } as never)]).toEqual([true, false])
})

test('a snapshot is the same whether the actor is awake here, awake elsewhere, or asleep', async () => {
  const [here, there] = [await start([climber]), await start([climber], { queues: {} })]
  const ref = await here.spawn(climber)
  await ref.send({ type: 'UP' })
  const awake = await ref.getSnapshot()
  const elsewhere = await (await there.get(climber, ref.id)).getSnapshot()
  await here.stop()
  const asleep = await (await there.get(climber, ref.id)).getSnapshot()
  for (const snapshot of [elsewhere, asleep]) expect(snapshot.toJSON()).toEqual(awake.toJSON())
})

test('a snapshot is never ahead of what is committed', async () => {
  const { pool, hold } = watch()
  const runtime = await start([climber], { database: pool })
  const ref = await runtime.spawn(climber)
  await ref.send({ type: 'UP' })
  const release = hold('commit')
  const sending = ref.send({ type: 'UP' })
  await new Promise((resolve) => setImmediate(resolve))
  expect((await ref.getSnapshot()).context.height).toBe(1)
  release()
  await sending
  expect((await ref.getSnapshot()).context.height).toBe(2)
})

test('a ref of an actor that does not exist fails where it is read', async () => {
  const runtime = await start([climber])
  const ref = await runtime.get(climber, randomUUID())
  await expect(ref.getSnapshot()).rejects.toThrow(ActorNotFoundError)
  await expect(ref.waitFor(() => true)).rejects.toThrow(ActorNotFoundError)
  await expect(ref.result()).rejects.toThrow(ActorNotFoundError)
  await expect(ref.stop()).rejects.toThrow(ActorNotFoundError)
  await expect(runtime.get(climber, { key: 'nobody' })).rejects.toThrow(ActorNotFoundError)
})

test('a ref got by id alone finds its machine by the row', async () => {
  const runtime = await start([climber])
  const { id } = await runtime.spawn(climber, { key: 'mine' })
  for (const address of [id, { key: 'mine' }]) {
    const ref = await runtime.get(address)
    expect(ref.id).toBe(id)
    expect(await ref.getSnapshot()).toMatchObject({ value: 'climbing' })
  }
})

test('a ref of an actor whose machine is not registered is told so', async () => {
  const other = setup({}).createMachine({ id: 'other' })
  const [here, there] = [await start([climber]), await start([other])]
  const { id } = await here.spawn(climber)
  await expect((await there.get(id)).getSnapshot()).rejects.toThrow(MachineNotRegisteredError)
})

test('a ref of an actor of a version that is not registered is told which ones are', async () => {
  const [here, there] = [
    await start([{ machine: climber, version: '1' }]),
    await start([{ machine: climber, version: '2' }])
  ]
  const { id } = await here.spawn(climber)
  await expect((await there.get(id)).getSnapshot()).rejects.toThrow(
    /of version '1' is not registered \(registered: \w+ of version '2'\)/
  )
})

test('waitFor is met by the present snapshot, or by a later one', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  expect((await ref.waitFor(({ context }) => context.height === 0)).context.height).toBe(0)
  const waiting = ref.waitFor(({ context }) => context.height === 2)
  await Promise.all([ref.send({ type: 'UP' }), ref.send({ type: 'UP' }), ref.send({ type: 'UP' })])
  expect((await waiting).context.height).toBe(2)
})

test('waitFor is not met by a snapshot that is not committed', async () => {
  const leaf = await start([climber], { queues: {} })
  const ref = await leaf.spawn(climber)
  const rowWhenMet = ref.waitFor(() => true).then(() => rowOf(ref.id))
  await ref.send({ type: 'UP' })
  await start([climber])
  expect((await rowWhenMet).version).toBeGreaterThan(0)
})

test('waitFor sees an actor that is awake on another node', async () => {
  const [here, there] = [await start([climber]), await start([climber])]
  const ref = await here.spawn(climber)
  const waiting = (await there.get(climber, ref.id)).waitFor(({ context }) => context.height === 1)
  await ref.send({ type: 'UP' })
  expect((await waiting).context.height).toBe(1)
})

test('waitFor rejects when the actor ends before, in whichever way', async () => {
  const runtime = await start([climber])
  const refs = await Promise.all(['done', 'failed', 'stopped'].map(() => runtime.spawn(climber)))
  const [done, failed, stopped] = refs.map((ref) =>
    ref.waitFor(({ context }) => context.height > 5).catch((e: unknown) => e)
  )
  await Promise.all([refs[0]?.send({ type: 'END' }), refs[1]?.send({ type: 'FALL' }), refs[2]?.stop()])
  for (const error of [await done, await failed, await stopped]) expect(error).toBeInstanceOf(WaitUnmetError)
  expect(await done).toMatchObject({ actorId: refs[0]?.id, status: 'done' })
  expect(await failed).toMatchObject({ actorId: refs[1]?.id, status: 'failed' })
})

test('waitFor of an actor that is stopped says so', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  const waiting = ref.waitFor(({ context }) => context.height > 5)
  await ref.stop()
  await expect(waiting).rejects.toMatchObject({ status: 'stopped' })
})

test('waitFor gives up after its timeout, and the actor goes on', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  const waiting = ref.waitFor(({ context }) => context.height > 5, { timeout: 5 })
  await expect(waiting).rejects.toThrow(WaitTimeoutError)
  await expect(waiting).rejects.toMatchObject({ actorId: ref.id, timeoutMs: 5 })
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
})

test('a predicate that throws rejects its wait with what it threw, and harms nobody', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  await expect(ref.waitFor(fall)).rejects.toThrow('the rope broke')
  const waiting = ref.waitFor(({ context }) => (context.height > 0 ? fall() : false))
  expect(await Promise.all([ref.send({ type: 'UP' }), waiting.catch(String)])).toEqual([
    { status: 'applied' },
    'RangeError: the rope broke'
  ])
})

test('waits end when the runtime stops', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  const waits = Promise.allSettled([
    ref.waitFor(() => false),
    ref.result(),
    ref.waitFor(() => false, { timeout: '1 hour' })
  ])
  await runtime.stop()
  for (const outcome of await waits) {
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(RuntimeNotRunningError)
  }
})

test('result is the output of the final state, for those who wait', async () => {
  const [here, there] = [await start([climber]), await start([climber])]
  const ref = await here.spawn(climber)
  const waits = Promise.all([ref.result(), (await there.get(climber, ref.id)).result()])
  await ref.send({ type: 'UP' })
  await ref.send({ type: 'END' })
  expect(await waits).toEqual([{ height: 1 }, { height: 1 }])
})

test('result is the output of the final state, for those who come late', async () => {
  const runtime = await start([climber])
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(climber)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'END' })))
  for (const ref of refs) expect(await ref.result()).toEqual({ height: 0 })
})

test('waitFor is met by the last snapshot of an actor that has ended', async () => {
  const runtime = await start([climber])
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(climber)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'END' })))
  for (const ref of refs) expect((await ref.waitFor(({ status }) => status === 'done')).value).toBe('top')
})

test('result of an actor that failed carries what its machine threw', async () => {
  const [here, there] = [await start([climber]), await start([climber], { queues: {} })]
  const ref = await here.spawn(climber)
  await ref.send({ type: 'FALL' })
  for (const runtime of [here, there]) {
    const failed = (await runtime.get(climber, ref.id)).result()
    await expect(failed).rejects.toThrow(ActorFailedError)
    await expect(failed).rejects.toMatchObject({ actorId: ref.id, cause: new RangeError('the rope broke') })
  }
})

test('result of an actor that was stopped says that there is none', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  const early = ref.result().catch((error: unknown) => error)
  await ref.stop()
  expect(await early).toBeInstanceOf(ActorTerminatedError)
  await expect(ref.result()).rejects.toMatchObject({ status: 'stopped' })
})

test('result waits no longer than it is told to', async () => {
  const runtime = await start([climber])
  const ref = await runtime.spawn(climber)
  await expect(ref.result({ timeout: '5 millis' })).rejects.toThrow(WaitTimeoutError)
})

test('what is read before the start is refused', async () => {
  const runtime = createRuntime({ database: db.url, machines: [climber] })
  const ref = await runtime.get(climber, randomUUID())
  for (const reading of [ref.getSnapshot(), ref.waitFor(() => true), ref.result()]) {
    await expect(reading).rejects.toThrow(RuntimeNotRunningError)
  }
})

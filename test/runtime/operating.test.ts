/** What an operator does to one actor: have it tried again, or end it. */
import { createMachine, fromCallback, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { ActorNotFoundError, ActorTerminatedError, InvalidArgumentError, RuntimeNotRunningError } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** Fails until it is mended. */
const patient = (state: { isIll: boolean }) =>
  setup({ types: { events: {} as { type: 'GO' } } }).createMachine({
    id: 'patient',
    initial: 'waiting',
    states: {
      waiting: { on: { GO: 'treated' } },
      treated: {
        type: 'final',
        entry: () => {
          if (state.isIll) throw new RangeError('still ill')
        }
      }
    }
  })

describe('retry', () => {
  test('takes up a parked actor, which keeps its error until there is progress', async () => {
    const state = { isIll: true }
    const machine = patient(state)
    const runtime = await start([{ machine, retry: { maxAttempts: 2, initial: 1, jitter: 0 } }])
    const parked = hear(runtime, 'actor.parked')
    const ref = await runtime.spawn(machine)
    await ref.send({ type: 'GO' })
    await parked
    const attempts: number[] = []
    runtime.on('actor.retry', ({ attempt }) => attempts.push(attempt))
    const again = hear(runtime, 'actor.parked')
    expect(await runtime.retry(ref.id)).toBe(true)
    await again
    expect(attempts).toEqual([1])
    state.isIll = false
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked', last_error: { message: 'still ill' } })
    expect(await runtime.retry(ref.id)).toBe(true)
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'done', last_error: null })
  })

  test('takes up an actor that waits for its next attempt, from a node that runs nothing', async () => {
    const state = { isIll: true }
    const machine = patient(state)
    const runtime = await start([{ machine, retry: { initial: '1 hour' } }], { poll: '1 hour' })
    const leaf = await start([machine], { queues: {} })
    const failed = hear(runtime, 'actor.retry')
    const ref = await runtime.spawn(machine, { key: 'ward 7' })
    await ref.send({ type: 'GO' })
    await failed
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null })
    state.isIll = false
    expect(await leaf.retry({ key: 'ward 7' })).toBe(true)
    await ref.result()
  })

  test('leaves alone what waits for nothing but its time or its event', async () => {
    const machine = patient({ isIll: false })
    const runtime = await start([machine], { passivateAfter: 0 })
    const [late, asleep] = [await runtime.spawn(machine, { startIn: '1 hour' }), await runtime.spawn(machine)]
    await eventually(() => rowOf(asleep.id)).toMatchObject({ status: 'waiting', owner: null })
    expect(await runtime.retry(late.id)).toBe(false)
    expect(await runtime.retry(asleep.id)).toBe(false)
    expect(await rowOf(late.id)).toMatchObject({ status: 'waiting', version: 0 })
  })

  test('is refused of an actor that has ended, or never was', async () => {
    const machine = patient({ isIll: false })
    const runtime = await start([machine])
    const ref = await runtime.spawn(machine)
    await ref.send({ type: 'GO' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'done' })
    await expect(runtime.retry(ref.id)).rejects.toThrow(ActorTerminatedError)
    await expect(runtime.retry(crypto.randomUUID())).rejects.toThrow(ActorNotFoundError)
    await expect(runtime.retry({ key: 'nobody' })).rejects.toThrow(ActorNotFoundError)
  })
})

/** Works until it is stopped, in a child of a child. */
const worker = (log: string[]) => {
  const work = fromCallback(() => {
    log.push('begun')
    return () => void log.push('stopped')
  })
  const shift = setup({ actors: { work } }).createMachine({ id: 'shift', invoke: { src: 'work' } })
  return setup({ types: { events: {} as { type: 'GO' } }, actors: { shift } }).createMachine({
    id: 'worker',
    initial: 'idle',
    states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { src: 'shift' } } }
  })
}

const ended = { status: 'stopped', owner: null }

describe('cancel', () => {
  test.each([
    ['on this node', true],
    ['on another node', false]
  ])('ends an actor that is awake %s, and the work of its children', async (_, isHere) => {
    const log: string[] = []
    const machine = worker(log)
    const owner = await start([machine])
    const runtime = isHere ? owner : await start([machine], { queues: {} })
    const ref = await owner.spawn(machine)
    await ref.send({ type: 'GO' })
    await eventually(() => log).toEqual(['begun'])
    const outcome = ref.result().catch((error: unknown) => error)
    await runtime.cancel(ref.id, 'no work today')
    expect(log).toEqual(['begun', 'stopped'])
    expect(await rowOf(ref.id)).toMatchObject({ ...ended, last_error: { message: 'no work today' }, inbox: [] })
    expect(await outcome).toMatchObject({ _tag: 'ActorTerminatedError', status: 'stopped' })
  })

  test('ends an actor that sleeps, and frees its key', async () => {
    const machine = worker([])
    const runtime = await start([machine], { passivateAfter: 0 })
    const ref = await runtime.spawn(machine, { key: 'one' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null })
    await runtime.cancel({ key: 'one' }, 'enough')
    expect(await rowOf(ref.id)).toMatchObject({ ...ended, version: 1, last_error: { message: 'enough' } })
    await expect(ref.result()).rejects.toThrow(ActorTerminatedError)
    await expect(ref.send({ type: 'GO' })).rejects.toThrow(ActorTerminatedError)
    expect((await runtime.spawn(machine, { key: 'one' })).id).not.toBe(ref.id)
  })

  test('ends an actor that is parked because its snapshot cannot be read', async () => {
    const machine = worker([])
    const runtime = await start([machine], { passivateAfter: 0 })
    const ref = await runtime.spawn(machine)
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null })
    await db.sql(`update perdure.actor set snapshot = '[]'`)
    await ref.send({ type: 'GO' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked' })
    const reason = (await rowOf(ref.id)).last_error
    await runtime.cancel(ref.id)
    expect(await rowOf(ref.id)).toMatchObject({ ...ended, last_error: reason, inbox: [{ type: 'GO' }] })
    await expect(ref.result()).rejects.toMatchObject({ _tag: 'ActorTerminatedError', status: 'stopped' })
    await expect(ref.waitFor(() => true)).rejects.toMatchObject({ _tag: 'WaitUnmetError', status: 'stopped' })
  })

  test('ends an actor that has not started, and one of a machine that nobody knows', async () => {
    const stranger = createMachine({ id: 'stranger' })
    const machine = worker([])
    const runtime = await start([machine])
    const leaf = await start([stranger], { queues: {} })
    const refs = [await runtime.spawn(machine, { startIn: '1 hour' }), await leaf.spawn(stranger)]
    for (const { id } of refs) await runtime.cancel(id)
    for (const { id } of refs) expect(await rowOf(id)).toMatchObject({ ...ended, version: 0 })
    await expect(refs[0]?.result()).rejects.toThrow(ActorTerminatedError)
  })

  test('ends an actor that waits for its next attempt', async () => {
    const machine = patient({ isIll: true })
    const runtime = await start([{ machine, retry: { initial: '1 hour' } }])
    const failed = hear(runtime, 'actor.retry')
    const ref = await runtime.spawn(machine)
    await ref.send({ type: 'GO' })
    await failed
    await runtime.cancel(ref.id)
    expect(await rowOf(ref.id)).toMatchObject({ ...ended, last_error: { message: 'still ill' } })
  })

  test('ends an actor whose node is gone without a word', async () => {
    const machine = worker([])
    const leaf = await start([machine], { queues: {} })
    const ref = await leaf.spawn(machine)
    await db.sql(`update perdure.actor set owner = gen_random_uuid()`)
    await leaf.cancel(ref.id)
    expect(await rowOf(ref.id)).toMatchObject(ended)
  })

  test('ends an actor that its node parks before it hears of it', async () => {
    const machine = worker([])
    const leaf = await start([machine], { queues: {} })
    const ref = await leaf.spawn(machine)
    await db.sql(`update perdure.actor set owner = (select id from perdure.node)`)
    const cancelled = leaf.cancel(ref.id)
    await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [{ type: 'xstate.stop' }] })
    await db.sql(`update perdure.actor set owner = null, status = 'parked'`)
    await cancelled
    expect(await rowOf(ref.id)).toMatchObject(ended)
  })

  test('is refused where the runtime stops before the actor has ended', async () => {
    const machine = worker([])
    const leaf = await start([machine], { queues: {} })
    const ref = await leaf.spawn(machine)
    await db.sql(`update perdure.actor set owner = (select id from perdure.node)`)
    const refused = leaf.cancel(ref.id).catch((error: unknown) => error)
    await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [{ type: 'xstate.stop' }] })
    await leaf.stop()
    expect(await refused).toBeInstanceOf(RuntimeNotRunningError)
  })

  test('does nothing to an actor that has ended, and is refused of one that never was', async () => {
    const machine = patient({ isIll: false })
    const runtime = await start([machine])
    const ref = await runtime.spawn(machine)
    await Promise.all([runtime.cancel(ref.id), runtime.cancel(ref.id)])
    await runtime.cancel(ref.id, 'too late')
    expect(await rowOf(ref.id)).toMatchObject({ ...ended, last_error: null })
    const done = await runtime.spawn(machine)
    await done.send({ type: 'GO' })
    await eventually(() => rowOf(done.id)).toMatchObject({ status: 'done' })
    await runtime.cancel(done.id)
    expect(await rowOf(done.id)).toMatchObject({ status: 'done' })
    await expect(runtime.cancel(crypto.randomUUID())).rejects.toThrow(ActorNotFoundError)
    await expect(runtime.cancel(done.id, '')).rejects.toThrow(InvalidArgumentError)
  })
})

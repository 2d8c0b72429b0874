/** `dedupKey`: an event that is sent again is not applied again, whatever happened in between. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { ActorTerminatedError, InboxFullError, InvalidArgumentError, MailboxFullError } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, watch } = await openStage()

/** Counts its pings; `LATER` is taken only when it is awake. */
const counter = setup({
  types: { context: {} as { pings: number }, events: {} as { type: 'PING' | 'LATER' | 'WAKE' | 'END' } },
  actions: { count: assign({ pings: ({ context }) => context.pings + 1 }) }
}).createMachine({
  id: 'counter',
  context: { pings: 0 },
  initial: 'dozing',
  on: { PING: { actions: 'count' }, END: '.over' },
  states: { dozing: { on: { WAKE: 'up' } }, up: { on: { LATER: { actions: 'count' } } }, over: { type: 'final' } }
})

const ping = { type: 'PING' } as const
const dedupKey = 'evt-7'

test('the same key again is answered duplicate and changes nothing', async () => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  expect(await ref.send(ping, { dedupKey })).toEqual({ status: 'applied' })
  expect(await ref.send(ping, { dedupKey })).toEqual({ status: 'duplicate' })
  expect((await ref.getSnapshot()).context.pings).toBe(1)
})

test('of a hundred at once one is applied', async () => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  const answers = await Promise.all(Array.from({ length: 100 }, () => ref.send(ping, { dedupKey })))
  expect(answers.filter(({ status }) => status === 'applied')).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 'duplicate')).toHaveLength(99)
  expect((await ref.getSnapshot()).context.pings).toBe(1)
})

test('of a hundred at once on three nodes, the one without queues too, one is applied', async () => {
  const nodes = [await start([counter]), await start([counter]), await start([counter], { queues: {} })]
  const { id } = await nodes[0]!.spawn(counter)
  const sends = Array.from({ length: 100 }, (_, n) => nodes[n % 3]!.send(id, ping, { dedupKey }))
  const answers = await Promise.all(sends)
  expect(answers.filter(({ status }) => status !== 'duplicate')).toHaveLength(1)
  const ref = await nodes[1]!.get(counter, id)
  const { context } = await ref.waitFor((snapshot) => snapshot.context.pings > 0)
  expect(context.pings).toBe(1)
})

test('a key is known after passivation, and to another node after that', async () => {
  const first = await start([counter], { passivateAfter: 0 })
  const ref = await first.spawn(counter)
  await ref.send(ping, { dedupKey })
  expect(await ref.send(ping, { dedupKey })).toEqual({ status: 'duplicate' })
  const second = await start([counter])
  await eventually(() => second.send(ref.id, ping, { dedupKey })).toEqual({ status: 'duplicate' })
  expect((await ref.getSnapshot()).context.pings).toBe(1)
})

test('a key that was taken is a duplicate after the end, a new one is refused', async () => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send(ping, { dedupKey })
  await ref.send({ type: 'END' }, { dedupKey: 'the end' })
  expect(await ref.send(ping, { dedupKey })).toEqual({ status: 'duplicate' })
  expect(await ref.send({ type: 'END' }, { dedupKey: 'the end' })).toEqual({ status: 'duplicate' })
  await expect(ref.send(ping, { dedupKey: 'new' })).rejects.toThrow(ActorTerminatedError)
})

test('a key that was taken is a duplicate after the end also where the actor runs elsewhere', async () => {
  const [here, there] = [await start([counter]), await start([counter], { queues: {} })]
  const ref = await here.spawn(counter)
  await ref.send(ping, { dedupKey })
  await ref.send({ type: 'END' })
  expect(await there.send(ref.id, ping, { dedupKey })).toEqual({ status: 'duplicate' })
  await expect(there.send(ref.id, ping, { dedupKey: 'new' })).rejects.toThrow(ActorTerminatedError)
})

test('a key that was taken is a duplicate also where it comes together with the end', async () => {
  const first = await start([counter])
  const ref = await first.spawn(counter)
  await ref.send(ping, { dedupKey })
  await first.stop()
  const runtime = await start([counter])
  const ending = runtime.send(ref.id, { type: 'END' })
  expect(await runtime.send(ref.id, ping, { dedupKey })).toEqual({ status: 'duplicate' })
  expect(await ending).toEqual({ status: 'applied' })
})

test('a key that was taken through another node is a duplicate also where it comes together with the end', async () => {
  const [here, there] = [await start([counter]), await start([counter], { queues: {} })]
  const ref = await here.spawn(counter)
  const shown = ref.waitFor(({ context }) => context.pings > 0)
  await there.send(ref.id, ping, { dedupKey })
  await shown
  const ending = here.send(ref.id, { type: 'END' })
  const late = [here.send(ref.id, ping, { dedupKey }), here.send(ref.id, ping, { dedupKey: 'new' })]
  await Promise.all([
    expect(ending).resolves.toEqual({ status: 'applied' }),
    expect(late[0]).resolves.toEqual({ status: 'duplicate' }),
    expect(late[1]).rejects.toThrow(ActorTerminatedError)
  ])
})

test('a deferred event and its repetition are one, before and after it is applied', async () => {
  const runtime = await start([counter], { passivateAfter: 0 })
  const ref = await runtime.spawn(counter)
  expect(await ref.send({ type: 'LATER' }, { dedupKey })).toEqual({ status: 'deferred' })
  expect(await ref.send({ type: 'LATER' }, { dedupKey })).toEqual({ status: 'duplicate' })
  await ref.send({ type: 'WAKE' })
  expect(await ref.send({ type: 'LATER' }, { dedupKey })).toEqual({ status: 'duplicate' })
  expect((await ref.getSnapshot()).context.pings).toBe(1)
})

test('a queued event and its repetition are one', async () => {
  const leaf = await start([counter], { queues: {} })
  const ref = await leaf.spawn(counter)
  const answers = [await ref.send(ping, { dedupKey }), await ref.send(ping, { dedupKey })]
  expect(answers).toEqual([{ status: 'queued' }, { status: 'duplicate' }])
  const worker = await start([counter])
  await ref.waitFor(({ context }) => context.pings > 0)
  expect(await worker.send(ref.id, ping, { dedupKey })).toEqual({ status: 'duplicate' })
  expect((await ref.getSnapshot()).context.pings).toBe(1)
})

test('the same key for another actor is another event', async () => {
  const runtime = await start([counter])
  const refs = [await runtime.spawn(counter), await runtime.spawn(counter)]
  const answers = await Promise.all(refs.map((ref) => ref.send(ping, { dedupKey })))
  expect(answers).toEqual([{ status: 'applied' }, { status: 'applied' }])
})

test('a key whose event was not taken is not remembered', async () => {
  const { pool, hold } = watch()
  const runtime = await start([counter], { database: pool, bounds: { mailbox: 1, inbox: 1 } })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'LATER' })
  await expect(ref.send({ type: 'LATER' }, { dedupKey })).rejects.toThrow(InboxFullError)
  const release = hold('commit')
  const first = ref.send(ping)
  await expect(ref.send(ping, { dedupKey })).rejects.toThrow(MailboxFullError)
  release()
  await first
  expect(await ref.send(ping, { dedupKey })).toEqual({ status: 'applied' })
})

test.each(["'; drop table perdure.dedup --", '__proto__', '🗝️', 'a'.repeat(1024)])(
  'a hostile key is kept as it is',
  async (key) => {
    const runtime = await start([counter])
    const ref = await runtime.spawn(counter)
    await ref.send(ping, { dedupKey: key })
    expect(await db.sql('select dedup_key from perdure.dedup')).toEqual([{ dedup_key: key }])
    expect(await ref.send(ping, { dedupKey: key })).toEqual({ status: 'duplicate' })
  }
)

test.each(['', 'a\0b', '\ud800', 'a'.repeat(1025), 7 as never])('an unusable key is refused', async (key) => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await expect(ref.send(ping, { dedupKey: key })).rejects.toThrow(InvalidArgumentError)
})

test('keys are forgotten after their retention, and not before', async () => {
  const first = await start([counter])
  const ref = await first.spawn(counter)
  await ref.send(ping, { dedupKey })
  await first.stop()
  await start([counter], { dedupRetention: '1 hour' }).then((runtime) => runtime.stop())
  expect(await db.sql('select dedup_key from perdure.dedup')).toHaveLength(1)
  const forgetful = await start([counter], { dedupRetention: 0 })
  await eventually(() => db.sql('select dedup_key from perdure.dedup')).toEqual([])
  expect(await forgetful.send(ref.id, ping, { dedupKey })).toEqual({ status: 'applied' })
})

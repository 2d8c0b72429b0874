/** `send`: what becomes of an event, in which order, and what is refused. */
import { randomUUID } from 'node:crypto'
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import {
  ActorNotFoundError,
  ActorTerminatedError,
  InvalidArgumentError,
  MailboxFullError,
  NotSerializableError,
  TooLargeError,
  type Address
} from 'perdure'
import { eventually, openStage } from './stage.ts'

const { start, rowOf, watch } = await openStage()

/** Writes down what it is told, until it is told to end. */
const diary = setup({
  types: { context: {} as { log: unknown[] }, events: {} as { type: 'NOTE'; note: unknown } | { type: 'END' } }
}).createMachine({
  id: 'diary',
  context: { log: [] },
  initial: 'open',
  states: {
    open: {
      on: { NOTE: { actions: assign({ log: ({ context, event }) => [...context.log, event.note] }) }, END: 'closed' }
    },
    closed: { type: 'final' }
  }
})

const hundred = Array.from({ length: 100 }, (_, n) => n)
const note = (note: unknown) => ({ type: 'NOTE', note }) as const

test('an event that the state takes is applied: its transition is in the database when send resolves', async () => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  expect(await ref.send(note('first'))).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { value: 'open', context: { log: ['first'] } } })
})

test('an event can be sent by key at once after the spawn, also from another node', async () => {
  const [here, there] = [await start([diary]), await start([diary])]
  const ref = await here.spawn(diary, { key: 'mine' })
  expect(await here.send({ key: 'mine' }, note(1))).toEqual({ status: 'applied' })
  expect(await there.send({ key: 'mine' }, note(2))).toEqual({ status: 'queued' })
  await ref.waitFor(({ context }) => context.log.length === 2)
})

test('an event for an actor that is awake on another node is queued, and applied there', async () => {
  const [here, there] = [await start([diary]), await start([diary])]
  const ref = await here.spawn(diary)
  await ref.send(note('mine'))
  const before = await rowOf(ref.id)
  expect(await there.send(ref.id, note('yours'))).toEqual({ status: 'queued' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: ['mine', 'yours'] } }, inbox: [] })
  expect((await rowOf(ref.id)).owner).toBe(before.owner)
})

test('a node without queues queues what it is told to send, for a node that runs actors', async () => {
  const leaf = await start([diary], { queues: {} })
  const ref = await leaf.spawn(diary)
  expect(await ref.send(note(1))).toEqual({ status: 'queued' })
  await start([diary])
  const { context } = await ref.waitFor(({ context }) => context.log.length === 1)
  expect(context.log).toEqual([1])
})

test('a hundred events that are not awaited are applied in order', async () => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  const answers = await Promise.all(hundred.map((n) => ref.send(note(n))))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['applied']))
  expect((await ref.getSnapshot()).context.log).toEqual(hundred)
})

test('a hundred events keep their order while the actor falls asleep between them again and again', async () => {
  const runtime = await start([diary], { passivateAfter: 0 })
  const ref = await runtime.spawn(diary)
  const sends: Promise<unknown>[] = []
  for (const n of hundred) {
    sends.push(ref.send(note(n)))
    if (n % 7 === 0) await sends[Math.floor(n / 2)]
  }
  await Promise.all(sends)
  expect((await ref.getSnapshot()).context.log).toEqual(hundred)
})

test('a hundred events that another node sends keep their order', async () => {
  const [here, there] = [await start([diary]), await start([diary])]
  const ref = await here.spawn(diary)
  await ref.send(note('first'))
  await Promise.all(hundred.map((n) => there.send(ref.id, note(n))))
  const { context } = await ref.waitFor(({ context }) => context.log.length === 101)
  expect(context.log).toEqual(['first', ...hundred])
})

test.each<[string, Address]>([
  ['id', randomUUID()],
  ['key', { key: 'nobody' }]
])('an event for an %s that nobody has is refused', async (_, address) => {
  const runtime = await start([diary])
  await expect(runtime.send(address, { type: 'END' })).rejects.toThrow(ActorNotFoundError)
})

test('an event for an actor that has ended is refused with how it ended, here and on another node', async () => {
  const nodes = [await start([diary]), await start([diary])]
  const done = await nodes[0]!.spawn(diary, { key: 'done' })
  const stopped = await nodes[0]!.spawn(diary)
  await Promise.all([done.send({ type: 'END' }), stopped.stop()])
  for (const runtime of nodes) {
    const refused = runtime.send({ key: 'done' }, note(1))
    await expect(refused).rejects.toThrow(ActorTerminatedError)
    await expect(refused).rejects.toMatchObject({ actorId: done.id, status: 'done' })
    await expect(runtime.send(stopped.id, note(1))).rejects.toMatchObject({ actorId: stopped.id, status: 'stopped' })
  }
})

test('of events sent together, those behind the one that ends the actor are refused', async () => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  const sends = await Promise.allSettled([ref.send(note(1)), ref.send({ type: 'END' }), ref.send(note(2))])
  expect(sends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(await rowOf(ref.id)).toMatchObject({ status: 'done', inbox: [], snapshot: { context: { log: [1] } } })
})

test.each([
  ['nothing', undefined],
  ['a string', 'END'],
  ['an object without a type', { kind: 'END' }],
  ['an empty type', { type: '' }],
  ['a type that is no string', { type: 7 }],
  ['a wildcard', { type: '*' }],
  ["a type of XState's own", { type: 'xstate.done.actor.pay' }]
])('%s is no event', async (_, event) => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  await expect(ref.send(event as never)).rejects.toThrow(InvalidArgumentError)
  expect((await rowOf(ref.id)).version).toBeLessThanOrEqual(1)
})

test('something that is no address is refused', async () => {
  const runtime = await start([diary])
  for (const address of ['order:42', '', { key: '' }, { id: randomUUID() }, null, 7]) {
    await expect(runtime.send(address as Address, { type: 'END' })).rejects.toThrow(InvalidArgumentError)
  }
})

test('an event above the limit is refused, at the limit it is taken', async () => {
  const runtime = await start([diary], { bounds: { event: JSON.stringify(note('ää')).length + 2 } })
  const ref = await runtime.spawn(diary)
  expect(await ref.send(note('ää'))).toEqual({ status: 'applied' })
  await expect(ref.send(note('äää'))).rejects.toThrow(TooLargeError)
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: ['ää'] } } })
})

test('an event that cannot be stored is refused with the path of the culprit', async () => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  const cycle: unknown[] = []
  cycle.push({ back: cycle })
  const paths = [{ items: [0, { fn: () => 1 }] }, Symbol('s'), cycle, new Map([['a', { b: new Promise(() => 1) }]])]
  const errors = await Promise.all(paths.map((value) => ref.send(note(value)).catch((error: unknown) => error)))
  for (const error of errors) expect(error).toBeInstanceOf(NotSerializableError)
  expect(errors.map((error) => (error as NotSerializableError).path)).toEqual([
    'event.note.items[1].fn',
    'event.note',
    'event.note[0].back',
    'event.note<value 0>.b'
  ])
})

test('the machine gets a copy of the event', async () => {
  const runtime = await start([diary])
  const ref = await runtime.spawn(diary)
  const mine = { words: ['as sent'] }
  const sending = ref.send(note(mine))
  mine.words.push('later')
  await sending
  expect((await ref.getSnapshot()).context.log).toEqual([{ words: ['as sent'] }])
})

test('rich values come through the inbox as they were sent', async () => {
  const [here, there] = [await start([diary]), await start([diary])]
  const ref = await here.spawn(diary)
  await ref.send(note('awake'))
  const rich = {
    at: new Date(0),
    ids: new Set([1n]),
    gap: [undefined, NaN, -0],
    text: '\0\ud800 🗝️',
    bytes: Buffer.from('b')
  }
  expect(await there.send(ref.id, note(rich))).toEqual({ status: 'queued' })
  const { context } = await ref.waitFor(({ context }) => context.log.length === 2)
  expect(context.log[1]).toStrictEqual(rich)
})

test.each(['__proto__', 'constructor', 'toString', "it's; --", 'ключ 🗝️', '\0'])(
  'an event of the type %j is an event like any other',
  async (type) => {
    const taken: string[] = []
    const machine = createMachine({ id: 'any', on: { '*': { actions: ({ event }) => taken.push(event.type) } } })
    const runtime = await start([machine, diary])
    expect(await (await runtime.spawn(machine)).send({ type })).toEqual({ status: 'applied' })
    expect(taken).toEqual([type])
    expect(await (await runtime.spawn(diary)).send({ type } as never)).toEqual({ status: 'deferred' })
  }
)

test('a mailbox that is full refuses the event, and takes events again once it has room', async () => {
  const { pool, hold } = watch()
  const runtime = await start([diary], { database: pool, bounds: { mailbox: 10 } })
  const ref = await runtime.spawn(diary)
  await ref.send(note('first'))
  const release = hold('commit')
  const sends = hundred.slice(0, 11).map((n) => ref.send(note(n)))
  await expect(sends.pop()).rejects.toThrow(MailboxFullError)
  release()
  await Promise.all(sends)
  await ref.send(note('last'))
  expect((await ref.getSnapshot()).context.log).toEqual(['first', ...hundred.slice(0, 10), 'last'])
})

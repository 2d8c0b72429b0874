/** What nobody means well with is refused by the name of the argument, and what is legal comes back; each was once otherwise. */
import type pg from 'pg'
import { createMachine, setup } from 'xstate'
import { describe, expect, onTestFinished, test } from 'vitest'
import { activity, all, createRuntime, durable, durableRef, InvalidArgumentError, NotSerializableError } from 'perdure'
import { createTestRuntime } from 'perdure/testing'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf, connect } = await openStage()
const types: { readonly context?: { readonly input: unknown }; readonly input?: unknown } = {}
const keeper = setup({ types }).createMachine({
  id: 'keeper',
  context: ({ input }) => ({ input }),
  on: { PING: { actions: () => 1 } }
})

/** Of 1024 characters: more bytes than an index of Postgres takes, and too varied to be compressed. */
const wide = Array.from({ length: 1024 }, (_, index) => String.fromCodePoint(0x4e00 + ((index * 7919) % 20_000))).join(
  ''
)

/** In memory: what is refused gets to no database. */
async function startHere() {
  const runtime = createTestRuntime({ machines: [keeper], poll: '1 hour' })
  onTestFinished(() => runtime.stop({ drain: 0 }))
  await runtime.start()
  return runtime
}

const boom = (): never => {
  throw new RangeError('boom')
}
const hostile = new Proxy({}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom })

describe('a text that an index cannot hold is refused before it reaches the database', () => {
  test.each(['key', 'queue', 'partitionKey'])('as the %s of a spawn', async (field) => {
    const runtime = await startHere()
    await expect(runtime.spawn(keeper, { input: 1, [field]: wide })).rejects.toThrow(/bytes of UTF-8/)
  })

  test('as a dedup key, a name of a schedule, and in a transaction, which stays usable', async () => {
    const runtime = await start([keeper])
    const { id } = await runtime.spawn(keeper, { input: 1 })
    await expect(runtime.send(id, { type: 'PING' }, { dedupKey: wide })).rejects.toThrow(InvalidArgumentError)
    await expect(runtime.schedule(wide, '@daily', keeper, { input: 1 })).rejects.toThrow(InvalidArgumentError)
    const client: pg.Client = await connect()
    await client.query('begin')
    const spawn = runtime.withTransaction(client).spawn(keeper, { input: 1, queue: wide })
    await expect(spawn).rejects.toThrow(InvalidArgumentError)
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await client.query('rollback')
  })

  test('the longest names together fit in one index', async () => {
    const name = wide.slice(0, 170)
    const machine = createMachine({ id: name, version: name })
    const runtime = await start([machine], { queues: {} })
    const ref = await runtime.spawn(machine, { queue: name, partitionKey: wide.slice(0, 341) })
    expect(await rowOf(ref.id)).toMatchObject({ status: 'ready' })
  })
})

describe('what throws when it is looked at is refused', () => {
  test.each<[string, (runtime: Awaited<ReturnType<typeof open>>) => unknown]>([
    ['as an event', ({ runtime, id }) => runtime.send(id, hostile as never)],
    ['as an address', ({ runtime }) => runtime.send(hostile as never, { type: 'PING' } as never)],
    ['as the options of a send', ({ runtime, id }) => runtime.send(id, { type: 'PING' }, hostile)],
    ['as the options of a spawn', ({ runtime }) => runtime.spawn(keeper, hostile)],
    ['as a machine', ({ runtime }) => runtime.spawn(hostile as never, {} as never)],
    ['as entries', ({ runtime }) => runtime.spawnMany(keeper, hostile as never)],
    ['as a client', async ({ runtime }) => runtime.withTransaction(hostile)],
    ['as an inspector', async ({ runtime }) => runtime.inspect(hostile)],
    ['as an observer', async ({ runtime, id }) => (await runtime.get(keeper, id)).subscribe(hostile)]
  ])('%s', async (_, call) => {
    const error = await Promise.resolve(call(await open())).catch((reason: unknown) => reason)
    expect(error).toSatisfy((each) => each instanceof InvalidArgumentError || each instanceof NotSerializableError)
  })

  test.each<[string, () => unknown]>([
    ['as the options of a runtime', () => createRuntime(hostile as never)],
    ['as a machine of a runtime', () => createRuntime({ database: db.url, machines: [hostile as never] })],
    ['as the options of an activity', () => activity(() => 1, hostile)],
    ['as the options of a child', () => durable(keeper, hostile)],
    ['as the options of a join', () => all(keeper, hostile)],
    ['as an address in a machine', () => durableRef(hostile as never)]
  ])('%s', (_, call) => {
    expect(call).toThrow(InvalidArgumentError)
  })

  const open = async () => {
    const runtime = await startHere()
    const { id } = await runtime.spawn(keeper, { input: 1 })
    return { runtime, id }
  }
})

test('an event is judged by what is stored of it, whatever it says when it is asked again', async () => {
  const runtime = await startHere()
  const { id } = await runtime.spawn(keeper, { input: 1 })
  let asked = 0
  const fickle = {
    get type() {
      return ['PING', 'xstate.stop'][asked++] ?? 'xstate.stop'
    }
  }
  expect(await runtime.send(id, fickle)).toEqual({ status: 'applied' })
  const list = Object.assign([1], { type: 'PING' })
  await expect(runtime.send(id, list as never)).rejects.toThrow(/the event has no type/)
  await expect(runtime.send(id, { type: '*' })).rejects.toThrow(/the event has the type '\*'/)
})

test('an object that lies about what it is cannot be stored', async () => {
  const runtime = await startHere()
  const input = Object.assign(new Date(0), { toISOString: () => 'soon' })
  await expect(runtime.spawn(keeper, { input })).rejects.toThrow(NotSerializableError)
})

test('a refusal names a long path by its beginning and its end', async () => {
  const runtime = await startHere()
  let input: object = {}
  for (let level = 0; level < 10_000; level++) input = { ['k'.repeat(50)]: input }
  const error: unknown = await runtime.spawn(keeper, { input }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(NotSerializableError)
  expect((error as Error).message.length).toBeLessThan(1_000)
})

test('a list with billions of holes is refused at once', async () => {
  const runtime = await startHere()
  const holes: never[] = []
  holes.length = 2 ** 32 - 1
  await expect(runtime.spawnMany(keeper, holes)).rejects.toThrow(/holes/)
  await expect(runtime.spawn(keeper, { input: 1, keyScope: holes })).rejects.toThrow(/holes/)
})

describe('times', () => {
  test('what is no duration is refused', async () => {
    const runtime = await startHere()
    const ref = await runtime.spawn(keeper, { input: 1 })
    for (const value of [Number.NaN, -1, Infinity, 5n, null, [1, 2], 'soon', '-1 second'])
      await expect(ref.waitFor(() => true, { timeout: value as never })).rejects.toThrow(/timeout is no duration/)
  })

  test('what is no time is refused as one to start at', async () => {
    const runtime = await startHere()
    for (const value of [null, '5', [], true, -1e15, new Date(Number.NaN), { valueOf: () => 5 }])
      await expect(runtime.spawn(keeper, { input: 1, startAt: value as never })).rejects.toThrow(/startAt is no time/)
  })

  test('the smallest fractions of a millisecond are stored', async () => {
    const runtime = await start([keeper])
    const refs = [
      await runtime.spawn(keeper, { input: 1, startAt: -1e-323 }),
      await runtime.spawn(keeper, { input: 1, startIn: 5e-324 })
    ]
    for (const { id } of refs) await eventually(() => rowOf(id)).toMatchObject({ version: 1 })
  })

  test('a wait may be longer than a timer of Node', async () => {
    const runtime = await start([keeper])
    const ref = await runtime.spawn(keeper, { input: 1 })
    const committed = new Promise((resolve) => runtime.on('step.stop', resolve))
    let looks = 0
    const wait = ref.waitFor(() => ++looks > 0 && looks > 1, { timeout: '30 days' })
    await ref.send({ type: 'PING' })
    await committed
    await expect(wait).resolves.toBeDefined()
  })

  test.each(['lease', 'poll'] as const)('a %s of no time is refused: it would be an endless loop', (option) => {
    expect(() => createRuntime({ database: db.url, machines: [keeper], [option]: 0 })).toThrow(/is no time/)
  })
})

test.each<[string, object]>([
  ['queues', { queues: { default: 2 ** 31 } }],
  ['bounds', { bounds: { inbox: 2 ** 31 } }],
  ['schema', { schema: ['perdure'] }],
  ['reaper', { reaper: 'yes' }],
  ['log', { log: 'console' }],
  ['machines', { machines: null }],
  ['limits', { limits: { gpu: { concurrency: 2 ** 31 } } }],
  [
    'a version that is migrated from',
    { machines: [{ machine: keeper, version: '2', migrate: { from: ['\0'], snapshot: boom } }] }
  ],
  ['a factor', { machines: [{ machine: keeper, retry: { factor: Infinity } }] }],
  ['a field of a retry policy', { machines: [{ machine: keeper, retry: { attempts: 3 } }] }]
])('%s that cannot be used are refused as the runtime is made', (_, options) => {
  expect(() => createRuntime({ database: db.url, machines: [keeper], ...options })).toThrow(InvalidArgumentError)
})

test('who cannot be told is refused when they subscribe, not when there is something to tell', async () => {
  const runtime = await startHere()
  const ref = await runtime.spawn(keeper, { input: 1 })
  expect(() => ref.subscribe(null as never)).toThrow(/the observer/)
  expect(() => ref.subscribe({ next: 5 } as never)).toThrow(/the observer/)
  expect(() => ref.on('*', null as never)).toThrow(/the handler/)
  expect(() => runtime.on('actor.parkt' as never, () => 1)).toThrow(/runtime.telemetry lists/)
  expect(() => runtime.on('actor.parked', 5 as never)).toThrow(/the listener/)
  await expect(ref.waitFor('done' as never)).rejects.toThrow(/the predicate/)
})

test('a key that Postgres cannot hold is refused where a machine makes a ref of it', () => {
  expect(() => durableRef({ key: '\ud800' })).toThrow(InvalidArgumentError)
  expect(() => durableRef({ key: wide })).toThrow(InvalidArgumentError)
})

test('a test runtime begins at a time', () => {
  expect(() => createTestRuntime({ machines: [keeper], startTime: 'now' as never })).toThrow(/startTime is no time/)
})

test.each(['null', '42', '{}', '{"type":5}', '[]'])(
  'an actor whose inbox holds %s in place of an event is parked with a reason that names it',
  async (event) => {
    const leaf = await start([keeper], { queues: {} })
    const { id } = await leaf.spawn(keeper, { input: 1 })
    await leaf.send(id, { type: 'PING' })
    await db.sql('update perdure.signal set event = $1', [event])
    const runtime = await start([keeper])
    const neighbour = await runtime.spawn(keeper, { input: 1 })
    await eventually(() => rowOf(id)).toMatchObject({ status: 'parked', owner: null })
    expect((await rowOf(id)).last_error?.message).toContain(id)
    expect(await neighbour.send({ type: 'PING' })).toEqual({ status: 'applied' })
  }
)

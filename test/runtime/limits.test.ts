/** Named limits: what all nodes together may do at most, taken by activities. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { activity, createRuntime, type ActivityArgs, type ActivityOptions, type LimitOptions } from 'perdure'
import { createTestRuntime } from 'perdure/testing'
import { eventually, hear, openStage } from './stage.ts'
import { Gate } from './gate.ts'

const { db, start, watch, rowOf, letTimePass } = await openStage()

type Input = { readonly customer: string }
const ADA: Input = { customer: 'ada' }

/** Works once, by `work`, under the limits that the options name. */
const working = (work: (args: ActivityArgs<Input>) => Promise<unknown>, options: ActivityOptions<Input>) =>
  setup({
    types: { context: {} as { error: unknown } & Input, input: {} as Input },
    actors: { work: activity(work, { retry: false, ...options }) }
  }).createMachine({
    id: 'working',
    context: ({ input }) => ({ error: null, customer: input.customer }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          input: ({ context }) => ({ customer: context.customer }),
          onDone: 'done',
          onError: { target: 'refused', actions: assign({ error: ({ event }) => event.error }) }
        },
        on: { LEAVE: 'left' }
      },
      done: {},
      left: {},
      refused: {}
    }
  })

const spawned = (count: number, input: Input = ADA) => Array.from({ length: count }, () => ({ input }))
const hourly = (rate: number): LimitOptions => ({ rate, per: '1 hour' })
const countIn = async (value: string): Promise<number> =>
  (await db.sql(`select from perdure.actor where snapshot ->> 'value' = $1`, [value])).length

test('of three nodes together no more work at once than the limit has slots, and all get their turn', async () => {
  const gate = new Gate()
  const machine = working(() => gate.enter(), { concurrency: 'gpu' })
  const limits = { gpu: { concurrency: 4 } }
  const nodes = await Promise.all([1, 2, 3].map(() => start([machine], { limits })))
  await Promise.all(nodes.map((runtime) => runtime.spawnMany(machine, spawned(8))))
  for (let done = 0; done < 24; done++) {
    await eventually(() => gate.inside).toBeGreaterThan(0)
    gate.letOneOut()
  }
  await expect.poll(() => countIn('done'), { timeout: 30_000 }).toBe(24)
  expect(gate.mostInside).toBeLessThanOrEqual(4)
  expect(gate.mostInside).toBeGreaterThan(1)
})

test('of three nodes together no more work begins than the rate allows; the rest rests, and goes on when its time has come', async () => {
  let begun = 0
  const machine = working(async () => ++begun, { rateLimit: 'stripe' })
  const limits = { stripe: { ...hourly(1), burst: 3 } }
  const nodes = await Promise.all([1, 2, 3].map(() => start([machine], { limits, passivateAfter: 0 })))
  await Promise.all(nodes.map((runtime) => runtime.spawnMany(machine, spawned(4))))
  await eventually(() => countIn('done')).toBe(3)
  const resting = `select from perdure.actor where owner is null and wake_at > now() + interval '50 minutes'`
  await eventually(async () => (await db.sql(resting)).length).toBe(9)
  expect(begun).toBe(3)
  await db.sql(`update perdure.bucket set filled_at = filled_at - interval '2 hours'`)
  await letTimePass(24 * 3_600_000)
  await eventually(() => countIn('done')).toBe(5)
  expect(begun).toBe(5)
})

test('that a limit lets an attempt wait is no attempt', async () => {
  const attempts: number[] = []
  const machine = working(async ({ attempt }) => attempts.push(attempt), {
    rateLimit: 'once',
    retry: { maxAttempts: 1 }
  })
  const runtime = await start([machine], { limits: { once: hourly(1) }, passivateAfter: 0 })
  const ids = await runtime.spawnMany(machine, spawned(2))
  await eventually(() => countIn('done')).toBe(1)
  await eventually(async () => (await db.sql('select from perdure.actor where wake_at is not null')).length).toBe(1)
  await db.sql(`update perdure.bucket set filled_at = filled_at - interval '2 hours' where limit_name = 'once'`)
  await letTimePass(24 * 3_600_000)
  await eventually(() => countIn('done')).toBe(ids.length)
  expect(attempts).toEqual([1, 1])
})

test('each partition is a limit of its own, and a heavy use takes more of it', async () => {
  const customers: string[] = []
  const machine = working(async ({ input }) => customers.push(input.customer), {
    rateLimit: { limit: 'mails', partition: (input) => input.customer, weight: 2 }
  })
  const runtime = await start([machine], { limits: { mails: { ...hourly(4), partition: true } }, passivateAfter: 0 })
  await runtime.spawnMany(machine, [...spawned(3, { customer: 'ada' }), ...spawned(3, { customer: 'bob' })])
  await eventually(() => countIn('done')).toBe(4)
  await eventually(() => db.sql('select from perdure.actor where wake_at is not null')).toHaveLength(2)
  expect(customers.toSorted()).toEqual(['ada', 'ada', 'bob', 'bob'])
})

test('a short wait for a rate is spent awake', async () => {
  const machine = working(async () => undefined, { rateLimit: 'often' })
  const runtime = await start([machine], { limits: { often: { rate: 4, per: '1 second', burst: 1 } } })
  const throttled = hear(runtime, 'rate_limit.throttled')
  await runtime.spawnMany(machine, spawned(4))
  expect(await throttled).toMatchObject({ limit: 'often', count: 2 })
  await eventually(() => countIn('done')).toBe(4)
  expect(await db.sql('select from perdure.actor where version > 2')).toEqual([])
})

test('work that is done has its slot taken over by the next on its node at once, in the order of arrival', async () => {
  const gate = new Gate()
  const machine = working(({ actorId }) => gate.enter(actorId), { concurrency: 'gpu' })
  const runtime = await start([machine], { limits: { gpu: { concurrency: 1 } } })
  const ids: string[] = []
  for (let n = 0; n < 3; n++) {
    const throttled = hear(runtime, 'concurrency.throttled', ({ count }) => count === n)
    ids.push((await runtime.spawn(machine, { input: ADA })).id)
    await (n === 0 ? eventually(() => gate.inside).toBe(1) : throttled)
  }
  for (let n = 0; n < 3; n++) {
    await eventually(() => gate.inside).toBe(1)
    gate.letOneOut()
  }
  await eventually(() => countIn('done')).toBe(3)
  expect(gate.names).toEqual(ids)
})

test('leaving the state frees the slot, also of work that waits for one', async () => {
  const gate = new Gate()
  const machine = working(({ signal }) => gate.enter('', signal), { concurrency: 'gpu' })
  const runtime = await start([machine], { limits: { gpu: { concurrency: 1 } } })
  const holder = await runtime.spawn(machine, { input: ADA })
  await eventually(() => gate.inside).toBe(1)
  const throttled = hear(runtime, 'concurrency.throttled')
  const waiter = await runtime.spawn(machine, { input: ADA })
  await throttled
  await waiter.send({ type: 'LEAVE' })
  await holder.send({ type: 'LEAVE' })
  await eventually(() => db.sql('select from perdure.slot where node is not null')).toEqual([])
  expect(gate.names).toHaveLength(1)
})

test('the slots of a node that died are had by others', async () => {
  const gate = new Gate()
  const machine = working(() => gate.enter(), { concurrency: 'gpu' })
  const limits = { gpu: { concurrency: 1 } }
  const { pool, hold } = watch()
  const dead = await start([machine], { limits, database: pool, lease: 300, reaper: false })
  const ref = await dead.spawn(machine, { input: ADA })
  await eventually(() => gate.inside).toBe(1)
  hold('renew')
  const { owner } = await rowOf(ref.id)
  const heir = await start([machine], { limits })
  await eventually(async () => (await rowOf(ref.id)).owner).not.toBe(owner)
  await eventually(() => gate.names.length).toBe(2)
  gate.letAllOut()
  await heir.spawn(machine, { input: ADA })
  await eventually(() => gate.names.length).toBe(3)
  gate.letAllOut()
})

test('an attempt after one that failed has its slot anew', async () => {
  let attempts = 0
  const fail = async (): Promise<void> => {
    if (++attempts < 3) throw new Error('not yet')
  }
  const machine = working(fail, { concurrency: 'gpu', retry: { initial: 0 } })
  const runtime = await start([machine], { limits: { gpu: { concurrency: 1 } } })
  const ref = await runtime.spawn(machine, { input: ADA })
  await ref.waitFor((snapshot) => snapshot.matches('done'))
  await eventually(() => db.sql('select from perdure.slot where node is not null')).toEqual([])
})

test('a permit whose answer was lost is asked for again, and is one slot', async () => {
  const gate = new Gate()
  const machine = working(() => gate.enter(), { concurrency: 'gpu' })
  const { pool, spoilAnswer } = watch()
  const runtime = await start([machine], { limits: { gpu: { concurrency: 2 } }, database: pool })
  await runtime.spawn(machine, { input: ADA })
  await eventually(() => gate.inside).toBe(1)
  spoilAnswer('take_permits', 'lost')
  await runtime.spawn(machine, { input: ADA })
  await eventually(() => gate.inside).toBe(2)
  expect(await db.sql('select from perdure.slot where node is not null')).toHaveLength(2)
  spoilAnswer('release_permits', 'lost')
  gate.letAllOut()
  await eventually(() => db.sql('select from perdure.slot where node is not null')).toEqual([])
})

test('in a runtime in memory the tokens come with its time', async () => {
  const machine = working(async () => undefined, { rateLimit: 'stripe' })
  await using runtime = createTestRuntime({ machines: [machine], limits: { stripe: hourly(1) } })
  await runtime.start()
  const ids = await runtime.spawnMany(machine, spawned(3))
  const countDone = async (): Promise<number> => {
    const snapshots = await Promise.all(ids.map(async (id) => (await runtime.get(machine, id)).getSnapshot()))
    return snapshots.filter((snapshot) => snapshot.matches('done')).length
  }
  await runtime.drain()
  expect(await countDone()).toBe(1)
  await runtime.advance('59 minutes')
  expect(await countDone()).toBe(1)
  await runtime.advance('2 minutes')
  expect(await countDone()).toBe(2)
  await runtime.advance('1 hour')
  expect(await countDone()).toBe(3)
})

test('what names no limit costs no statement, and what comes together takes its permits in one', async () => {
  const free = working(async () => undefined, {})
  const bound = working(async () => undefined, { concurrency: 'gpu', rateLimit: 'stripe' })
  const { pool, statements } = watch()
  const limits = { gpu: { concurrency: 100 }, stripe: hourly(1_000) }
  const runtime = await start(
    [
      { machine: free, version: '1' },
      { machine: bound, version: '2' }
    ],
    { database: pool, janitor: false, limits }
  )
  const permits = () => statements.filter((name) => name.endsWith('_permits'))
  await runtime.spawnMany(free, spawned(20))
  await eventually(() => countIn('done')).toBe(20)
  expect(permits()).toEqual([])
  await runtime.spawnMany(bound, spawned(1))
  await eventually(() => permits().includes('release_permits')).toBe(true)
  await eventually(() => db.sql('select from perdure.slot where node is not null')).toEqual([])
  const before = permits().length
  await runtime.spawnMany(bound, spawned(1))
  await eventually(() => permits().slice(before)).toEqual(['take_permits', 'take_permits', 'release_permits'])
})

test('a limit that no runtime has is refused when the runtime is made, with those that it has', () => {
  const machine = working(async () => undefined, { rateLimit: 'stripes' })
  const create = (limits: Record<string, LimitOptions>, queues = { default: 1 }) =>
    createRuntime({ database: db.url, machines: [machine], limits, queues })
  expect(() => create({ stripe: hourly(1) })).toThrow(/'stripes'.*Known: stripe\./)
  expect(() => create({ stripes: { concurrency: 1 } })).toThrow(/has no rate/)
  expect(() => create({ stripes: { ...hourly(1), partition: true } })).toThrow(/no partition/)
})

test.each([
  ["'stripe' limits nothing", {}],
  ["'stripe' has half a rate", { rate: 1 }],
  ["'stripe' has half a rate", { concurrency: 1, burst: 2 }],
  ["'stripe'.rate is no count", { rate: 0, per: '1 second' }],
  ["'stripe'.per is no duration", { rate: 1, per: 'soon' }],
  ["'stripe'.per is no time", { rate: 1, per: 0 }],
  ["'stripe'.concurrency is no count", { concurrency: 1.5 }],
  ["'stripe': 'rates' is unknown", { rates: 1 }]
])('a limit that cannot be is refused: %s', (problem, limit) => {
  const create = () => createRuntime({ database: db.url, machines: [], limits: { stripe: limit as LimitOptions } })
  expect(create).toThrow(`limits: ${problem}`)
})

test('an input that leads to a use that cannot be ends the activity with an error, without another attempt', async () => {
  const machine = working(async () => undefined, {
    rateLimit: { limit: 'mails', weight: (input) => (input.customer === 'ada' ? 10 : NaN) },
    retry: true
  })
  const runtime = await start([machine], { limits: { mails: hourly(4) } })
  for (const customer of ['ada', 'bob']) {
    const ref = await runtime.spawn(machine, { input: { customer } })
    const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
    expect(context.error).toMatchObject({ name: 'NonRetryableError' })
  }
})

/** Runtimes behind a real pooler in transaction mode, of which nobody has told them. */
import pg from 'pg'
import postgres from 'postgres'
import { assign, fromPromise, setup } from 'xstate'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createRuntime, idempotencyKey, InvalidArgumentError } from 'perdure'
import { eventually, hear, openStage } from '../runtime/stage.ts'
import { pgbouncer, startPgBouncer, whyNot, type PgBouncer } from '../support/pgbouncer.ts'

const { db, start, rowOf } = await openStage()

const order = setup({
  types: { context: {} as { paid: number; by: string | null }, events: {} as { type: 'PAY' | 'SHIP' } },
  actors: { pack: fromPromise(async () => 'packed') }
}).createMachine({
  id: 'order',
  context: { paid: 0, by: null },
  initial: 'open',
  states: {
    open: { on: { PAY: { target: 'paid', actions: assign({ paid: ({ context }) => context.paid + 1 }) } } },
    paid: { after: { 20: 'packing' } },
    packing: { invoke: { src: 'pack', onDone: 'packed' } },
    packed: { on: { SHIP: 'shipped' } },
    shipped: { type: 'final' }
  },
  output: ({ context }) => ({ paid: context.paid })
})

const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'COUNT' } }
}).createMachine({
  id: 'counter',
  context: { count: 0 },
  on: { COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) } }
})

const count = { type: 'COUNT' } as const

const clients = {
  'a connection string': (url: string): unknown => url,
  'a pg.Pool': (url: string): unknown => {
    const pool = new pg.Pool({ connectionString: url })
    pool.on('error', () => undefined)
    onTestFinished(() => pool.end())
    return pool
  },
  'a postgres.js instance': (url: string): unknown => {
    const client = postgres(url, { onnotice: () => undefined })
    onTestFinished(() => client.end({ timeout: 5 }))
    return client
  }
}

/** A pooler that ends with its test. */
async function startFor(url: string): Promise<PgBouncer> {
  const own = await startPgBouncer(url, { pool_mode: 'transaction', default_pool_size: 3 })
  onTestFinished(() => own.stop())
  return own
}

test.each(['statement', '', 1, null])('a pooler cannot be %j', (pooler) => {
  const options = { database: db.url, machines: [order], pooler: pooler as never }
  expect(() => createRuntime(options)).toThrow(InvalidArgumentError)
})

describe.skipIf(pgbouncer === null)(`a runtime behind pgbouncer${whyNot}`, () => {
  let pooler: PgBouncer
  beforeAll(async () => {
    pooler = await startPgBouncer(db.url, { pool_mode: 'transaction', default_pool_size: 3 })
  })
  afterAll(() => pooler.stop())

  describe.each(Object.entries(clients))('over %s', (_name, connect) => {
    test('spawns, sends, keeps events for later, waits, works and ends', async () => {
      const runtime = await start([order], { database: connect(pooler.url), passivateAfter: 0 })
      const ref = await runtime.spawn(order, { key: 'order:42' })
      expect(await ref.send({ type: 'SHIP' }, { dedupKey: 'ship' })).toEqual({ status: 'deferred' })
      expect(await ref.send({ type: 'SHIP' }, { dedupKey: 'ship' })).toEqual({ status: 'duplicate' })
      expect(await runtime.send({ key: 'order:42' }, { type: 'PAY' })).toEqual({ status: 'applied' })
      expect(await ref.result({ timeout: '10 seconds' })).toEqual({ paid: 1 })
    })

    test('takes a thousand events in their order, for many actors at once', async () => {
      const runtime = await start([counter], { database: connect(pooler.url) })
      const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(counter)))
      await Promise.all(refs.flatMap((ref) => Array.from({ length: 50 }, () => ref.send(count))))
      for (const { id } of refs) expect(await rowOf(id)).toMatchObject({ snapshot: { context: { count: 50 } } })
    })

    test('finds what other nodes send and spawn by looking', async () => {
      const owner = await start([counter], { database: connect(pooler.url) })
      const sender = await start([counter], { database: connect(pooler.url), queues: {} })
      const ref = await sender.spawn(counter)
      await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: expect.any(String) })
      expect(await sender.send(ref.id, count)).toEqual({ status: 'queued' })
      expect(await ref.waitFor(({ context }) => context.count === 1, { timeout: '10 seconds' })).toBeTruthy()
      await owner.stop()
    })

    test('takes over from a node that is cut off, once the lease of that has run out', async () => {
      const itsOwn = await startFor(db.url)
      const runs: { readonly key: string | undefined; readonly finish: () => void }[] = []
      const work = fromPromise<void>(
        () => new Promise((finish) => runs.push({ key: idempotencyKey(), finish: () => finish() }))
      )
      const job = setup({ actors: { work } }).createMachine({
        id: 'job',
        initial: 'working',
        states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: {} }
      })
      const lost = await start([job], { database: connect(itsOwn.url), lease: '1 second' })
      const fenced = hear(lost, 'node.fenced')
      const ref = await lost.spawn(job)
      await eventually(() => runs.length).toBe(1)
      const { owner } = await rowOf(ref.id)
      const heir = await start([job], { database: connect(pooler.url), lease: '1 second' })
      const reaped = hear(heir, 'reaper.reaped', ({ nodes }) => nodes.includes(owner as string))
      await itsOwn.stop()
      await reaped
      await fenced
      await eventually(() => runs.length).toBe(2)
      expect(runs[1]?.key).toBe(runs[0]?.key)
      runs[1]?.finish()
      await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'over' } })
    })

    test('tells once what it does without, and only where nobody had told it of the pooler', async () => {
      const warned: string[] = []
      const warn = (message: string): void => void (message.includes('pooler') && warned.push(message))
      for (const options of [{ pooler: 'transaction' as const }, {}]) {
        const runtime = createRuntime({ database: connect(pooler.url), machines: [counter], warn, ...options })
        const told: unknown[] = []
        runtime.on('pooler.found', ({ missing }) => told.push(missing.length))
        await runtime.start()
        await runtime.stop()
        expect(told).toEqual('pooler' in options ? [] : [3])
      }
      expect(warned).toEqual([expect.stringContaining('perdure pooler.found')])
    })
  })

  test('tells nodes with connections of their own what it has sent, though they look once an hour', async () => {
    const owner = await start([counter], { poll: '1 hour' })
    const ref = await owner.spawn(counter)
    await ref.send(count)
    const sender = await start([counter], { database: pooler.url, queues: {} })
    expect(await sender.send(ref.id, count)).toEqual({ status: 'queued' })
    await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { count: 2 } } })
  })

  test('spawns and sends within a transaction of a client that goes through the pooler as well', async () => {
    const runtime = await start([counter], { database: pooler.url })
    const client = new pg.Client(pooler.url)
    onTestFinished(() => client.end())
    await client.connect()
    await client.query('begin')
    const ref = await runtime.withTransaction(client).spawn(counter)
    await runtime.withTransaction(client).send(ref.id, count, { dedupKey: 'one' })
    expect(await rowOf(ref.id)).toBeUndefined()
    await client.query('commit')
    await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { count: 1 } } })
  })

  test('goes on under the same lease after the pooler was restarted', async () => {
    const own = await startFor(db.url)
    const runtime = await start([counter], { database: own.url, lease: '1 hour' })
    const ref = await runtime.spawn(counter)
    await ref.send(count)
    const { owner } = await rowOf(ref.id)
    await own.restart()
    const sent = () => ref.send(count, { dedupKey: 'again' }).then(({ status }) => status, String)
    await expect.poll(sent, { timeout: 10_000 }).toMatch(/applied|duplicate/)
    expect(await rowOf(ref.id)).toMatchObject({ owner, snapshot: { context: { count: 2 } } })
  })
})

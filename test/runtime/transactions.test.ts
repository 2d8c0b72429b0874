/** Spawning and sending as parts of the caller's own transaction: what others notice of it, and what they do to it. */
import pg from 'pg'
import postgres from 'postgres'
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { InboxFullError, InvalidArgumentError, RuntimeNotRunningError } from 'perdure'
import { createLite } from '../support/pglite.ts'
import { counter } from './counter.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, connect, rowOf } = await openStage()

const up = { type: 'UP' } as const
/** Nothing is found by polling. */
const onlyTold = { poll: '1 hour', passivateAfter: '1 hour' } as const

const begin = async (): Promise<pg.Client> => {
  const client = await connect()
  await client.query('begin')
  return client
}

test('while a transaction that has sent is open, other actors go on, and its actor takes the event when it commits', async () => {
  const runtime = await start([counter], onlyTold)
  const [sentTo, other] = [await runtime.spawn(counter), await runtime.spawn(counter)]
  await Promise.all([sentTo.send(up), other.send(up)])
  const client = await begin()
  await runtime.withTransaction(client).send(sentTo.id, up)
  const waiting = sentTo.send(up)
  for (let round = 0; round < 5; round++) expect(await other.send(up)).toEqual({ status: 'applied' })
  expect((await sentTo.getSnapshot()).context).toEqual({ n: 1 })
  await client.query('commit')
  expect(await waiting).toEqual({ status: 'applied' })
  await sentTo.waitFor(({ context }) => context.n === 3)
})

test('an actor that is awake on another node takes the event right after the commit', async () => {
  const [owner, sender] = [await start([counter], onlyTold), await start([counter], { queues: {}, poll: '1 hour' })]
  const ref = await owner.spawn(counter)
  await ref.send(up)
  const client = await begin()
  await sender.withTransaction(client).send(ref.id, up)
  const seen = ref.waitFor(({ context }) => context.n === 2)
  await client.query('commit')
  expect(await seen).toMatchObject({ value: 'on' })
})

test('with wake: false nobody is told, and the next poll finds it', async () => {
  const listener = await connect()
  const heard: unknown[] = []
  listener.on('notification', ({ payload }) => heard.push(payload))
  await listener.query('listen perdure')
  const runtime = await start([counter], { poll: 20 })
  const client = await begin()
  const ref = await runtime.withTransaction(client, { wake: false }).spawn(counter, { input: { from: 7 } })
  await client.query('commit')
  await ref.waitFor(({ context }) => context.n === 7)
  await listener.query('select 1')
  expect(heard).toEqual([])
})

test('two transactions that bring one dedup key at once: the second waits, and is told of the duplicate', async () => {
  const runtime = await start([counter], { queues: {} })
  const ref = await runtime.spawn(counter)
  const [first, second] = [await begin(), await begin()]
  await runtime.withTransaction(first).send(ref.id, up, { dedupKey: 'once' })
  const late = runtime.withTransaction(second).send(ref.id, up, { dedupKey: 'once' })
  await eventually(() => db.sql(`select from pg_stat_activity where wait_event_type = 'Lock'`)).toHaveLength(1)
  await first.query('commit')
  expect(await late).toEqual({ status: 'duplicate' })
  expect(await runtime.withTransaction(second).send(ref.id, up)).toEqual({ status: 'queued' })
  await second.query('commit')
  expect((await rowOf(ref.id)).inbox).toHaveLength(2)
})

test('two transactions that take one key at once: the second waits, and is told who has it', async () => {
  const runtime = await start([counter], { queues: {} })
  const [first, second] = [await begin(), await begin()]
  const ref = await runtime.withTransaction(first).spawn(counter, { key: 'one' })
  const late = runtime.withTransaction(second).spawn(counter, { key: 'one', ifExists: 'return' })
  await eventually(() => db.sql(`select from pg_stat_activity where wait_event_type = 'Lock'`)).toHaveLength(1)
  await first.query('commit')
  expect((await late).id).toBe(ref.id)
  await second.query('commit')
})

test('in a transaction that must not see what others commit, a key that was taken meanwhile is a serialization failure', async () => {
  const runtime = await start([counter], { queues: {} })
  const client = await begin()
  await client.query('set transaction isolation level repeatable read')
  await client.query('select 1')
  await runtime.spawn(counter, { key: 'one' })
  await expect(runtime.withTransaction(client).spawn(counter, { key: 'one' })).rejects.toMatchObject({ code: '40001' })
})

test('events of one transaction are applied in the order sent, after those that were sent before it', async () => {
  const machine = setup({
    types: { context: {} as { seen: string }, events: {} as { type: 'SAY'; word: string } }
  }).createMachine({
    id: 'listener',
    context: { seen: '' },
    on: { SAY: { actions: assign({ seen: ({ context, event }) => context.seen + event.word }) } }
  })
  const runtime = await start([machine], onlyTold)
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'SAY', word: 'a' })
  const client = await begin()
  for (const word of 'bcd') await runtime.withTransaction(client).send(ref.id, { type: 'SAY', word })
  await client.query('commit')
  await ref.waitFor(({ context }) => context.seen === 'abcd')
})

test('an inbox that is full refuses, and the transaction goes on', async () => {
  const runtime = await start([counter], { queues: {}, bounds: { inbox: 1 } })
  const ref = await runtime.spawn(counter)
  const client = await begin()
  const calls = runtime.withTransaction(client)
  await calls.send(ref.id, up)
  await expect(calls.send(ref.id, up)).rejects.toThrow(InboxFullError)
  await client.query('commit')
  expect((await rowOf(ref.id)).inbox).toEqual([up])
})

test('what cannot hold a transaction is refused', async () => {
  const [sql, lite] = [postgres(db.url), await createLite()]
  const runtime = await start([counter], { queues: {} })
  const pool = new pg.Pool({ connectionString: db.url })
  for (const client of [pool, sql, lite, db.url, null, undefined, {}, () => undefined]) {
    expect(() => runtime.withTransaction(client)).toThrow(InvalidArgumentError)
  }
  await Promise.all([pool.end(), sql.end(), lite.close()])
})

test('a client of a pool, and a connection that postgres.js reserved, can hold a transaction', async () => {
  const runtime = await start([counter], { queues: {} })
  const [pool, sql] = [new pg.Pool({ connectionString: db.url }), postgres(db.url)]
  const [client, reserved] = [await pool.connect(), await sql.reserve()]
  for (const one of [client, reserved]) await runtime.withTransaction(one).spawn(counter)
  client.release()
  reserved.release()
  await Promise.all([pool.end(), sql.end()])
  expect(await db.sql('select from perdure.actor')).toHaveLength(2)
})

test('a call is one statement, and one each for a dedup key, the look for an id and the notice', async () => {
  const runtime = await start([counter], { queues: {} })
  const client = await begin()
  let statements = 0
  const counting = {
    escapeIdentifier: (name: string) => name,
    query: (text: string, params: string[]) => {
      statements += 1
      return client.query(text, params)
    }
  }
  const count = async (call: () => Promise<unknown>): Promise<number> => {
    statements = 0
    await call()
    return statements
  }
  const [loud, quiet] = [runtime.withTransaction(counting), runtime.withTransaction(counting, { wake: false })]
  expect(await count(() => quiet.spawn(counter, { key: 'one' }))).toBe(1)
  expect(await count(() => quiet.spawnMany(counter, Array(100).fill({})))).toBe(1)
  expect(await count(() => loud.spawn(counter))).toBe(2)
  expect(await count(() => loud.send({ key: 'one' }, up, { dedupKey: 'up' }))).toBe(4)
  await client.query('rollback')
})

test('a runtime that does not run gives no transactions', async () => {
  const runtime = await start([counter], { queues: {} })
  await runtime.stop()
  expect(() => runtime.withTransaction({})).toThrow(RuntimeNotRunningError)
})

/** Statements of the user's that are committed with the transition that they lead to, or not at all. */
import type { PGlite } from '@electric-sql/pglite'
import type pg from 'pg'
import postgres from 'postgres'
import { assign, setup } from 'xstate'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createRuntime, transaction, type TransactionArgs } from 'perdure'
import { createLite } from '../support/pglite.ts'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()
// It takes seconds to come up, and many where the machine is busy.
const lite = await createLite()
afterAll(() => lite.close())
await db.sql('create table stock (item text primary key, pieces integer not null check (pieces >= 0))')

/** Of this process: what the step does between its statement and its end. */
let between: () => Promise<void> = async () => undefined

type Query = (sql: string, params: unknown[]) => Promise<unknown>

/** Takes a piece of `item` from the stock; `query` runs a statement on the driver's client. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties what the step is given to what the query takes
const taking = <TClient>(query: (client: TClient) => Query) =>
  setup({
    types: {
      input: {} as { item: string },
      context: {} as { item: string; left: number | null; error: unknown },
      events: {} as { type: 'LEAVE' } | { type: 'PING' }
    },
    actors: {
      take: transaction(async ({ input, client }: TransactionArgs<{ item: string }, TClient>) => {
        await query(client)('update stock set pieces = pieces - 1 where item = $1', [input.item])
        await between()
        return 41
      })
    }
  }).createMachine({
    id: 'taking',
    context: ({ input }) => ({ item: input.item, left: null, error: null }),
    initial: 'taking',
    states: {
      taking: {
        invoke: {
          src: 'take',
          input: ({ context }) => ({ item: context.item }),
          onDone: { target: 'taken', actions: assign({ left: ({ event }) => event.output }) },
          onError: { target: 'refused', actions: assign({ error: ({ event }) => event.error }) }
        },
        on: { LEAVE: 'left' }
      },
      taken: {},
      refused: {},
      left: {}
    },
    on: { PING: {} }
  })

const machine = taking((client: pg.ClientBase) => (sql, params) => client.query(sql, params))

const pieces = async (item: string) => (await db.sql('select pieces from stock where item = $1', [item]))[0]?.['pieces']

const deferred = () => {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}

/** A step that says when it is there, and goes on when told. */
const makeGate = () => {
  const [reached, opened] = [deferred(), deferred()]
  const pass = async () => {
    reached.resolve()
    await opened.promise
  }
  return { pass, reached: reached.promise, open: () => opened.resolve() }
}

const begin = async (item: string, count: number, then: typeof between = async () => undefined) => {
  between = then
  await db.sql('insert into stock values ($1, $2)', [item, count])
}

test('the statements and the transition are there together', async () => {
  await begin('pen', 3)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'pen' } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('taken'))
  expect(context.left).toBe(41)
  expect(await pieces('pen')).toBe(2)
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { value: 'taken' } })
})

test('until the transition is committed, nobody sees the statements', async () => {
  const gate = makeGate()
  await begin('ink', 3, gate.pass)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'ink' } })
  await gate.reached
  expect(await pieces('ink')).toBe(3)
  gate.open()
  await ref.waitFor((snapshot) => snapshot.matches('taken'))
  expect(await pieces('ink')).toBe(2)
})

test('what the step throws comes as onError, and nothing of it stands', async () => {
  await begin('nib', 3, async () => {
    throw new Error('out of nibs')
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'nib' } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toMatchObject({ message: 'out of nibs' })
  expect(await pieces('nib')).toBe(3)
})

test('a statement that the database refuses does, too', async () => {
  await begin('map', 0)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'map' } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toMatchObject({ code: '23514' })
  expect(await pieces('map')).toBe(0)
})

test('leaving the state rolls it back', async () => {
  const gate = makeGate()
  await begin('cup', 3, gate.pass)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'cup' } })
  await gate.reached
  await ref.send({ type: 'LEAVE' })
  gate.open()
  await eventually(async () => {
    const [row] = await db.sql(
      "select count(*)::integer as n from pg_stat_activity where state like 'idle in transaction%'"
    )
    return row?.['n']
  }).toBe(0)
  expect(await pieces('cup')).toBe(3)
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'left' } })
})

test('events that come meanwhile are taken, and the transition is made from what they left', async () => {
  const gate = makeGate()
  await begin('key', 3, gate.pass)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'key' } })
  await gate.reached
  for (let n = 0; n < 5; n++) await ref.send({ type: 'PING' })
  gate.open()
  await ref.waitFor((snapshot) => snapshot.matches('taken'))
  expect(await pieces('key')).toBe(2)
})

test('a node that lost the actor meanwhile commits neither', async () => {
  const gate = makeGate()
  await begin('urn', 3, gate.pass)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine, { input: { item: 'urn' } })
  await gate.reached
  between = async () => undefined
  const other =
    "insert into perdure.node (id, name, expires_at) values (gen_random_uuid(), 'other', now() + interval '1 hour')"
  await db.sql(
    `with other as (${other} returning id) update perdure.actor set owner = other.id from other where actor.id = $1`,
    [ref.id]
  )
  const stale = hear(runtime, 'commit.stale')
  gate.open()
  await stale
  expect(await pieces('urn')).toBe(3)
  await db.sql("update perdure.node set expires_at = now() where name = 'other'")
  await eventually(() => pieces('urn')).toBe(2)
  await ref.waitFor((snapshot) => snapshot.matches('taken'))
  expect(await pieces('urn')).toBe(2)
})

test('on postgres.js it is its own transaction', async () => {
  const sql = postgres(db.url, { max: 5, onnotice: () => undefined })
  onTestFinished(() => sql.end())
  await begin('jar', 3)
  const onPostgres = taking((client: postgres.TransactionSql) => (text, params) => client.unsafe(text, params as never))
  const runtime = await start([onPostgres], { database: sql })
  const ref = await runtime.spawn(onPostgres, { input: { item: 'jar' } })
  await ref.waitFor((snapshot) => snapshot.matches('taken'))
  expect(await pieces('jar')).toBe(2)
})

test('on PGlite it is its own transaction', async () => {
  between = async () => undefined
  await lite.exec("create table stock (item text, pieces integer); insert into stock values ('jar', 3)")
  const onLite = taking((client: Pick<PGlite, 'query'>) => (text, params) => client.query(text, params))
  const small = createRuntime({ database: lite, machines: [onLite], warn: () => undefined })
  onTestFinished(() => small.stop({ drain: 0 }))
  await small.migrate()
  await small.start()
  const one = await small.spawn(onLite, { input: { item: 'jar' } })
  await one.waitFor((snapshot) => snapshot.matches('taken'))
  expect((await lite.query('select pieces from stock')).rows).toEqual([{ pieces: 2 }])
})

test.each([
  ['leaves a statement that failed', (query: Query) => query('select 1 / 0', []).catch(() => undefined)],
  ['ends the transaction', (query: Query) => query('rollback', [])],
  ['commits it', (query: Query) => query('commit', [])],
  ['breaks a constraint that is put off', (query: Query) => query("insert into parcel values ('none')", [])]
])('a step that %s hears of it once, as onError', async (_what, spoil) => {
  await db.sql('create table if not exists shelf (name text primary key)')
  await db.sql('create table if not exists parcel (shelf text references shelf deferrable initially deferred)')
  let runs = 0
  const spoiling = taking((client: pg.ClientBase) => async (sql, params) => {
    runs++
    await spoil((text, values) => client.query(text, values))
    return sql === '' ? client.query(sql, params) : undefined
  })
  const runtime = await start([spoiling])
  const ref = await runtime.spawn(spoiling, { input: { item: 'none' } })
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('refused'))
  expect(context.error).toBeInstanceOf(Error)
  expect(runs).toBe(1)
})

test('seven steps run at once, and the others after them', async () => {
  const [full, opened] = [deferred(), deferred()]
  let [inside, most] = [0, 0]
  await begin('oar', 1, async () => {
    most = Math.max(most, ++inside)
    if (inside === 7) full.resolve()
    await opened.promise
    inside--
  })
  await db.sql("insert into stock select 'oar ' || n, 1 from generate_series(1, 12) as n")
  const runtime = await start([machine])
  const ids = await runtime.spawnMany(
    machine,
    Array.from({ length: 12 }, (_, n) => ({ input: { item: `oar ${n + 1}` } }))
  )
  await full.promise
  // By when all of these are answered, whoever else might run would.
  await eventually(async () => (await Promise.all(ids.map(rowOf))).every(({ owner }) => owner !== null)).toBe(true)
  for (const n of ids.keys()) expect(await pieces(`oar ${n + 1}`)).toBe(1)
  opened.resolve()
  for (const id of ids) await (await runtime.get(machine, id)).waitFor((snapshot) => snapshot.matches('taken'))
  expect(most).toBe(7)
})

test('a step that does not return is over when its state is left: its locks and its connection are free', async () => {
  await begin('vase', 3, () => new Promise(() => undefined))
  const runtime = await start([machine])
  const refs = await Promise.all(Array.from({ length: 12 }, () => runtime.spawn(machine, { input: { item: 'vase' } })))
  await eventually(
    async () => (await db.sql("select from pg_stat_activity where wait_event_type = 'Lock'")).length
  ).toBeGreaterThan(3)
  await Promise.all(refs.map((ref) => ref.send({ type: 'LEAVE' })))
  await db.sql("update stock set pieces = 9 where item = 'vase'")
  await begin('bowl', 1)
  const next = await runtime.spawn(machine, { input: { item: 'bowl' } })
  await next.waitFor((snapshot) => snapshot.matches('taken'))
  expect(await pieces('vase')).toBe(9)
})

test('on postgres.js the connection of a step that does not return is closed, too', async () => {
  const sql = postgres(db.url, { max: 5, onnotice: () => undefined })
  onTestFinished(() => sql.end())
  await begin('mug', 3, () => new Promise(() => undefined))
  const onPostgres = taking((client: postgres.TransactionSql) => (text, params) => client.unsafe(text, params as never))
  const runtime = await start([onPostgres], { database: sql })
  const ref = await runtime.spawn(onPostgres, { input: { item: 'mug' } })
  const inside = "select pid from pg_stat_activity where state = 'idle in transaction' and query like 'update stock%'"
  await eventually(async () => (await db.sql(inside)).length).toBe(1)
  const [step] = await db.sql(inside)
  await ref.send({ type: 'LEAVE' })
  await eventually(() => db.sql('select from pg_stat_activity where pid = $1', [step?.['pid']])).toEqual([])
  await db.sql("update stock set pieces = 9 where item = 'mug'")
})

/** The server takes statements back (deadlocks, serialization failures): each kind of them is sent again, and nothing is doubled or lost. */
import type pg from 'pg'
import { assign, fromCallback, sendTo, setup } from 'xstate'
import { expect, onTestFinished, test } from 'vitest'
import { activity, all, durable, durableRef, transaction, type TransactionArgs } from 'perdure'
import { loadQueries } from '../../src/persistence/queries.ts'
import { abortingPool } from './aborting-pool.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()
await db.sql('create table stock (item text primary key, pieces integer not null)')

const ledger = setup({
  types: {
    context: {} as { taken: string[] },
    events: {} as { type: 'TAKE'; what: string } | { type: 'OPEN' } | { type: 'LATER' }
  }
}).createMachine({
  id: 'ledger',
  context: { taken: [] },
  initial: 'shut',
  on: { TAKE: { actions: assign({ taken: ({ context, event }) => [...context.taken, event.what] }) } },
  states: { shut: { on: { OPEN: 'open' } }, open: { on: { LATER: 'shut' } } }
})

const child = setup({
  types: { input: {} as { n: number }, context: {} as { n: number }, output: {} as number }
}).createMachine({
  id: 'child',
  context: ({ input }) => input,
  initial: 'resting',
  states: { resting: { after: { 10: 'over' } }, over: { type: 'final' } },
  output: ({ context }) => context.n
})
/** Never ends, nor sleeps. */
const listener = setup({ actors: { listen: fromCallback(() => undefined) } }).createMachine({
  id: 'listener',
  invoke: { src: 'listen' },
  on: { PING: {} }
})

/** Its function knows nothing of deadlocks: it is for its `retry` to have it tried again. */
const buy = transaction(
  async ({ client }: TransactionArgs<void, pg.ClientBase>) => {
    await client.query('update stock set pieces = pieces - 1')
  },
  { retry: { initial: 1, maxAttempts: 20 } }
)
const purchase = setup({ actors: { buy } }).createMachine({
  id: 'purchase',
  initial: 'buying',
  states: { buying: { invoke: { src: 'buy', onDone: 'bought' } }, bought: {} }
})

/** Goes through all that reaches other rows, limits, and a step in the user's tables. */
const errand = setup({
  types: { context: {} as { outcomes: number; receipt: string }, events: {} as { type: 'END' } },
  actors: {
    listener: durable(listener),
    unborn: durable(listener, { key: () => 'taken' }),
    children: all(child, { concurrency: 2 }),
    buy,
    charge: activity(async () => 'receipt', { concurrency: 'till', rateLimit: 'till' })
  }
}).createMachine({
  id: 'errand',
  context: { outcomes: 0, receipt: '' },
  initial: 'sharing',
  states: {
    sharing: {
      invoke: [
        { src: 'listener' },
        { src: 'unborn', onError: { actions: [] } },
        {
          src: 'children',
          input: [{ n: 1 }, { n: 2 }, { n: 3 }],
          onDone: { target: 'buying', actions: assign({ outcomes: ({ event }) => event.output.length }) }
        }
      ]
    },
    buying: { invoke: { src: 'buy', onDone: 'charging' } },
    charging: {
      invoke: {
        src: 'charge',
        onDone: { target: 'telling', actions: assign({ receipt: ({ event }) => event.output }) }
      }
    },
    telling: {
      entry: sendTo(durableRef<typeof ledger>({ key: 'ledger' }), { type: 'TAKE', what: 'errand' }),
      on: { END: 'over' }
    },
    over: { type: 'final' }
  }
})

const machines = [ledger, child, listener, errand, purchase]
const limits = { till: { concurrency: 1, rate: 100, per: '1 second' } } as const
const options = { passivateAfter: 0, limits } as const

/** Runs with that pool: one node that does the work, and one that owns nothing. */
async function startNodes(lease: '3 seconds' | '1 minute') {
  const { pool, begin, refused } = abortingPool(db.url)
  onTestFinished(() => pool.end())
  const nodes = [
    await start(machines, { ...options, lease, database: pool }),
    await start(machines, { database: pool, queues: {}, limits })
  ] as const
  begin()
  return { nodes, refused }
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/)
const OF_ACTORS = words(`
  insert claim pick commit commitOne signal inbox unseen read findKeys knownDedup renew reap notify listen pinPlans
  begin lockJoins lockLinked openJoins countEnds cancelChildren insertFailed setMark checkConstraints update
  takePermits releasePermits collect purgeDedup findUnknown`).concat('commit transaction')
const OF_OPERATORS = words(`
  createSchedule changeSchedule listSchedules pauseSchedule removeSchedule dueSchedules fireSchedules retry cancel`)
/** Sent only by a start or a stop, to another kind of database, or where a row is locked or an answer was lost. */
const OF_NEITHER = words(`
  schemaVersion serverVersion lock join expire joinAlone joinUnlocked findLocked findLinkedLocked rollbackToMark claimed
  forgetPermits sessionState resetSession`)

test('these tests know every statement', () => {
  const known = new Set([...OF_ACTORS, ...OF_OPERATORS, ...OF_NEITHER])
  expect(Object.keys(loadQueries('perdure')).filter((name) => !known.has(name))).toEqual([])
})

test('whatever statement of an actor is taken back, it is sent again, and nothing is lost or doubled', async () => {
  await db.sql(`insert into stock values ('pen', 10)`)
  // A short lease is renewed soon.
  const { nodes, refused } = await startNodes('3 seconds')
  const [runtime, leaf] = nodes
  const book = await runtime.spawn(ledger, { key: 'ledger' })
  const awake = await runtime.spawn(listener, { key: 'taken' })
  const ref = await runtime.spawn(errand)

  const take = (what: string) => ({ type: 'TAKE', what }) as const
  await leaf.send({ key: 'ledger' }, take('from afar'), { dedupKey: 'afar' })
  expect(await book.send({ type: 'LATER' })).toEqual({ status: 'deferred' })
  await book.send(take('from here'), { dedupKey: 'here' })
  expect(await leaf.send(book.id, take('again'), { dedupKey: 'here' })).toEqual({ status: 'duplicate' })
  await book.send({ type: 'OPEN' })
  await ref.waitFor((snapshot) => snapshot.matches('telling'))
  await ref.send({ type: 'END' }, { dedupKey: 'end' })
  expect(await ref.send({ type: 'END' }, { dedupKey: 'end' })).toEqual({ status: 'duplicate' })

  await leaf.send(awake.id, { type: 'PING' })
  await eventually(() => rowOf(awake.id)).toMatchObject({ version: 2, inbox: [] })
  await eventually(() => OF_ACTORS.filter((name) => !refused.has(name))).toEqual([])
  const { snapshot, inbox } = await rowOf(book.id)
  expect([snapshot.value, inbox]).toEqual(['shut', []])
  expect((snapshot.context as { taken: string[] }).taken.toSorted()).toEqual(['errand', 'from afar', 'from here'])
  expect((await rowOf(ref.id)).snapshot.context).toEqual({ outcomes: 3, receipt: 'receipt' })
  expect(await db.sql('select pieces from stock')).toEqual([{ pieces: 9 }])
}, 60_000)

test('whatever statement of a schedule or an operator is taken back, it is sent again, once', async () => {
  const { nodes, refused } = await startNodes('1 minute')
  const [runtime] = nodes
  await runtime.schedule('hourly', '0 * * * *', ledger)
  await runtime.schedule('hourly', '30 * * * *', ledger)
  await runtime.schedules.pause('hourly')
  await db.sql(`update perdure.schedule set next_at = now() - interval '1 second'`)
  await runtime.schedules.resume('hourly')
  await eventually(() => db.sql('select id from perdure.actor')).toEqual([{ id: expect.any(String) }])
  expect(await runtime.schedules.list()).toHaveLength(1)
  await runtime.schedules.remove('hourly')

  const [actor] = await db.sql(`select id from perdure.actor`)
  const id = String(actor?.['id'])
  await eventually(() => rowOf(id)).toMatchObject({ version: 1, owner: null })
  await db.sql(`update perdure.actor set status = 'parked'`)
  expect(await runtime.retry(id)).toBe(true)
  await runtime.cancel(id)
  expect(await rowOf(id)).toMatchObject({ status: 'stopped' })
  expect(OF_OPERATORS.filter((name) => !refused.has(name))).toEqual([])
}, 60_000)

test('a transaction step whose COMMIT is taken back begins again, and its statements stand once', async () => {
  await db.sql(`truncate stock; insert into stock values ('pen', 10)`)
  const { nodes, refused } = await startNodes('1 minute')
  const [runtime] = nodes
  const ref = await runtime.spawn(purchase)
  await ref.waitFor((snapshot) => snapshot.matches('bought'))
  expect([...refused]).toEqual(expect.arrayContaining(['update', 'commit', 'commit transaction']))
  expect(await db.sql('select pieces from stock')).toEqual([{ pieces: 9 }])
}, 60_000)

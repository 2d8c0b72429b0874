/** P2: connections end in the middle of traffic. What was accepted is applied, nothing twice, and the runtime heals. */
import { randomUUID } from 'node:crypto'
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { createRuntime, OutcomeUnknownError, type DurableActorRef, type Runtime } from 'perdure'
import { openProxy } from '../support/proxy.ts'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, watch } = await openStage()

/** Keeps the number of each event that it takes. */
const ledger = setup({
  types: { context: {} as { taken: number[] }, events: {} as { type: 'TAKE'; n: number } }
}).createMachine({
  id: 'ledger',
  context: { taken: [] },
  on: { TAKE: { actions: assign({ taken: ({ context, event }) => [...context.taken, event.n] }) } }
})

const take = (n: number) => ({ type: 'TAKE', n }) as const

const endAllConnections = () =>
  db.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend'
       and application_name <> 'test harness'`
  )

/** Repeats a call until it is answered, with a pause for the world in between. */
async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await call().catch(() => null)
    if (answer !== null) return answer
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const sendUntilAnswered = (ref: DurableActorRef<typeof ledger>, n: number) =>
  untilAnswered(() => ref.send(take(n), { dedupKey: `event ${n}` }))

const takenBy = async (runtime: Runtime<typeof ledger>, id: string): Promise<readonly number[]> =>
  (await (await runtime.get(ledger, id)).getSnapshot()).context.taken

test('events that are sent again with their key until they are answered are all applied, once', async () => {
  const runtime = await start([ledger], { lease: 2_000 })
  const refs = await Promise.all(Array.from({ length: 5 }, () => runtime.spawn(ledger)))
  const numbers = Array.from({ length: 60 }, (_, n) => n)
  for (let round = 0; round < 3; round++) {
    const some = numbers.slice(round * 20, round * 20 + 20)
    const sends = some.flatMap((n) => refs.map((ref) => sendUntilAnswered(ref, n)))
    await endAllConnections()
    await Promise.all(sends)
  }
  for (const ref of refs) {
    await eventually(async () => (await takenBy(runtime, ref.id)).toSorted((a, b) => a - b)).toEqual(numbers)
  }
})

test('every event that was accepted is applied once, every one that was refused not at all', async () => {
  const runtime = await start([ledger], { lease: 2_000 })
  const ref = await runtime.spawn(ledger)
  await ref.send(take(-1))
  const accepted = new Set<number>([-1])
  const unknown = new Set<number>()
  for (let round = 0; round < 5; round++) {
    const some = Array.from({ length: 10 }, (_, n) => round * 10 + n)
    const sends = some.map((n) =>
      ref.send(take(n)).then(
        () => accepted.add(n),
        (error: unknown) => error instanceof OutcomeUnknownError && unknown.add(n)
      )
    )
    await endAllConnections()
    await Promise.all(sends)
  }
  await eventually(() => takenBy(runtime, ref.id)).toEqual(expect.arrayContaining([...accepted]))
  const taken = await takenBy(runtime, ref.id)
  expect(new Set(taken).size).toBe(taken.length)
  expect(taken.filter((n) => !accepted.has(n) && !unknown.has(n))).toEqual([])
})

test('spawns with an id of their own that are repeated until they are answered come about once', async () => {
  const runtime = await start([ledger], { lease: 2_000 })
  const ids = Array.from({ length: 30 }, () => randomUUID())
  const spawns = ids.map((id) => untilAnswered(() => runtime.spawn(ledger, { id, ifExists: 'return' })))
  await endAllConnections()
  await Promise.all(spawns)
  await eventually(() => db.sql('select id from perdure.actor where version = 1')).toHaveLength(30)
})

test('a spawn whose answer was lost is the caller’s own where perdure made its id', async () => {
  const { pool, spoilAnswer, statements } = watch()
  const runtime = await start([ledger], { database: pool })
  spoilAnswer('insert', 'lost')
  const ref = await runtime.spawn(ledger)
  expect(statements.filter((name) => name === 'insert')).toHaveLength(2)
  expect(await ref.send(take(1))).toEqual({ status: 'applied' })
})

test('of a spawn whose answer was lost nobody can tell whether it made the actor with the id that its caller named', async () => {
  const { pool, spoilAnswer } = watch()
  const runtime = await start([ledger], { database: pool })
  const [mine, others] = [randomUUID(), randomUUID()]
  await runtime.spawn(ledger, { id: others })
  for (const id of [mine, others]) {
    spoilAnswer('insert', 'lost')
    await expect(runtime.spawn(ledger, { id })).rejects.toThrow(OutcomeUnknownError)
    spoilAnswer('insert', 'lost')
    await expect(runtime.spawnMany(ledger, [{ id }, {}])).rejects.toThrow(OutcomeUnknownError)
    await eventually(() => rowOf(id)).toMatchObject({ version: 1 })
  }
})

test('who asks for the actor that exists gets it, whether a spawn whose answer was lost made it or not', async () => {
  const { pool, spoilAnswer } = watch()
  const runtime = await start([ledger], { database: pool })
  const id = randomUUID()
  for (const n of [1, 2]) {
    spoilAnswer('insert', 'lost')
    const ref = await runtime.spawn(ledger, { id, ifExists: 'return' })
    expect(await ref.send(take(n))).toEqual({ status: 'applied' })
  }
  expect(await takenBy(runtime, id)).toEqual([1, 2])
})

test('a node whose session ended joins anew, and its actors go on', async () => {
  const runtime = await start([ledger], { lease: 2_000 })
  const ref = await runtime.spawn(ledger)
  await ref.send(take(1))
  const joined = hear(runtime, 'node.joined')
  await endAllConnections()
  await joined
  await sendUntilAnswered(ref, 2)
  await eventually(() => takenBy(runtime, ref.id)).toEqual([1, 2])
})

test('an idle runtime survives the end of its connections', async () => {
  const runtime = await start([ledger], { lease: 2_000 })
  const ref = await runtime.spawn(ledger)
  await ref.send(take(1))
  for (let times = 0; times < 3; times++) await endAllConnections()
  await sendUntilAnswered(ref, 2)
  await eventually(() => takenBy(runtime, ref.id)).toEqual([1, 2])
})

test('who waits goes on waiting while connections come and go', async () => {
  const [here, there] = [await start([ledger], { lease: 2_000 }), await start([ledger], { lease: 2_000 })]
  const ref = await here.spawn(ledger)
  const afar = await there.get(ledger, ref.id)
  const waits = [ref, afar].map((each) => each.waitFor(({ context }) => context.taken.includes(7)))
  await ref.send(take(1))
  await endAllConnections()
  await sendUntilAnswered(ref, 7)
  for (const snapshot of await Promise.all(waits)) expect(snapshot.context.taken).toContain(7)
  expect(await rowOf(ref.id)).toMatchObject({ status: expect.stringMatching(/waiting|ready/) })
})

test.for([1, 2, 3])(
  'a connection that ends while it is being set up, as number %i, fails a call at most',
  async (last) => {
    let setUps = 0
    const proxy = await openProxy(db.url, ({ statement, at }) =>
      statement === '' && at === 'asked' && ++setUps === last ? 'cut' : 'pass'
    )
    const runtime = createRuntime({ database: proxy.url, machines: [ledger], warn: () => undefined })
    await untilAnswered(async () => {
      await runtime.start()
      return 'started'
    })
    expect(await untilAnswered(() => runtime.spawnMany(ledger, [{}]))).toHaveLength(1)
    await runtime.stop()
    await proxy.close()
  }
)

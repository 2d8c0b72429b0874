/** What a call costs the database, counted in statements: never in time. */
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { start, watch, rowOf } = await openStage()

const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
})

const shop = createMachine({
  id: 'shop',
  initial: 'shut',
  states: { shut: { on: { OPEN: 'open' } }, open: { on: { BUY: {} } } }
})

/** A runtime that uses the database for what it is called to do: its loops have looked, at first and once it listens, and sleep. */
const startWatched = async (options: Parameters<typeof start>[1] = {}) => {
  const { pool, statements, hold } = watch()
  const runtime = await start([counter, shop], {
    database: pool,
    poll: '1 hour',
    reaper: false,
    janitor: false,
    ...options
  })
  const names = ['pick', 'unseen', 'due_schedules']
  const looks = () => names.map((name) => statements.filter((sent) => sent === name).length)
  const queues = Object.keys(options.queues ?? { default: 1 }).length
  await eventually(looks).toEqual([2 * queues, 2, queues > 0 ? 2 : 0])
  return { runtime, statements, hold }
}

test('an event for an actor that is awake is one row in one commit, and nothing else', async () => {
  const { runtime, statements } = await startWatched()
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const before = statements.length
  await ref.send({ type: 'UP' })
  expect(statements.slice(before)).toEqual(['commit'])
})

test('events for many actors that are awake share one commit, a row for each', async () => {
  const { runtime, statements } = await startWatched()
  const refs = await Promise.all(Array.from({ length: 50 }, () => runtime.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  const before = statements.length
  const flush = hear(runtime, 'commit.flush')
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  expect(statements.slice(before)).toEqual(['commit'])
  expect(await flush).toMatchObject({ rows: 50 })
})

test('events for one actor that are sent together share one turn, one row and one version', async () => {
  const { runtime, statements } = await startWatched()
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const [before, { version }] = [statements.length, await rowOf(ref.id)]
  const turn = hear(runtime, 'step.stop')
  await Promise.all(Array.from({ length: 100 }, () => ref.send({ type: 'UP' })))
  expect(statements.slice(before)).toEqual(['commit'])
  expect(await turn).toMatchObject({ events: 100 })
  expect(await rowOf(ref.id)).toMatchObject({ version: version + 1, snapshot: { context: { n: 101 } } })
})

test('what gathers while a commit is under way goes together with the next', async () => {
  const { runtime, statements, hold } = await startWatched()
  const refs = await Promise.all(Array.from({ length: 30 }, () => runtime.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  const before = statements.length
  const release = hold('commit')
  const sends = [refs[0]!.send({ type: 'UP' })]
  await new Promise((resolve) => setImmediate(resolve))
  sends.push(refs[1]!.send({ type: 'UP' }))
  await new Promise((resolve) => setImmediate(resolve))
  for (const ref of refs.slice(2)) sends.push(ref.send({ type: 'UP' }))
  await new Promise((resolve) => setImmediate(resolve))
  release()
  await Promise.all(sends)
  expect(statements.slice(before)).toEqual(['commit', 'commit', 'commit'])
})

test('a deferred event, a dedup key and the signals that are taken ride on the same commit', async () => {
  const { runtime, statements } = await startWatched()
  const ref = await runtime.spawn(shop)
  await ref.send({ type: 'BUY' }, { dedupKey: 'a' })
  const before = statements.length
  await ref.send({ type: 'BUY' }, { dedupKey: 'b' })
  await ref.send({ type: 'OPEN' }, { dedupKey: 'c' })
  expect(statements.slice(before)).toEqual(['commit', 'commit'])
})

test('a key that is known is answered without the database', async () => {
  const { runtime, statements } = await startWatched()
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' }, { dedupKey: 'evt-7' })
  const before = statements.length
  expect(await ref.send({ type: 'UP' }, { dedupKey: 'evt-7' })).toEqual({ status: 'duplicate' })
  expect(statements.slice(before)).toEqual([])
})

test('a snapshot of an actor that is awake is read from memory', async () => {
  const { runtime, statements } = await startWatched()
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const before = statements.length
  await ref.getSnapshot()
  expect(statements.slice(before)).toEqual([])
})

test('events for many actors that sleep are one claim and one commit', async () => {
  const { runtime, statements } = await startWatched({ passivateAfter: 0 })
  const refs = await Promise.all(Array.from({ length: 50 }, () => runtime.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  await eventually(() => rowOf(refs[49]!.id)).toMatchObject({ owner: null })
  const before = statements.length
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  expect(statements.slice(before)).toEqual(['claim', 'commit'])
})

test('events for many actors that are awake elsewhere are one claim and one signal', async () => {
  const here = await start([counter])
  const refs = await Promise.all(Array.from({ length: 50 }, () => here.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  const { runtime, statements } = await startWatched()
  const before = statements.length
  await Promise.all(refs.map(({ id }) => runtime.send(id, { type: 'UP' })))
  expect(statements.slice(before)).toEqual(['claim', 'signal'])
})

test('look-ups of many keys at once are one statement', async () => {
  const here = await start([counter])
  const keys = Array.from({ length: 50 }, (_, n) => `counter:${n}`)
  await here.spawnMany(
    counter,
    keys.map((key) => ({ key }))
  )
  const { runtime, statements } = await startWatched({ queues: {} })
  const before = statements.length
  await Promise.all(keys.map((key) => runtime.send({ key }, { type: 'UP' })))
  expect(statements.slice(before)).toEqual(['find_keys', 'signal'])
})

test('an actor that rests causes no statements', async () => {
  const { runtime, statements } = await startWatched({ passivateAfter: '1 hour' })
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  const before = statements.length
  // Several sweeps go by; the saturation is told with each look of the picker, which has nothing to look for.
  for (let sweeps = 0; sweeps < 5; sweeps++) await refs[0]!.waitFor(() => false, { timeout: 60 }).catch(() => undefined)
  expect(statements.slice(before)).toEqual([])
})

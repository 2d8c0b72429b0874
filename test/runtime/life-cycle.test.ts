/** Starting, stopping, and what is refused in between. */
import { randomUUID } from 'node:crypto'
import { assign, createMachine, fromPromise, setup } from 'xstate'
import { expect, onTestFinished, test } from 'vitest'
import {
  createRuntime,
  InvalidArgumentError,
  PerdureError,
  RuntimeNotRunningError,
  SchemaMismatchError,
  type RuntimeOptions
} from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, watch } = await openStage()

const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
})

const create = (options: Partial<Omit<RuntimeOptions, 'machines'>> = {}) => {
  const runtime = createRuntime({ database: db.url, machines: [counter], ...options })
  onTestFinished(() => runtime.stop({ drain: 0 }))
  return runtime
}

test('a runtime does not start on a schema that was not migrated, says so, and starts once it is', async () => {
  const runtime = create({ schema: 'fresh' })
  await expect(runtime.start()).rejects.toThrow(SchemaMismatchError)
  await expect(runtime.start()).rejects.toThrow('runtime.migrate()')
  await runtime.migrate()
  await runtime.start()
  expect(await (await runtime.spawn(counter)).send({ type: 'UP' })).toEqual({ status: 'applied' })
})

test('a runtime does not start on a schema that is newer than itself', async () => {
  const runtime = create({ schema: 'newer' })
  await runtime.migrate()
  await db.sql(`insert into newer.migration (version, name) values (999, 'from the future')`)
  await expect(runtime.start()).rejects.toThrow('Upgrade the package')
})

test('many nodes may migrate at once, and again', async () => {
  const runtimes = Array.from({ length: 5 }, () => create({ schema: 'crowded' }))
  await Promise.all(runtimes.map((runtime) => runtime.migrate()))
  await runtimes[0]!.migrate()
  await runtimes[0]!.start()
  expect(runtimes[0]!.tree().every(({ state }) => state === 'running')).toBe(true)
})

test('a runtime starts once', async () => {
  const runtime = create()
  const starts = await Promise.allSettled([runtime.start(), runtime.start()])
  expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await expect(runtime.start()).rejects.toThrow(RuntimeNotRunningError)
  await runtime.stop()
  await expect(runtime.start()).rejects.toThrow('stopped')
})

test('what is called before the start and after the end is refused', async () => {
  const runtime = create()
  const callAll = () => [
    runtime.spawn(counter),
    runtime.spawnMany(counter, [{}]),
    runtime.send(randomUUID(), { type: 'UP' }),
    runtime.send({ key: 'k' }, { type: 'UP' }),
    runtime.get(counter, { key: 'k' })
  ]
  for (const call of callAll()) await expect(call).rejects.toThrow(RuntimeNotRunningError)
  await runtime.start()
  await runtime.stop()
  for (const call of callAll()) await expect(call).rejects.toThrow(RuntimeNotRunningError)
  expect(await db.sql('select id from perdure.actor')).toEqual([])
})

test('a runtime that was never started, or has stopped, can be stopped', async () => {
  const runtime = create()
  await runtime.stop()
  await runtime.stop()
})

test('a runtime that cannot reach its database does not start, and says so without its address', async () => {
  const runtime = create({ database: 'postgres://someone:secret@127.0.0.1:1/nowhere' })
  const error = await runtime.start().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Error)
  expect(String(error)).not.toContain('secret')
})

test('work that runs at a stop is aborted, and its actor handed over to be taken up', async () => {
  let signal: AbortSignal | undefined
  const work = fromPromise((given) => {
    signal = given.signal
    return new Promise(() => undefined)
  })
  const machine = setup({ actors: { work } }).createMachine({ id: 'worker', invoke: { src: 'work' } })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'running' })
  await runtime.stop({ drain: 0 })
  expect(signal?.aborted).toBe(true)
  expect(await rowOf(ref.id)).toMatchObject({ status: 'ready', owner: null })
})

test('every send that is answered is in the database after a stop, every other one is refused', async () => {
  const runtime = await start([counter])
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(counter)))
  const sends = refs.flatMap((ref) => Array.from({ length: 10 }, () => ref.send({ type: 'UP' })))
  const outcomes = Promise.allSettled(sends)
  await runtime.stop()
  const accepted = (await outcomes).filter(({ status }) => status === 'fulfilled')
  const [row] = await db.sql(
    `select coalesce(sum((snapshot->'context'->>'n')::integer), 0)::integer + (select count(*) from perdure.signal)::integer as n
     from perdure.actor`
  )
  expect(row?.['n']).toBe(accepted.length)
})

test('a stop leaves no node, no owner and no connection behind', async () => {
  const runtime = await start([counter], { database: `${db.url}?application_name=leaver` })
  await (await runtime.spawn(counter)).send({ type: 'UP' })
  const left = hear(runtime, 'node.left')
  await runtime.stop()
  await left
  expect(await db.sql('select id from perdure.node')).toEqual([])
  expect(await db.sql('select id from perdure.actor where owner is not null')).toEqual([])
  await eventually(() => db.sql(`select pid from pg_stat_activity where application_name = 'leaver'`)).toEqual([])
})

test('a pool of the caller is used, and not ended', async () => {
  const { pool } = watch()
  const runtime = await start([counter], { database: pool })
  await runtime.stop()
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('await using stops the runtime at the end of its block', async () => {
  let stopped = false
  {
    await using runtime = create()
    await runtime.start()
    runtime.on('node.left', () => (stopped = true))
  }
  expect(stopped).toBe(true)
})

test('two runtimes in two schemas of one database do not see each other', async () => {
  const [ours, theirs] = [create(), create({ schema: 'theirs' })]
  await theirs.migrate()
  await Promise.all([ours.start(), theirs.start()])
  const ref = await ours.spawn(counter, { key: 'shared' })
  const other = await theirs.spawn(counter, { key: 'shared' })
  await other.send({ type: 'UP' })
  expect(other.id).not.toBe(ref.id)
  await expect(theirs.send(ref.id, { type: 'UP' })).rejects.toMatchObject({ _tag: 'ActorNotFoundError' })
  expect((await (await ours.get(counter, { key: 'shared' })).getSnapshot()).context.n).toBe(0)
})

test('stop comes to an end though the database does not answer', async () => {
  const { pool, spoilAnswer } = watch()
  const runtime = await start([counter], { database: pool })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  spoilAnswer('commit', 'late')
  const sent = ref.send({ type: 'UP' })
  void sent.catch(() => undefined)
  await runtime.stop({ drain: 0 })
  await expect(sent).rejects.toThrow(PerdureError)
})

test.each<[string, object]>([
  ['database', { database: 'mysql://localhost' }],
  ['database', { database: 42 }]
])('an unusable %s is refused when it is needed', async (argument, options) => {
  const starting = create(options).start()
  await expect(starting).rejects.toThrow(InvalidArgumentError)
  await expect(starting).rejects.toMatchObject({ argument })
})

test.each<[string, object]>([
  ['schema', { schema: 'Robert"; drop table' }],
  ['passivateAfter', { passivateAfter: 'soon' }],
  ['lease', { lease: -1 }],
  ['maxResident', { maxResident: 0 }],
  ["queues: 'default'", { queues: { default: 0.5 } }],
  ["bounds: 'events'", { bounds: { events: 1 } }],
  ["bounds: 'event'", { bounds: { event: '1 MB' } }],
  ['name', { name: '' }],
  ['machines', { machines: [{ machine: 'counter' }] }],
  ["machines: 'counter'", { machines: [counter, { machine: counter }] }],
  ['unhandled', { machines: [{ machine: counter, unhandled: 'ignore' }] }],
  ['retry.maxAttempts', { machines: [{ machine: counter, retry: { maxAttempts: 0 } }] }]
])('an unusable %s is refused at once', (argument, options) => {
  const refused = (): unknown => createRuntime({ database: db.url, machines: [counter], ...options } as never)
  expect(refused).toThrow(InvalidArgumentError)
  expect(refused).toThrow(expect.objectContaining({ argument }))
})

test('the tree of a running node names its parts', async () => {
  const runtime = await start([createMachine({ id: 'm' })], { queues: { mail: 1 } })
  const names = runtime.tree().map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['membership', 'actors', 'queue mail', 'reaper']))
  expect(runtime.tree().every(({ state, restarts }) => state === 'running' && restarts === 0)).toBe(true)
})

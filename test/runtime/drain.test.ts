/**
 * A node that is stopped finishes what it may, and hands over the rest at once.
 *
 * The heirs in here neither poll nor reap: what they take up in time, they were told of.
 */
import { expect, test } from 'vitest'
import type { TelemetryEvents } from 'perdure'
import { setup } from 'xstate'
import { counter } from './counter.ts'
import { eventually, hear, openStage } from './stage.ts'
import { workbench } from './workbench.ts'

const { start, rowOf, watch, db } = await openStage()

const told = { poll: '1 hour', reaper: false } as const

test('work that ends within the limit is committed by the node that leaves', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const stopping = runtime.stop({ drain: '1 hour' })
  runs[0]?.finish('the one that leaves')
  await stopping
  const over = { owner: null, snapshot: { value: 'over', context: { by: 'the one that leaves' } } }
  expect(await rowOf(ref.id)).toMatchObject(over)
  expect(runs).toHaveLength(1)
})

test('work that the result of other work begins is waited for as well', async () => {
  const { runs, machine } = workbench(2)
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const stopping = runtime.stop({ drain: '1 hour' })
  runs[0]?.finish('first')
  await eventually(() => runs.length).toBe(2)
  runs[1]?.finish('second')
  await stopping
  expect(await rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { context: { by: 'second' } } })
})

test('work that is left at the limit is aborted here, and runs elsewhere at once, under the same key', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  await start([machine], told)
  await runtime.stop({ drain: 50 })
  expect(runs[0]?.signal.aborted).toBe(true)
  await eventually(() => runs.length).toBe(2)
  expect(runs[1]?.key).toBe(runs[0]?.key)
  runs[1]?.finish('the heir')
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { by: 'the heir' } } })
})

test('the row of work that is left at the limit is ready, and its hand-over counts as no failed attempt', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  await runtime.stop({ drain: 50 })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'ready', owner: null })
  expect(await db.sql('select attempt from perdure.actor')).toEqual([{ attempt: 0 }])
})

test('actors that only wait are handed over at once, while others are still at work', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine, counter])
  await runtime.spawn(machine)
  const waiting = await runtime.spawn(counter)
  await waiting.send({ type: 'UP' })
  await eventually(() => runs.length).toBe(1)
  const heir = await start([counter], told)
  const stopping = runtime.stop({ drain: '1 hour' })
  await eventually(() => rowOf(waiting.id)).toMatchObject({ owner: null, status: 'waiting' })
  expect(await heir.send(waiting.id, { type: 'UP' })).toEqual({ status: 'applied' })
  expect(await rowOf(waiting.id)).toMatchObject({ snapshot: { context: { n: 2 } } })
  runs[0]?.finish('in the end')
  await stopping
})

test('a timer of an actor that was handed over fires elsewhere, while others are still at work', async () => {
  const { runs, machine } = workbench()
  const alarm = setup({}).createMachine({
    id: 'alarm',
    initial: 'set',
    states: { set: { after: { 300: 'rung' } }, rung: {} }
  })
  const runtime = await start([machine, alarm])
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  await start([alarm], told)
  const ref = await runtime.spawn(alarm)
  const stopping = runtime.stop({ drain: '1 hour' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'rung' } })
  runs[0]?.finish('in the end')
  await stopping
})

test('a node that drains looks for no rows, though it hears that there are some', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine, counter])
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const heir = await start([counter], told)
  const stopping = runtime.stop({ drain: '1 hour' })
  const looks: unknown[] = []
  runtime.on('scheduler.saturation', (look) => looks.push(look))
  const ref = await heir.spawn(counter, { partitionKey: 'for a picker' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  runs[0]?.finish('in the end')
  await stopping
  expect(looks).toEqual([])
})

test('a row that is picked as the drain begins is given back at once, and counts no attempt', async () => {
  const { runs, machine } = workbench()
  const { pool, hold, answered } = watch()
  const runtime = await start([machine, counter], { database: pool })
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  // The picker says that it looks right before it does: that very look is held.
  const release = await new Promise<() => void>((resolve) => {
    const unheard = runtime.on('scheduler.saturation', () => {
      unheard()
      resolve(hold('pick'))
    })
  })
  const leaf = await start([counter], { queues: {} })
  const ref = await leaf.spawn(counter)
  const picks = answered.filter((name) => name === 'pick').length
  const stopping = runtime.stop({ drain: '1 hour' })
  release()
  await eventually(() => answered.filter((name) => name === 'pick').length).toBeGreaterThan(picks)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'ready', owner: null, version: 0 })
  expect(await db.sql(`select attempt from perdure.actor where machine = 'counter'`)).toEqual([{ attempt: 0 }])
  runs[0]?.finish('in the end')
  await stopping
})

test('an actor whose row comes about as the drain begins is not born here, and given to the others', async () => {
  const { runs, machine } = workbench()
  const { pool, hold } = watch()
  const runtime = await start([machine, counter], { database: pool })
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const release = hold('insert')
  const spawning = runtime.spawn(counter)
  await new Promise((resolve) => setImmediate(resolve))
  const stopping = runtime.stop({ drain: '1 hour' })
  release()
  const { id } = await spawning
  await eventually(() => rowOf(id)).toMatchObject({ status: 'ready', owner: null, version: 0 })
  await start([counter], told)
  await eventually(() => rowOf(id)).toMatchObject({ version: 1 })
  runs[0]?.finish('in the end')
  await stopping
})

test('events that wait when the drain begins are applied, and those that come later are refused', async () => {
  const { pool, hold } = watch()
  const runtime = await start([counter], { database: pool })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const release = hold('commit')
  const sends = [ref.send({ type: 'UP' })]
  await new Promise((resolve) => setImmediate(resolve))
  sends.push(ref.send({ type: 'UP' }))
  const stopping = runtime.stop({ drain: '1 hour' })
  await expect(ref.send({ type: 'UP' })).rejects.toMatchObject({ _tag: 'RuntimeNotRunningError' })
  release()
  expect(await Promise.all(sends)).toEqual([{ status: 'applied' }, { status: 'applied' }])
  await stopping
  expect(await rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { context: { n: 3 } } })
})

test('an event for an actor that is claimed as the drain begins goes into its inbox, and the others are told', async () => {
  const { runs, machine } = workbench()
  const { pool, hold, answered } = watch()
  const runtime = await start([machine, counter], { database: pool, passivateAfter: 0 })
  await runtime.spawn(machine)
  const ref = await runtime.spawn(counter)
  await eventually(() => runs.length).toBe(1)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  const release = hold('claim')
  const sent = ref.send({ type: 'UP' })
  await new Promise((resolve) => setImmediate(resolve))
  await start([counter], told)
  const stopping = runtime.stop({ drain: '1 hour' })
  release()
  expect(await sent).toEqual({ status: 'queued' })
  expect(answered).toContain('claim')
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { n: 1 } }, inbox: [] })
  runs[0]?.finish('in the end')
  await stopping
})

test('effects of a turn that is being committed as the drain begins run before the node has left', async () => {
  const ran: string[] = []
  const machine = setup({ actions: { act: () => void ran.push('act') } }).createMachine({
    id: 'acting',
    on: { GO: { actions: 'act' } }
  })
  const { pool, hold } = watch()
  const runtime = await start([machine], { database: pool })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  const release = hold('commit')
  const sent = ref.send({ type: 'GO' })
  await new Promise((resolve) => setImmediate(resolve))
  const stopping = runtime.stop({ drain: '1 hour' })
  release()
  await Promise.all([sent, stopping])
  expect(ran).toEqual(['act'])
  expect(await db.sql('select from perdure.actor where journal is not null or owner is not null')).toEqual([])
})

test.each(['signal', 'insert'])('a call whose %s is never answered is told so when the node has left', async (name) => {
  const { pool, spoilAnswer } = watch()
  const runtime = await start([counter], { database: pool, queues: {} })
  const ref = await runtime.spawn(counter)
  spoilAnswer(name, 'late')
  const call = name === 'signal' ? ref.send({ type: 'UP' }) : runtime.spawn(counter)
  const answer = call.catch((error: unknown) => error)
  await runtime.stop({ drain: 0 })
  expect(await answer).toMatchObject({ _tag: 'OutcomeUnknownError' })
})

test('a node that loses its lease while it drains takes up nothing under its next id', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const fenced = hear(runtime, 'node.fenced')
  const stopping = runtime.stop({ drain: '1 hour' })
  await db.sql(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`)
  await Promise.all([fenced, stopping])
  expect(runs).toHaveLength(1)
  expect(runs[0]?.signal.aborted).toBe(true)
})

test.each([
  ['at the limit all of it', { drain: 50 }, [2, 1]],
  ['none of it, if it ends in time', { drain: '1 hour' }, [0, 0]]
] as const)(
  'telemetry tells of each queue what was executing, and what was handed over: %s',
  async (_, options, left) => {
    const { runs, machine } = workbench()
    const runtime = await start([machine, counter], { queues: { default: 10, mail: 5, idle: 1 } })
    const drains: TelemetryEvents['scheduler.drain'][] = []
    runtime.on('scheduler.drain', (drain) => drains.push(drain))
    await (await runtime.spawn(counter)).send({ type: 'UP' })
    await Promise.all([runtime.spawn(machine), runtime.spawn(machine), runtime.spawn(machine, { queue: 'mail' })])
    await eventually(() => runs.length).toBe(3)
    const stopping = runtime.stop(options)
    if (left[0] === 0) for (const { finish } of runs) finish('in time')
    await stopping
    expect(drains).toEqual([
      { queue: 'default', released: left[0], inFlight: 2 },
      { queue: 'mail', released: left[1], inFlight: 1 },
      { queue: 'idle', released: 0, inFlight: 0 }
    ])
  }
)

test('a second stop may shorten the limit of the first', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const stopping = runtime.stop({ drain: '1 hour' })
  await runtime.stop({ drain: 0 })
  await stopping
  expect(runs[0]?.signal.aborted).toBe(true)
})

test('a node that has nothing under way leaves without waiting for the limit', async () => {
  const runtime = await start([counter])
  await (await runtime.spawn(counter)).send({ type: 'UP' })
  await runtime.stop({ drain: '1 hour' })
  expect(await db.sql('select from perdure.actor where owner is not null')).toEqual([])
  expect(await db.sql('select from perdure.node')).toEqual([])
})

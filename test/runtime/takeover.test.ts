/** P3 and P4: what a lost node was doing is done elsewhere, with the same idempotency key; what it still does counts for nothing. */
import { assign, createMachine, fromPromise, setup, type AnyStateMachine } from 'xstate'
import { expect, onTestFinished, test } from 'vitest'
import { createRuntime, idempotencyKey, PerdureError, type SendResult } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, watch, declareNodesDead } = await openStage()

/** Each run of `work` is a promise that its test settles. */
function workbench() {
  const runs: {
    readonly key: string | undefined
    readonly signal: AbortSignal
    readonly finish: (by: string) => void
  }[] = []
  const work = fromPromise<string>(
    ({ signal }) => new Promise((finish) => runs.push({ key: idempotencyKey(), signal, finish }))
  )
  const machine = setup({ types: { context: {} as { by: string | null } }, actors: { work } }).createMachine({
    id: 'job',
    context: { by: null },
    initial: 'working',
    states: {
      working: {
        invoke: { src: 'work', onDone: { target: 'over', actions: assign({ by: ({ event }) => event.output }) } }
      },
      over: {}
    }
  })
  return { runs, machine }
}

/** A node that can be lost: then it takes up nothing more, and the others find it dead. */
const startDoomed = async <M extends AnyStateMachine>(machine: M) => {
  const { pool, hold, spoilAnswer } = watch()
  const lost = await start([machine], { database: pool, lease: '1 hour' })
  const lose = async (): Promise<void> => {
    for (const name of ['pick', 'claim', 'reap']) hold(name)
    await declareNodesDead()
  }
  return { lost, lose, hold, spoilAnswer }
}

test('work of a lost node runs again elsewhere, with the same idempotency key', async () => {
  const { runs, machine } = workbench()
  const { lost, lose } = await startDoomed(machine)
  const ref = await lost.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  await lose()
  await start([machine])
  await eventually(() => runs.length).toBe(2)
  expect(runs[0]?.key).toBeTypeOf('string')
  expect(runs[1]?.key).toBe(runs[0]?.key)
  runs[1]?.finish('second')
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'over', context: { by: 'second' } } })
})

test('what a lost node brings to an end too late changes nothing', async () => {
  const { runs, machine } = workbench()
  const { lost, lose } = await startDoomed(machine)
  const ref = await lost.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  await lose()
  await start([machine])
  await eventually(() => runs.length).toBe(2)
  const stale = hear(lost, 'commit.stale')
  runs[0]?.finish('first')
  expect(await stale).toMatchObject({ id: ref.id })
  runs[1]?.finish('second')
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { context: { by: 'second' } } })
})

test('different work has different keys, and the same work of another actor has another', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine])
  await Promise.all([runtime.spawn(machine), runtime.spawn(machine)])
  await eventually(() => runs.length).toBe(2)
  expect(new Set(runs.map(({ key }) => key)).size).toBe(2)
})

/** Two actions for each `GO`, with their keys. */
function actingOf(ran: [string, string | undefined][]) {
  const act = (name: string) => () => void ran.push([name, idempotencyKey()])
  return createMachine({
    id: 'acting',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { entry: [act('one'), act('two')] } }
  })
}

test('effects that were not acknowledged run again, in order and with the same keys, and telemetry says so', async () => {
  const ran: [string, string | undefined][] = []
  const machine = actingOf(ran)
  const { lost, lose, hold } = await startDoomed(machine)
  const ref = await lost.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  lost.on('step.stop', () => hold('commit'))
  await ref.send({ type: 'GO' })
  await lose()
  const reruns: unknown[] = []
  const heir = createRuntime({ database: db.url, machines: [machine] })
  onTestFinished(() => heir.stop())
  heir.on('effect.rerun', (rerun) => reruns.push(rerun))
  await heir.start()
  await eventually(() => reruns).toEqual([{ id: ref.id, machine: 'acting', count: 2 }])
  expect(ran.map(([name]) => name)).toEqual(['one', 'two', 'one', 'two'])
  expect(ran.slice(2)).toEqual(ran.slice(0, 2))
  expect(new Set(ran.map(([, key]) => key)).size).toBe(2)
})

test('what an action sends to its own actor is not lost, however often the node dies before it is taken', async () => {
  const machine = createMachine({
    id: 'echoing',
    initial: 'a',
    context: { heard: [] as string[] },
    states: { a: { on: { GO: 'b' } }, b: { entry: ({ self }) => self.send({ type: 'ECHO' }) } },
    on: {
      ECHO: { actions: assign({ heard: ({ context }) => [...context.heard, 'echo'] }) },
      PING: { actions: assign({ heard: ({ context }) => [...context.heard, 'ping'] }) }
    }
  })
  const first = await startDoomed(machine)
  const ref = await first.lost.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  first.lost.on('step.stop', () => first.hold('commit'))
  await ref.send({ type: 'GO' })
  const sender = await start([machine], { queues: {} })
  await sender.send(ref.id, { type: 'PING' })
  await first.lose()
  const second = await startDoomed(machine)
  second.lost.on('step.stop', () => second.hold('commit'))
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 3 })
  await second.lose()
  await start([machine])
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { heard: ['echo', 'ping'] } } })
})

test('effects that were acknowledged do not run again', async () => {
  const ran: [string, string | undefined][] = []
  const machine = actingOf(ran)
  const { lost, lose } = await startDoomed(machine)
  const ref = await lost.spawn(machine)
  await ref.send({ type: 'GO' })
  await eventually(() => db.sql('select from perdure.actor where journal is not null')).toEqual([])
  await lose()
  const heir = await start([machine])
  await heir.send(ref.id, { type: 'GO' })
  expect(ran.map(([name]) => name)).toEqual(['one', 'two'])
})

test('effects whose commit was never answered run on the next node, once', async () => {
  const ran: [string, string | undefined][] = []
  const machine = actingOf(ran)
  const { lost, lose, spoilAnswer } = await startDoomed(machine)
  const ref = await lost.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  spoilAnswer('commit', 'late')
  void ref.send({ type: 'GO' }).catch(() => undefined)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 2 })
  expect(ran).toEqual([])
  await lose()
  await start([machine])
  await eventually(() => ran.map(([name]) => name)).toEqual(['one', 'two'])
})

test('what was committed but for its answer is found out, not done again', async () => {
  const ran: [string, string | undefined][] = []
  const machine = actingOf(ran)
  const { pool, spoilAnswer } = watch()
  const runtime = await start([machine], { database: pool })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  spoilAnswer('commit', 'lost')
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2 })
  expect(ran.map(([name]) => name)).toEqual(['one', 'two'])
})

test('a spawn whose answer was lost has come about, once, and says so', async () => {
  const machine = actingOf([])
  const { pool, spoilAnswer } = watch()
  const runtime = await start([machine], { database: pool })
  spoilAnswer('insert', 'lost')
  const ref = await runtime.spawn(machine, { key: 'mine' })
  expect(await db.sql('select id, key from perdure.actor')).toEqual([{ id: ref.id, key: 'mine' }])
  expect(await ref.send({ type: 'GO' })).toEqual({ status: 'applied' })
})

test('an event for an inbox whose answer was lost is unknown without a dedupKey, and safe to send again with one', async () => {
  const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
  })
  const { pool, spoilAnswer } = watch()
  const leaf = await start([counter], { database: pool, queues: {} })
  const ref = await leaf.spawn(counter)
  spoilAnswer('signal', 'lost')
  await expect(ref.send({ type: 'UP' }, { dedupKey: 'a' })).rejects.toMatchObject({ _tag: 'OutcomeUnknownError' })
  expect(await ref.send({ type: 'UP' }, { dedupKey: 'a' })).toEqual({ status: 'duplicate' })
  await start([counter])
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { n: 1 } }, inbox: [] })
})

test('a node that was taken for dead fences itself, drops its actors, and joins anew with another id', async () => {
  const { runs, machine } = workbench()
  const runtime = await start([machine], { lease: 300 })
  const ref = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const { owner } = await rowOf(ref.id)
  const [fenced, joined] = [hear(runtime, 'node.fenced'), hear(runtime, 'node.joined')]
  await db.sql('delete from perdure.node')
  expect(await fenced).toMatchObject({ node: owner })
  await eventually(() => runs[0]?.signal.aborted).toBe(true)
  expect((await joined).node).not.toBe(owner)
  await eventually(() => runs.length).toBe(2)
  runs[1]?.finish('again')
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { by: 'again' } } })
})

test('what is sent while the node is no member waits, or is refused with a typed error', async () => {
  const counter = createMachine({ id: 'counter', on: { UP: { actions: () => 1 } } })
  const runtime = await start([counter], { lease: 300 })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const fenced = hear(runtime, 'node.fenced')
  await db.sql('delete from perdure.node')
  await fenced
  const answer = await ref.send({ type: 'UP' }).catch((error: unknown) => error)
  expect(answer instanceof PerdureError || ['applied', 'queued'].includes((answer as SendResult).status)).toBe(true)
})

test('a node that was taken for dead takes up no rows by its old id', async () => {
  const machine = createMachine({ id: 'late' })
  const runtime = await start([machine], { lease: 3_000 })
  const ref = await runtime.spawn(machine, { startIn: '1 hour' })
  await db.sql(`with gone as (delete from perdure.node) update perdure.actor set wake_at = now()`)
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: expect.any(String) })
  const { owner } = await rowOf(ref.id)
  expect(await db.sql('select id from perdure.node where id = $1', [owner])).toEqual([{ id: owner }])
})

/** P4: a row that was taken from its owner is not written by it, and the owner drops its actor. */
import { randomUUID } from 'node:crypto'
import { assign, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** Counts, and tells each step to `heard`. */
const counterOf = (heard: unknown[]) =>
  setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { UP: { actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => heard.push(context.n)] } }
  })

/** A node that lives, as far as the database can tell, and does nothing. */
const addNode = async (): Promise<string> => {
  const node = randomUUID()
  await db.sql(`insert into perdure.node (id, name, expires_at) values ($1, 'idle', now() + interval '1 hour')`, [node])
  return node
}

/** Once its effects are acknowledged: those of a transition that is not would run again with the new owner. */
const giveTo = async (node: string, id: string): Promise<void> => {
  await eventually(() => db.sql('select from perdure.actor where journal is not null')).toEqual([])
  await db.sql('update perdure.actor set owner = $1 where id = $2', [node, id])
}

test('an event for an actor that was taken over goes to the new owner, and its turn here shows nothing', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await giveTo(await addNode(), ref.id)
  ref.subscribe(({ context }) => heard.push(`observed ${context.n}`))
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'queued' })
  expect(heard).toEqual([1])
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { context: { n: 1 } }, inbox: [{ type: 'UP' }] })
})

test('telemetry tells of the stale commit, and of the version that it started from', async () => {
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await giveTo(await addNode(), ref.id)
  const stale = hear(runtime, 'commit.stale')
  await ref.send({ type: 'UP' })
  expect(await stale).toEqual({ id: ref.id, machine: 'counter', version: 2 })
})

test('the new owner applies the event, once, in the order in which it was sent', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const [old, next] = [await start([counter]), await start([counter])]
  const ref = await old.spawn(counter)
  await ref.send({ type: 'UP' })
  const [row] = await db.sql('select id from perdure.node where id <> $1', [(await rowOf(ref.id)).owner])
  await giveTo(row?.['id'] as string, ref.id)
  await Promise.all([ref.send({ type: 'UP' }), ref.send({ type: 'UP' })])
  const { context } = await (await next.get(counter, ref.id)).waitFor((snapshot) => snapshot.context.n === 3)
  expect(context.n).toBe(3)
  await eventually(() => heard).toEqual([1, 2, 3])
})

test('when the owner is found dead its actors are taken back, and what waited is applied', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const node = await addNode()
  await giveTo(node, ref.id)
  await ref.send({ type: 'UP' })
  const reaped = hear(runtime, 'reaper.reaped')
  await db.sql('update perdure.node set expires_at = now() where id = $1', [node])
  expect(await reaped).toEqual({ nodes: [node], actors: 1 })
  await eventually(() => heard).toEqual([1, 2])
})

test('a row that moved on under its owner is read again, and the event is applied to what it says', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await db.sql(
    `update perdure.actor set
       version = version + 1, journal = null, snapshot = replace(snapshot::text, '"n":1', '"n":10')::json
     where id = $1`,
    [ref.id]
  )
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
  expect(heard).toEqual([1, 11])
})

test('of actors that commit together only the stale one is left out', async () => {
  const heard: unknown[] = []
  const counter = counterOf(heard)
  const runtime = await start([counter])
  const refs = await Promise.all(Array.from({ length: 5 }, () => runtime.spawn(counter)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  await giveTo(await addNode(), refs[2]!.id)
  const answers = await Promise.all(refs.map((ref) => ref.send({ type: 'UP' })))
  expect(answers.map(({ status }) => status)).toEqual(['applied', 'applied', 'queued', 'applied', 'applied'])
  expect(heard).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2])
})

test('an actor that was taken over is dropped with the work that it started', async () => {
  let aborted = false
  const work = fromPromise(({ signal }) => {
    signal.addEventListener('abort', () => (aborted = true))
    return new Promise(() => undefined)
  })
  const machine = setup({ actors: { work } }).createMachine({
    id: 'worker',
    invoke: { src: 'work' },
    on: { ANY: { actions: () => 1 } }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'ANY' })
  await giveTo(await addNode(), ref.id)
  expect(await ref.send({ type: 'ANY' })).toEqual({ status: 'queued' })
  expect(aborted).toBe(true)
})

test('what a stale actor was stopped with reaches the new owner, too', async () => {
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await giveTo(await addNode(), ref.id)
  await ref.stop()
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', inbox: [{ type: 'xstate.stop' }] })
})

test('an actor whose row was deleted is gone: what is sent to it is refused', async () => {
  const counter = counterOf([])
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await db.sql('delete from perdure.actor where id = $1', [ref.id])
  await expect(ref.send({ type: 'UP' })).rejects.toMatchObject({ _tag: 'ActorNotFoundError' })
})

/** An actor that is picked, or spawned, and sent to, in the moments in which one answer of the database overtakes another. */
import { randomUUID } from 'node:crypto'
import { assign, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { Gate } from './gate.ts'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, watch, rowOf } = await openStage()

type Told = { readonly type: 'TELL'; readonly what: string }

const list = setup({
  types: { context: {} as { readonly told: readonly string[] }, events: {} as Told | { readonly type: 'CLOSE' } }
}).createMachine({
  id: 'list',
  context: { told: [] },
  initial: 'open',
  states: {
    open: {
      on: {
        TELL: { actions: assign({ told: ({ context, event }) => [...context.told, event.what] }) },
        CLOSE: 'closed'
      }
    },
    closed: { type: 'final' }
  },
  output: ({ context }) => context.told
})

test('what a sender has put into the inbox comes before what it sends later, though the pick is answered between the two', async () => {
  const watched = watch()
  const runtime = await start([list], { database: watched.pool, poll: '1 hour', passivateAfter: 0, reaper: false })
  const asleep = hear(runtime, 'actor.passivated')
  const ref = await runtime.spawn(list)
  await asleep
  const [other] = await db.sql(
    `insert into perdure.node (id, name, lock_key, expires_at) values (gen_random_uuid(), 'another', 7, now() + '1 hour') returning id`
  )
  await db.sql('update perdure.actor set owner = $1 where id = $2', [other?.['id'], ref.id])

  // It is another node's: the event goes to its inbox, and is held up on its way there.
  const letSignal = watched.hold('signal')
  const told = ref.send({ type: 'TELL', what: 'the first' })
  await eventually(() => watched.answered).toContain('claim')
  // Meanwhile this node picks it, and hears of that late.
  watched.spoilAnswer('pick', 'late')
  await db.sql(`update perdure.actor set owner = null, status = 'ready', wake_at = now() where id = $1`, [ref.id])
  await (await start([list], { queues: {}, reaper: false })).spawn(list)
  await eventually(async () => (await rowOf(ref.id)).owner).toEqual(expect.any(String))
  letSignal()
  expect(await told).toMatchObject({ status: 'queued' })

  watched.hold('claim')
  const closed = ref.send({ type: 'CLOSE' })
  watched.releaseAll()
  await closed
  expect(await ref.result()).toEqual(['the first'])
})

test('what a sender has put into the inbox comes before what it sends later, though the spawn is answered between the two', async () => {
  const watched = watch()
  const runtime = await start([list], { database: watched.pool, poll: '1 hour', maxResident: 1 })
  const id = randomUUID()
  watched.spoilAnswer('insert', 'late')
  const spawned = runtime.spawn(list, { id })
  await eventually(() => watched.answered).toContain('insert')
  // The room is taken for it already: nobody else may be claimed, and this one is not here yet.
  expect(await runtime.send(id, { type: 'TELL', what: 'the first' })).toMatchObject({ status: 'queued' })
  watched.releaseAll()
  const ref = await spawned
  await ref.send({ type: 'CLOSE' })
  expect(await ref.result()).toEqual(['the first'])
})

test('what another node sends to an actor that waits for its first turn comes after that', async () => {
  const gate = new Gate()
  const busy = setup({ actors: { work: fromPromise(() => gate.enter()) } }).createMachine({
    id: 'busy',
    invoke: { src: 'work' }
  })
  const limits = { gpu: { concurrency: 1 } }
  const entries = [
    { machine: busy, limit: 'gpu' },
    { machine: list, limit: 'gpu' }
  ] as const
  const watched = watch()
  const runtime = await start(entries, { database: watched.pool, limits, poll: '1 hour' })
  const elsewhere = await start(entries, { limits, queues: {} })
  await runtime.spawn(busy)
  await eventually(() => gate.inside).toBe(1)
  const ref = await runtime.spawn(list)
  expect(await elsewhere.send(ref.id, { type: 'TELL', what: 'the first' })).toEqual({ status: 'queued' })
  await eventually(() => watched.answered).toContain('inbox')
  gate.letAllOut()
  await ref.send({ type: 'CLOSE' })
  expect(await ref.result()).toEqual(['the first'])
})

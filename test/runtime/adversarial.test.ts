/** What breaks if this comes before that? Each test forces one order of answers that is rare in the wild. */
import { randomUUID } from 'node:crypto'
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { ActorTerminatedError, type Runtime } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, watch, letTimePass } = await openStage()

const hour = 3_600_000

/** Writes down what it is told. Takes notes only when it is open, and opens by itself after an hour. */
const diary = setup({
  types: { context: {} as { log: string[] }, events: {} as { type: 'NOTE'; text: string } | { type: 'OPEN' | 'TOUCH' } }
}).createMachine({
  id: 'diary',
  context: { log: [] },
  initial: 'shut',
  on: { TOUCH: { actions: assign({ log: ({ context }) => [...context.log, 'touched'] }) } },
  states: {
    shut: { after: { [hour]: 'open' }, on: { OPEN: 'open' } },
    open: { on: { NOTE: { actions: assign({ log: ({ context, event }) => [...context.log, event.text] }) } } }
  }
})

const note = (text: string) => ({ type: 'NOTE', text }) as const

/** Lets the world go on for as long as twenty looks at a row take: time for a picker, and for a turn, if they may. */
const lookAround = async (id: string): Promise<void> => {
  for (let looks = 0; looks < 20; looks++) await rowOf(id)
}

test('an event that is taken while the inbox is being read is not taken again', async () => {
  const { pool, statements, answered, spoilAnswer, releaseAll } = watch()
  const here = await start([diary], { database: pool, poll: '1 hour' })
  const ref = await here.spawn(diary)
  await eventually(() => statements).toContain('unseen')
  await (await start([diary], { queues: {} })).send(ref.id, note('from afar'))
  spoilAnswer('inbox', 'late')
  expect(await ref.send(note('from here'))).toEqual({ status: 'deferred' })
  await eventually(() => answered).toContain('inbox')
  const opened = ref.send({ type: 'OPEN' })
  await lookAround(ref.id)
  releaseAll()
  await opened
  await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [] })
  expect((await ref.getSnapshot()).context.log.toSorted()).toEqual(['from afar', 'from here'])
})

test('an actor that is picked, runs and sleeps while it is being claimed is not stranded', async () => {
  const { pool, answered, hold } = watch()
  const runtime = await start([diary], { database: pool, passivateAfter: 0 })
  const ref = await runtime.spawn(diary)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  const [letPick, letClaim] = [hold('pick'), hold('claim')]
  await (await start([diary], { queues: {} })).send(ref.id, { type: 'TOUCH' })
  const sent = ref.send({ type: 'TOUCH' })
  letPick()
  await sent
  letClaim()
  await eventually(() => answered).toContain('claim')
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null })
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open' } })
})

test('events keep their order where the picker wakes an actor before its sleep is known', async () => {
  const { pool, spoilAnswer, releaseAll } = watch()
  const runtime = await start([diary], { database: pool, passivateAfter: 0 })
  const ref = await runtime.spawn(diary)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  spoilAnswer('commit', 'late')
  const touched = ref.send({ type: 'TOUCH' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 2, owner: null })
  const first = ref.send(note('first'))
  await letTimePass(hour)
  await lookAround(ref.id)
  const second = ref.send(note('second'))
  await lookAround(ref.id)
  releaseAll()
  await Promise.all([touched, first, second])
  const { context } = await ref.waitFor((snapshot) => snapshot.context.log.length === 3)
  expect(context.log).toEqual(['touched', 'first', 'second'])
})

test('events keep their order where the actor wakes here while they are on their way to its inbox', async () => {
  const { pool, answered, hold } = watch()
  const runtime = await start([diary], { database: pool })
  const ref = await runtime.spawn(diary)
  await ref.send({ type: 'OPEN' })
  const release = hold('signal')
  await db.sql(`insert into perdure.node (id, name, expires_at) values ($1, 'idle', 'infinity')`, [randomUUID()])
  await db.sql(`update perdure.actor set owner = (select id from perdure.node where name = 'idle')`)
  const first = ref.send(note('first'))
  await eventually(() => answered).toContain('claim')
  const awake = hear(runtime, 'actor.hydrated')
  await db.sql(`update perdure.actor set owner = null, status = 'ready', wake_at = now()`)
  await awake
  const second = ref.send(note('second'))
  release()
  await Promise.all([first, second])
  await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [] })
  expect((await ref.getSnapshot()).context.log).toEqual(['first', 'second'])
})

test('an event that is accepted between the end of a machine and that of its row is not left in silence', async () => {
  const { pool, hold } = watch()
  let release = (): void => undefined
  const brief = createMachine({
    id: 'brief',
    initial: 'on',
    states: { on: { on: { END: 'off' } }, off: { type: 'final', entry: () => (release = hold('commit')) } }
  })
  const runtime = await start([brief], { database: pool, poll: '1 hour' })
  const left: unknown[] = []
  runtime.on('signal.unconsumed', ({ id, count }) => left.push([id, count]))
  const ref = await runtime.spawn(brief)
  await ref.send({ type: 'END' })
  const leaf = await start([brief], { queues: {} })
  const answer = await leaf.send(ref.id, { type: 'LATE' }).catch((error: unknown) => error)
  release()
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'done' })
  expect(answer instanceof ActorTerminatedError || left.length > 0).toBe(true)
})

test('nodes that fight for an actor apply every event once, those of each sender in order', async () => {
  const ledger = setup({
    types: { context: {} as { taken: number[][] }, events: {} as { type: 'TAKE'; by: number; n: number } }
  }).createMachine({
    id: 'ledger',
    context: { taken: [[], [], [], []] },
    initial: 'open',
    states: {
      open: {
        after: { 7: 'shut' },
        on: {
          TAKE: {
            actions: assign({
              taken: ({ context, event }) => context.taken.map((ns, by) => (by === event.by ? [...ns, event.n] : ns))
            })
          }
        }
      },
      shut: { after: { 5: 'open' } }
    }
  })
  const nodes = await Promise.all(
    [{ passivateAfter: 0 }, { passivateAfter: 5 }, { passivateAfter: 10 }, { queues: {} }].map((options) =>
      start([ledger], { poll: 10, ...options })
    )
  )
  const numbers = Array.from({ length: 40 }, (_, n) => n)
  for (let round = 0; round < 5; round++) {
    const { id } = await nodes[round % 3]!.spawn(ledger)
    const sendAll = async (node: Runtime<typeof ledger>, by: number): Promise<void> => {
      const sends: Promise<unknown>[] = []
      for (const n of numbers) {
        sends.push(node.send(id, { type: 'TAKE', by, n }))
        if ((n + by) % 3 === 0) await sends.at(-1)
      }
      await Promise.all(sends)
    }
    await Promise.all(nodes.map(sendAll))
    await eventually(() => rowOf(id)).toMatchObject({ inbox: [] })
    expect((await rowOf(id)).snapshot.context).toEqual({ taken: [numbers, numbers, numbers, numbers] })
  }
})

/** What breaks if this comes before that? Each test forces one order of answers that is rare in the wild. */
import { assign, createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { ActorTerminatedError } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { start, rowOf, watch, letTimePass } = await openStage()

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

// The late answer brings the event as new: it is known only as long as it waits.
test.fails('an event that is taken while the inbox is being read is not taken again', async () => {
  const { pool, statements, answered, spoilAnswer, releaseAll } = watch()
  const here = await start([diary], { database: pool, poll: '1 hour' })
  const ref = await here.spawn(diary)
  await eventually(() => statements).toContain('unseen')
  await (await start([diary], { queues: {} })).send(ref.id, note('from afar'))
  spoilAnswer('inbox', 'late')
  expect(await ref.send(note('from here'))).toEqual({ status: 'deferred' })
  await eventually(() => answered).toContain('inbox')
  await ref.send({ type: 'OPEN' })
  releaseAll()
  await eventually(() => rowOf(ref.id)).toMatchObject({ inbox: [] })
  expect((await ref.getSnapshot()).context.log.toSorted()).toEqual(['from afar', 'from here'])
})

// The claim finds the row free again, leases it, and its answer is thrown away: nobody has the actor, and nobody can.
test.fails('an actor that is picked, runs and sleeps while it is being claimed is not stranded', async () => {
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
  await letTimePass(hour)
  await expect.poll(() => rowOf(ref.id), { timeout: 2_000 }).toMatchObject({ snapshot: { value: 'open' } })
})

// The actor that the picker wakes is found first; what waits for the one that falls asleep comes after.
test.fails('events keep their order where the picker wakes an actor before its sleep is known', async () => {
  const { pool, answered, spoilAnswer, releaseAll } = watch()
  const runtime = await start([diary], { database: pool, passivateAfter: 0 })
  const ref = await runtime.spawn(diary)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  spoilAnswer('commit', 'late')
  const touched = ref.send({ type: 'TOUCH' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 2, owner: null })
  const first = ref.send(note('first'))
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'open' } })
  const second = ref.send(note('second'))
  await eventually(() => answered.filter((name) => name === 'commit').length).toBeGreaterThan(3)
  releaseAll()
  await Promise.all([touched, first, second])
  expect((await ref.getSnapshot()).context.log).toEqual(['touched', 'first', 'second'])
})

// The row is not ended before its last effects are acknowledged, and is then ended without another look at the inbox.
test.fails('an event that is accepted between the end of a machine and that of its row is not left in silence', async () => {
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

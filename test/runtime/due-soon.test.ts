/** What falls due soon after its actor has left memory is taken up at its time, and not at the next poll. */
import { createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { start, rowOf } = await openStage()

const noPoll = { poll: '1 hour', passivateAfter: 0 } as const

test('a timer that is due soon after its actor has left memory fires without a poll', async () => {
  const machine = setup({}).createMachine({
    id: 'egg',
    initial: 'raw',
    states: { raw: { after: { 100: 'soft' } }, soft: { after: { 100: 'hard' } }, hard: {} }
  })
  const runtime = await start([machine], noPoll)
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, snapshot: { value: 'hard' } })
})

test('of several that are due soon each is in time, the later let go first or last', async () => {
  const machine = setup({
    types: { input: {} as number, context: {} as { ms: number } },
    delays: { ms: ({ context }) => context.ms }
  }).createMachine({
    id: 'egg',
    context: ({ input }) => ({ ms: input }),
    initial: 'raw',
    states: { raw: { after: { ms: 'done' } }, done: {} }
  })
  const runtime = await start([machine], noPoll)
  const ids = await runtime.spawnMany(
    machine,
    [400, 100, 250, 150].map((input) => ({ input }))
  )
  for (const id of ids) await eventually(() => rowOf(id)).toMatchObject({ snapshot: { value: 'done' } })
})

test('an attempt that failed is repeated after its pause without a poll', async () => {
  let attempts = 0
  const machine = createMachine({
    id: 'fragile',
    entry: () => {
      if (++attempts < 3) throw new Error('not yet')
    }
  })
  const retry = { initial: 50, jitter: 0 }
  const runtime = await start([{ machine, retry }], { ...noPoll, passivateAfter: '1 hour' })
  const ref = await runtime.spawn(machine)
  await eventually(() => attempts).toBe(3)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', last_error: null })
  expect(attempts).toBe(3)
})

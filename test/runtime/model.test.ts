/** Lines of the model (test/house/model.ts) that no other file shows. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import type { TelemetryEvents } from 'perdure'
import { counter } from './counter.ts'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf, declareNodesDead } = await openStage()

test('telemetry tells of each step, each pick, and how full each queue is', async () => {
  const leaf = await start([counter], { queues: {} })
  const { id } = await leaf.spawn(counter)
  const runtime = await start([counter], { queues: { default: 3 } })
  const steps: TelemetryEvents['step.stop'][] = []
  runtime.on('step.stop', (step) => steps.push(step))
  await leaf.send(id, { type: 'UP' })
  const picked = hear(runtime, 'pick.stop', ({ count }) => count === 1)
  const ended = hear(runtime, 'step.stop', ({ kind }) => kind === 'done')
  await runtime.send(id, { type: 'END' })
  await ended
  for (const step of steps) expect(step).toMatchObject({ id, machine: 'counter', durationMs: expect.any(Number) })
  await leaf.spawn(counter)
  expect(await picked).toMatchObject({ queue: 'default', demand: 3 })
  expect(await hear(runtime, 'scheduler.saturation')).toMatchObject({ queue: 'default', concurrency: 3 })
})

test('a node with reaper: false frees no rows of dead nodes, another does', async () => {
  const lost = await start([counter], { lease: '1 hour', poll: '1 hour', passivateAfter: '1 hour' })
  const { id } = await lost.spawn(counter)
  await eventually(() => rowOf(id)).toMatchObject({ version: 1 })
  const { owner } = await rowOf(id)
  await declareNodesDead()
  const idle = await start([counter], { reaper: false })
  const partsOf = (runtime: typeof idle): string => JSON.stringify(runtime.tree())
  expect(partsOf(idle)).not.toContain('"reaper"')
  expect((await rowOf(id)).owner).toBe(owner)
  const reaper = await start([counter])
  expect(partsOf(reaper)).toContain('"reaper"')
  await eventually(async () => (await rowOf(id)).owner === owner).toBe(false)
  expect(await db.sql('select from perdure.node where id = $1', [owner])).toEqual([])
})

/** Waits for either, or gathers three of a kind before it goes on. */
const packer = setup({
  types: {
    context: {} as { pack: readonly number[]; by: string },
    events: {} as { type: 'ITEM'; n: number } | { type: 'YES' } | { type: 'NO' }
  },
  guards: { isFull: ({ context }) => context.pack.length === 3 }
}).createMachine({
  id: 'packer',
  context: { pack: [], by: '' },
  initial: 'asking',
  states: {
    asking: {
      on: {
        YES: { target: 'gathering', actions: assign({ by: 'YES' }) },
        NO: { target: 'gathering', actions: assign({ by: 'NO' }) }
      }
    },
    gathering: {
      always: { guard: 'isFull', target: 'packed' },
      on: { ITEM: { actions: assign({ pack: ({ context, event }) => [...context.pack, event.n] }) } }
    },
    packed: {}
  }
})

test('a wait for any of several is ended by the first, and a pack is gathered before it is worked on', async () => {
  const runtime = await start([packer], { passivateAfter: 0 })
  const ref = await runtime.spawn(packer)
  expect(await ref.send({ type: 'ITEM', n: 1 })).toEqual({ status: 'deferred' })
  expect(await ref.send({ type: 'NO' })).toEqual({ status: 'applied' })
  expect(await ref.send({ type: 'YES' })).toEqual({ status: 'deferred' })
  await ref.send({ type: 'ITEM', n: 2 })
  expect((await ref.getSnapshot()).value).toBe('gathering')
  await ref.send({ type: 'ITEM', n: 3 })
  expect(await ref.getSnapshot()).toMatchObject({ value: 'packed', context: { by: 'NO', pack: [1, 2, 3] } })
})

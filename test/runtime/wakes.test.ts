/** Nodes that poll once an hour hear of each other's signals and rows at once, also after their listening connection was lost. */
import { assign, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { db, start } = await openStage()

const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'COUNT' } }
}).createMachine({
  id: 'counter',
  context: { count: 0 },
  on: { COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) } }
})

const count = { type: 'COUNT' } as const
const poll = '1 hour'

const listeners = `select pid from pg_stat_activity where query ilike 'listen%' and datname = current_database()`

const endListeners = async (): Promise<void> => {
  const before = await db.sql(listeners)
  for (const { pid } of before) await db.sql(`select pg_terminate_backend(${String(pid)})`)
  const pids = before.map(({ pid }) => pid)
  await eventually(async () => (await db.sql(listeners)).filter(({ pid }) => !pids.includes(pid)).length).toBe(
    before.length
  )
}

for (const [situation, prepare] of [
  ['at rest', async () => undefined],
  ['after their listening connections were lost', endListeners]
] as const) {
  describe(`nodes that seldom poll, ${situation}`, () => {
    test('hear of events that others send to their awake actors', async () => {
      const owner = await start([counter], { poll })
      const ref = await owner.spawn(counter)
      await ref.send(count)
      const sender = await start([counter], { poll, queues: {} })
      await prepare()
      expect(await sender.send(ref.id, count)).toEqual({ status: 'queued' })
      await eventually(async () => (await ref.getSnapshot()).context.count).toBe(2)
    })

    test('hear of actors that others spawn, and of events for those that nobody has', async () => {
      const worker = await start([counter], { poll, passivateAfter: 0 })
      const spawner = await start([counter], { poll, queues: {} })
      await prepare()
      const { id } = await spawner.spawn(counter)
      const ref = await worker.get(counter, id)
      await eventually(async () => (await ref.getSnapshot().catch(() => null))?.context.count).toBe(0)
      await spawner.send(id, count)
      await eventually(async () => (await ref.getSnapshot()).context.count).toBe(1)
    })
  })
}

test('what others notify on the channel is not heard', async () => {
  const owner = await start([counter], { poll })
  const ref = await owner.spawn(counter)
  for (const message of ['', 'null', '{}', '[]', '{"node":1,"ids":[{}]}', '{"node":null,"ids":["x"]}']) {
    await db.sql(`select pg_notify('perdure', '${message}')`)
  }
  // Not even what names this node, unless it names actors by their ids.
  const [{ node }] = (await db.sql('select id::text as node from perdure.node')) as [{ node: string }]
  await db.sql(`select pg_notify('perdure', '{"by":null,"node":"${node}","ids":["x","y"]}')`)
  expect(await ref.send(count)).toEqual({ status: 'applied' })
})

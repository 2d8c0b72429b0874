/** P5: what waited for its node comes before what is sent when that is back. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, watch } = await openStage()

const list = setup({
  types: { context: {} as { taken: number[] }, events: {} as { type: 'TAKE'; n: number } }
}).createMachine({
  id: 'list',
  context: { taken: [] },
  on: { TAKE: { actions: assign({ taken: ({ context, event }) => [...context.taken, event.n] }) } }
})

/** The node finds its session gone, and joins anew. */
const endSession = () =>
  db.sql(`select pg_terminate_backend(l.pid, 10000) from pg_locks as l
    join pg_database as d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database()`)

test('sends that waited until their node was a member again come before those that find it so', async () => {
  const { pool, hold } = watch()
  const runtime = await start([list], { database: pool, lease: '1 hour' })
  const ref = await runtime.spawn(list)
  const letJoin = hold('join')
  await endSession()
  await eventually(() => runtime.tree().find(({ name }) => name === 'membership')?.state).toBe('starting')
  const sends: Promise<unknown>[] = []
  const send = () => sends.push(ref.send({ type: 'TAKE', n: sends.length }))
  send()
  send()
  const joined = hear(runtime, 'node.joined')
  letJoin()
  await joined
  // In each of the moments in which the node comes up.
  for (let moment = 0; moment < 30; moment++) {
    send()
    await Promise.resolve()
  }
  await Promise.all(sends)
  expect((await ref.getSnapshot()).context.taken).toEqual([...sends.keys()])
})

/** P2 and P7: signals that a node cannot take up for lack of room keep it from none that it can. */
import { assign, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const UNSEEN_BATCH = 500

/** Its work never ends: it stays in memory, and takes events. */
const busy = setup({
  types: { context: {} as { count: number } },
  actors: { work: fromPromise(() => new Promise(() => undefined)) }
}).createMachine({
  id: 'busy',
  context: { count: 0 },
  invoke: { src: 'work' },
  on: { UP: { actions: assign({ count: ({ context }) => context.count + 1 }) } }
})

/** Puts an event into inboxes as another node would, but tells nobody. */
const signal = (ids: readonly string[]) =>
  db.sql(
    `with raised as (update perdure.actor set inbox_seq = inbox_seq + 1 where id = any ($1::uuid[]) returning id, inbox_seq)
     insert into perdure.signal (actor_id, seq, event) select id, inbox_seq, '{"type":"UP"}' from raised`,
    [ids]
  )

test('an actor hears of a signal, though more than one look tells of are unseen by actors that have no room', async () => {
  const runtime = await start([busy], { maxResident: 1 })
  const ref = await runtime.spawn(busy)
  const { owner } = await rowOf(ref.id)
  // Leased by the node, as after a claim whose answer was lost, and before the one that is awake in the order of ids.
  const strays = await db.sql(
    `insert into perdure.actor (id, machine, key_scope, queue, priority, status, wake_at, owner)
     select lpad(to_hex(n), 32, '0')::uuid, machine, '{}', queue, priority, 'ready', now(), owner
     from perdure.actor, generate_series(1, $2) as n where id = $1 returning id`,
    [ref.id, 2 * UNSEEN_BATCH]
  )
  await signal(strays.map(({ id }) => String(id)))
  await signal([ref.id])
  await eventually(async () => (await ref.getSnapshot()).context.count).toBe(1)
  expect(await rowOf(ref.id)).toMatchObject({ owner, inbox: [] })
})

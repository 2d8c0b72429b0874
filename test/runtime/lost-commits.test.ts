/** Rows that go back, as by a failover to a server that has not got the last commits: they are believed, and it is told. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  initial: 'counting',
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  states: { counting: { on: { NAP: 'napping' } }, napping: { after: { 50: 'rested' } }, rested: {} }
})

const COLUMNS = 'version, snapshot, status, journal, journal_before, attempt, timer_at, wake_at, inbox_seen'

/** Notes how the rows are; resolves to what puts them back there. All have begun, and their effects are acknowledged: nothing else changes them. */
async function remember(): Promise<() => Promise<unknown>> {
  await eventually(() => db.sql('select from perdure.actor where version = 0 or journal is not null')).toEqual([])
  await db.sql('drop table if exists before')
  await db.sql(`create table before as select id, ${COLUMNS} from perdure.actor`)
  return () =>
    db.sql(`update perdure.actor as a set (${COLUMNS}) = (select ${COLUMNS} from before where before.id = a.id)`)
}

test('an actor whose row has gone back is read again, and goes on from what the row says', async () => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  const goBack = await remember()
  await ref.send({ type: 'UP' })
  await ref.send({ type: 'UP' })
  const regressed = hear(runtime, 'actor.regressed')
  await goBack()
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { context: { n: 1 } } })
  expect(await regressed).toEqual({ id: ref.id, machine: 'counter', version: 1, seen: 3 })
})

test('after the loss of its lease a node looks which rows have gone back, and whether they are there at all', async () => {
  const runtime = await start([counter], { reaper: false })
  const [kept, back, gone] = await Promise.all([1, 2, 3].map(() => runtime.spawn(counter)))
  const goBack = await remember()
  await back?.send({ type: 'UP' })
  await goBack()
  await db.sql('delete from perdure.actor where id = $1', [gone?.id])
  const told: unknown[] = []
  runtime.on('actor.regressed', (regressed) => told.push(regressed))
  await db.sql('delete from perdure.node')
  await eventually(() => told.length).toBe(2)
  expect(told).toContainEqual({ id: back?.id, machine: 'counter', version: 1, seen: 2 })
  expect(told).toContainEqual({ id: gone?.id, machine: 'counter', version: null, seen: 1 })
  expect(await kept?.send({ type: 'UP' })).toEqual({ status: 'applied' })
})

test('what a row that has gone back still has to do is done, though nobody sends anything', async () => {
  const runtime = await start([counter], { passivateAfter: 100 })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'NAP' })
  await db.sql('create table napping as select * from perdure.actor')
  await ref.waitFor((snapshot) => snapshot.matches('rested'))
  await db.sql(`update perdure.actor as a set (${COLUMNS}) = (select ${COLUMNS} from napping where napping.id = a.id)`)
  await eventually(async () => (await rowOf(ref.id)).snapshot.value).toBe('rested')
})

test('whoever watches the actor from elsewhere is told of the older snapshot, and of those after it', async () => {
  const [runtime, leaf] = [await start([counter]), await start([counter], { queues: {} })]
  const { id } = await runtime.spawn(counter)
  const goBack = await remember()
  const seen: number[] = []
  const ref = await leaf.get(counter, id)
  ref.subscribe(({ context }) => seen.push(context.n))
  await ref.send({ type: 'UP' })
  await eventually(() => seen.at(-1)).toBe(1)
  const regressed = hear(leaf, 'actor.regressed')
  await goBack()
  await regressed
  await eventually(() => seen).toEqual([1, 0])
  await ref.send({ type: 'UP' })
  await eventually(() => seen).toEqual([1, 0, 1])
})

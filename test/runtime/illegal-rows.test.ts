/** Rows that cannot be brought to life: parked with the reason, or left alone; their neighbours do not notice. */
import { createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { SnapshotIllegalError } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const kid = createMachine({ id: 'kid' })
const family = setup({ actors: { kid } }).createMachine({
  id: 'family',
  initial: 'home',
  invoke: { src: 'kid', id: 'first' },
  on: { PING: { actions: () => 1 } },
  states: { home: { initial: 'in', states: { in: {}, last: { type: 'history' } } } }
})

const setSnapshot = (id: string, edit: (text: string) => string) =>
  db.sql('select snapshot::text as text from perdure.actor where id = $1', [id]).then(async ([row]) => {
    await db.sql('update perdure.actor set snapshot = $2 where id = $1', [id, edit(String(row?.['text']))])
  })

/** An actor of `family` that is asleep, on a database without nodes. */
const spawnAsleep = async (): Promise<string> => {
  const runtime = await start([family])
  const ref = await runtime.spawn(family)
  await ref.send({ type: 'PING' })
  await runtime.stop()
  return ref.id
}

test.each<[string, (text: string) => string]>([
  ['is not the product’s', () => '{"hello":"world"}'],
  ['is a number', () => '42'],
  ['is null', () => 'null'],
  ['is of a later format', (text) => text.replace('"format":1', '"format":99')],
  ['names a state that is gone', (text) => text.replace('"in"', '"away"')],
  ['has a value of another shape', (text) => text.replace('{"home":"in"}', '"home"')],
  ['names logic that is gone', (text) => text.replace('"src":"kid"', '"src":"grown"')],
  ['holds a value of an unknown kind', (text) => text.replace('"context":{}', '"context":{"a":{"$type":"Doll"}}')]
])('an actor whose snapshot %s is parked with the reason, and its neighbour runs', async (_, edit) => {
  const id = await spawnAsleep()
  await setSnapshot(id, edit)
  const runtime = await start([family])
  const parked = hear(runtime, 'actor.parked')
  const neighbour = await runtime.spawn(family)
  expect(await runtime.send(id, { type: 'PING' })).toEqual({ status: 'queued' })
  expect(await parked).toMatchObject({ id, machine: 'family', reason: expect.any(SnapshotIllegalError) })
  await eventually(() => rowOf(id)).toMatchObject({ status: 'parked', owner: null, inbox: [{ type: 'PING' }] })
  expect((await rowOf(id)).last_error?.message).toContain(id)
  expect(await neighbour.send({ type: 'PING' })).toEqual({ status: 'applied' })
})

test('an actor whose snapshot cannot be restored tells so where it is read, and is not touched by that', async () => {
  const id = await spawnAsleep()
  await setSnapshot(id, (text) => text.replace('"in"', '"away"'))
  const runtime = await start([family], { queues: {} })
  const ref = await runtime.get(family, id)
  await expect(ref.getSnapshot()).rejects.toThrow(SnapshotIllegalError)
  await expect(ref.waitFor(() => true)).rejects.toThrow(SnapshotIllegalError)
  expect(await rowOf(id)).toMatchObject({ status: 'waiting', version: 2 })
})

test('a snapshot that cannot be restored parks its actor when its row is picked, too', async () => {
  const leaf = await start([family], { queues: {} })
  const [bad, good] = [await spawnAsleep(), await spawnAsleep()]
  await setSnapshot(bad, () => '[]')
  await Promise.all([bad, good].map((id) => leaf.send(id, { type: 'PING' })))
  await start([family])
  await eventually(() => rowOf(bad)).toMatchObject({ status: 'parked' })
  await eventually(() => rowOf(good)).toMatchObject({ status: 'waiting', version: 3, inbox: [] })
})

test('a parked actor is not taken up again, and keeps what is sent to it', async () => {
  const id = await spawnAsleep()
  await setSnapshot(id, () => '[]')
  const runtime = await start([family])
  await runtime.send(id, { type: 'PING' })
  await eventually(() => rowOf(id)).toMatchObject({ status: 'parked' })
  expect(await runtime.send(id, { type: 'PING' })).toEqual({ status: 'queued' })
  await runtime.stop()
  const parkedAgain: unknown[] = []
  const next = await start([family])
  next.on('actor.parked', (event) => parkedAgain.push(event))
  await (await next.spawn(family)).send({ type: 'PING' })
  expect(parkedAgain).toEqual([])
  expect(await rowOf(id)).toMatchObject({ status: 'parked', inbox: [{ type: 'PING' }, { type: 'PING' }] })
})

test.each([
  ['input', `update perdure.actor set input = '{"$type":"Doll"}'`],
  ['an event in its inbox', `update perdure.signal set event = '{"$type":"Doll"}'`]
])('an actor with %s that is garbage is parked, and not taken up for ever', async (_, spoil) => {
  const leaf = await start([family], { queues: {} })
  const { id } = await leaf.spawn(family)
  await leaf.send(id, { type: 'PING' })
  await db.sql(spoil)
  let crashes = 0
  const runtime = await start([family])
  const parked = eventually(() => rowOf(id)).toMatchObject({ status: 'parked', version: 0, owner: null })
  const crashed = hear(runtime, 'actor.crashed', () => ++crashes > 20).then(() => expect.unreachable())
  await Promise.race([parked, crashed])
})

test('an actor that was claimed again and again without progress is parked: its event may kill nodes', async () => {
  const id = await spawnAsleep()
  await db.sql(`update perdure.actor set status = 'ready', wake_at = now(), attempt = 5`)
  await start([family], { bounds: { attempts: 5 } })
  const last_error = { message: expect.stringContaining('without progress') }
  await eventually(() => rowOf(id)).toMatchObject({ status: 'parked', owner: null, last_error })
})

test('a journal that is garbage is told of, and does not keep its actor from going on', async () => {
  const id = await spawnAsleep()
  await db.sql(`update perdure.actor set journal = '"garbage"'`)
  const runtime = await start([family])
  const diverged = hear(runtime, 'journal.diverged')
  expect(await runtime.send(id, { type: 'PING' })).toEqual({ status: 'applied' })
  expect(await diverged).toMatchObject({ id, problems: [expect.any(String)] })
})

const stranger = createMachine({ id: 'stranger', on: { PING: { actions: () => 1 } } })

test('a row of a machine that this node does not know is left for a node that does', async () => {
  const leaf = await start([stranger], { queues: {} })
  const ref = await leaf.spawn(stranger)
  const ignorant = await start([family])
  const unknown = hear(ignorant, 'machine.unknown')
  expect(await ignorant.send(ref.id, { type: 'PING' })).toEqual({ status: 'queued' })
  expect(await unknown).toEqual({ machine: 'stranger', version: null, count: 1 })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'ready', version: 0, last_error: null })
  await start([stranger])
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', inbox: [] })
})

test('a row of another version of a machine is left for a node that has that version', async () => {
  const first = await start([{ machine: stranger, version: '1' }])
  const ref = await first.spawn(stranger)
  await ref.send({ type: 'PING' })
  await first.stop()
  const second = await start([{ machine: stranger, version: '2' }])
  const unknown = hear(second, 'machine.unknown')
  expect(await second.send(ref.id, { type: 'PING' })).toEqual({ status: 'queued' })
  expect(await unknown).toEqual({ machine: 'stranger', version: '1', count: 1 })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, inbox: [{ type: 'PING' }] })
  await start([{ machine: stranger, version: '1' }])
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 3, inbox: [] })
})

test('rows of unknown machines do not keep known ones from running', async () => {
  const leaf = await start([stranger, family], { queues: {} })
  await leaf.spawnMany(stranger, Array(20).fill({}))
  const ref = await leaf.spawn(family)
  await start([family], { queues: { default: 5 } })
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
})

test('a row of an unknown machine causes no hot loop', async () => {
  const clock = createMachine({ id: 'clock', initial: 'a', states: { a: { after: { 400: 'b' } }, b: {} } })
  const leaf = await start([stranger], { queues: {} })
  await leaf.spawn(stranger)
  let picks = 0
  const ignorant = await start([clock], { queues: { default: 1, clocks: 1 }, poll: '1 hour' })
  ignorant.on('pick.stop', ({ queue }) => void (picks += queue === 'default' ? 1 : 0))
  const ref = await ignorant.spawn(clock, { queue: 'clocks' })
  await ref.waitFor(({ value }) => value === 'b')
  expect(picks).toBeLessThan(5)
})

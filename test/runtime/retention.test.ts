/** Actors that have ended leave the database after their retention, and nothing else does. */
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { ActorNotFoundError, ActorTerminatedError, createRuntime } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start } = await openStage()

const job = createMachine({
  id: 'job',
  initial: 'open',
  states: { open: { on: { finish: 'over', note: {} } }, over: { type: 'final' } }
})
const other = createMachine({ ...job.config, id: 'other' })
/** Its being gone says that the janitor has looked. */
const marker = createMachine({ id: 'marker', type: 'final' })

const endEarlier = (days: number) =>
  db.sql(`update perdure.actor set ended_at = ended_at - $1::interval where ended_at is not null`, [`${days} days`])

const listLeft = async () =>
  (await db.sql('select machine from perdure.actor order by machine')).map((row) => row['machine'])

test('what ended longer ago than the retention is deleted, with its inbox and dedup keys', async () => {
  const first = await start([job], { retention: '1 day' })
  const ref = await first.spawn(job)
  await ref.send({ type: 'early' })
  await ref.send({ type: 'finish' }, { dedupKey: 'once' })
  await first.stop()
  await endEarlier(2)
  await using second = createRuntime({ database: db.url, machines: [job], retention: '1 day' })
  const swept = hear(second, 'gc.swept')
  await second.start()
  expect(await swept).toEqual({ count: 1 })
  const [left] = await db.sql(`select (select count(*) from perdure.actor)::integer as actors,
    (select count(*) from perdure.signal)::integer as signals, (select count(*) from perdure.dedup)::integer as keys`)
  expect(left).toEqual({ actors: 0, signals: 0, keys: 0 })
})

test('a dedup key is answered as a duplicate until its actor is collected, then the actor is not found', async () => {
  const first = await start([job])
  const { id } = await first.spawn(job)
  await first.send(id, { type: 'finish' }, { dedupKey: 'once' })
  expect(await first.send(id, { type: 'finish' }, { dedupKey: 'once' })).toEqual({ status: 'duplicate' })
  await expect(first.send(id, { type: 'finish' }, { dedupKey: 'twice' })).rejects.toThrow(ActorTerminatedError)
  await first.stop()
  await endEarlier(31)
  const second = await start([job])
  await eventually(listLeft).toEqual([])
  await expect(second.send(id, { type: 'finish' }, { dedupKey: 'once' })).rejects.toThrow(ActorNotFoundError)
})

test('what ended lately, what lives, and machines of others stay', async () => {
  const first = await start([job, other, marker])
  await (await first.spawn(other)).send({ type: 'finish' })
  await first.spawn(marker)
  await endEarlier(31)
  await first.spawn(job)
  await (await first.spawn(job)).send({ type: 'finish' })
  await first.stop()
  await start([job, marker])
  await eventually(listLeft).toEqual(['job', 'job', 'other'])
})

test('a machine has a retention of its own; false keeps what ended', async () => {
  const machines = [{ machine: job, retention: '40 days' }, { machine: other, retention: false }, marker] as const
  const first = await start(machines)
  for (const machine of [job, other]) await (await first.spawn(machine)).send({ type: 'finish' })
  await first.spawn(marker)
  await first.stop()
  await endEarlier(35)
  await start(machines)
  await eventually(listLeft).toEqual(['job', 'other'])
})

test('an actor that keeps its key for ever stays, and its key stays taken', async () => {
  const first = await start([job])
  const kept = await first.spawn(job, { key: 'kept', keyScope: 'always' })
  const freed = await first.spawn(job, { key: 'freed' })
  for (const ref of [kept, freed]) await ref.send({ type: 'finish' })
  await first.stop()
  await endEarlier(31)
  const second = await start([job])
  await eventually(listLeft).toEqual(['job'])
  const again = await second.spawn(job, { key: 'kept', keyScope: 'always', ifExists: 'return' })
  expect(again.id).toBe(kept.id)
})

test('a child that has ended stays until its parent has ended, too', async () => {
  const first = await start([job, other])
  const [parent, child] = [await first.spawn(other), await first.spawn(job)]
  await (await first.spawn(job)).send({ type: 'finish' })
  await child.send({ type: 'finish' })
  await db.sql('update perdure.actor set parent = $1, parent_session = 1 where id = $2', [parent.id, child.id])
  await first.stop()
  await endEarlier(31)
  const second = await start([job, other])
  await eventually(listLeft).toEqual(['job', 'other'])
  await second.send(parent.id, { type: 'finish' })
  await second.stop()
  await endEarlier(31)
  await start([job, other])
  // The parent goes as well; a child that was looked at before it waits for the next look.
  await eventually(async () => (await listLeft()).includes('other')).toBe(false)
})

test('a node with janitor: false deletes nothing', async () => {
  const idle = await start([job], { janitor: false })
  expect(idle.tree().map(({ name }) => name)).not.toContain('janitor')
})

/** More timers fall due at one moment than a node has room for. `npm run bench -- timers` does it with 100,000. */
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { db, start } = await openStage()

const hour = 3_600_000
const count = 2_000
const room = 50

const egg = createMachine({
  id: 'egg',
  initial: 'boiling',
  states: { boiling: { after: { [hour]: 'done' } }, done: { type: 'final' } }
})

const letAllFallDue = () =>
  db.sql(
    `update perdure.actor set wake_at = now(), timer_at = now(),
       snapshot = regexp_replace(snapshot::text, '"dueAt":[0-9.]+', '"dueAt":1')::json`
  )

const countConnections = async (): Promise<number> => {
  const [row] = await db.sql(
    `select count(*)::integer as count from pg_stat_activity
     where datname = current_database() and application_name = 'perdure'`
  )
  return row?.['count'] as number
}

test('thousands of timers fire once each, with no more actors awake than the queue has room for, over few connections', async () => {
  const runtime = await start([egg], { passivateAfter: 0, queues: { default: room } })
  await runtime.spawnMany(egg, Array(count).fill({}))
  await eventually(() => db.sql('select from perdure.actor where version = 0 or owner is not null limit 1')).toEqual([])

  const fired: string[] = []
  let [awake, awakeMax, connectionsMax] = [0, 0, 0]
  runtime.on('actor.hydrated', () => void (awakeMax = Math.max(awakeMax, ++awake)))
  runtime.on('step.stop', ({ id }) => {
    awake--
    fired.push(id)
  })
  await letAllFallDue()
  const look = async (): Promise<number> => {
    connectionsMax = Math.max(connectionsMax, await countConnections())
    return fired.length
  }
  await expect.poll(look, { interval: 50, timeout: 60_000 }).toBe(count)
  await eventually(() => db.sql(`select from perdure.actor where status <> 'done' or version <> 2`)).toEqual([])

  expect(new Set(fired).size).toBe(count)
  expect(fired).toHaveLength(count)
  expect(awakeMax).toBeGreaterThan(1)
  expect(awakeMax).toBeLessThanOrEqual(room)
  expect(connectionsMax).toBeGreaterThan(1)
  expect(connectionsMax).toBeLessThanOrEqual(16)
}, 90_000)

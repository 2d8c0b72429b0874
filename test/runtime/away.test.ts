/** What callers hear while the database is away, or refuses what it took before. */
import { createMachine } from 'xstate'
import { afterAll, expect, test } from 'vitest'
import { StoreRefusedError } from 'perdure'
import { openProxy } from '../support/proxy.ts'
import { hear, openStage } from './stage.ts'

const { db, start } = await openStage()
const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { ON: 'on' } }, on: { type: 'final' } } })

/** Errors that say: nothing was done, try again. */
const PASSING = /^(StoreUnavailableError|LeaseLostError)$/

const role = `${new URL(db.url).pathname.slice(1)}_caller`
await db.sql(`create role ${role} login password 'secret'`)
afterAll(async () => {
  await db.sql(`drop owned by ${role}`)
  await db.sql(`drop role ${role}`)
})

test('a wait outlasts a database that is away for longer than a lease, whether it began before or meanwhile', async () => {
  const proxy = await openProxy(db.url, () => 'pass')
  const here = await start([lamp], { database: proxy.url, lease: 500, queues: {} })
  const elsewhere = await start([lamp])
  const { id } = await elsewhere.spawn(lamp)
  const ref = await here.get(lamp, id)
  const before = ref.waitFor((snapshot) => snapshot.matches('on'))
  const fenced = hear(here, 'node.fenced')
  proxy.cut()
  await fenced
  const meanwhile = ref.result()
  const refused = await ref.getSnapshot().catch((reason: unknown) => reason)
  expect(refused).toMatchObject({ _tag: expect.stringMatching(PASSING) })
  proxy.heal()
  await elsewhere.send(id, { type: 'ON' })
  expect((await before).value).toBe('on')
  expect(await meanwhile).toBeUndefined()
  await here.stop()
  await proxy.close()
})

test('what only reads is never in doubt', async () => {
  const proxy = await openProxy(db.url, ({ statement, at }) =>
    at === 'answered' && ['read', 'find_keys', 'list_schedules'].includes(statement) ? 'cut' : 'pass'
  )
  const runtime = await start([lamp], { database: proxy.url, lease: 2_000, queues: {} })
  const { id } = await (await start([lamp])).spawn(lamp, { key: 'a lamp', startIn: '1 hour' })
  const ref = await runtime.get(lamp, id)
  const calls = await Promise.allSettled([ref.getSnapshot(), runtime.get({ key: 'a lamp' }), runtime.schedules.list()])
  for (const call of calls) expect(call).toMatchObject({ reason: { _tag: expect.stringMatching(PASSING) } })
  await runtime.stop()
  await proxy.close()
})

test('a right that is taken away while the node runs is told by an error that says what to change', async () => {
  const everything = `all on all tables in schema perdure`
  await db.sql(`grant usage on schema perdure to ${role}; grant ${everything} to ${role}`)
  const url = Object.assign(new URL(db.url), { username: role, password: 'secret' }).href
  const runtime = await start([lamp], { database: url, queues: {} })
  const { id } = await runtime.spawn(lamp, { startIn: '1 hour' })
  await db.sql(`revoke insert on perdure.signal from ${role}`)
  const error: unknown = await runtime.send(id, { type: 'ON' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StoreRefusedError)
  expect(error).toMatchObject({ code: '42501', message: expect.stringContaining('Grant it') })
  await db.sql(`grant insert on perdure.signal to ${role}`)
  expect(await runtime.send(id, { type: 'ON' })).toEqual({ status: 'queued' })
})

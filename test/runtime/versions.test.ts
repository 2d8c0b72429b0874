/** Versions of one machine on several nodes: a rolling deploy in both directions, and rows that no node knows. */
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { InvalidArgumentError, createRuntime, type PersistedActor } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, watch, rowOf } = await openStage()

const lampOf = (version: string, ...states: string[]) =>
  createMachine({
    id: 'lamp',
    version,
    initial: states[0] as string,
    on: { PING: { actions: () => 1 } },
    states: Object.fromEntries(states.map((state, n) => [state, { on: { next: states[n + 1] ?? state } }]))
  })
const v1 = lampOf('1', 'off', 'on')
const v2 = lampOf('2', 'dark', 'dim', 'bright')
const VALUES: Readonly<Record<string, string>> = { off: 'dark', on: 'bright' }
const migrate = {
  from: ['1'],
  snapshot: (old: PersistedActor) => ({ ...old, value: VALUES[old.value as string] as string })
} as const
const asleep = { passivateAfter: 0 } as const

const versionOf = async (id: string): Promise<unknown> =>
  (await db.sql('select machine_version from perdure.actor where id = $1', [id]))[0]?.['machine_version']

const rests = (id: string) => eventually(() => rowOf(id)).toMatchObject({ status: 'waiting', owner: null })

test('while a deploy rolls forward, old nodes run what was not moved, and never touch what was', async () => {
  const [older, newer] = [await start([v1], asleep), await start([{ machine: v2, migrate }], asleep)]
  const { id } = await older.spawn(v1)
  await rests(id)
  expect(await older.send(id, { type: 'next' })).toEqual({ status: 'applied' })
  await rests(id)
  expect(await newer.send(id, { type: 'PING' })).toEqual({ status: 'applied' })
  await rests(id)
  const hydrated: string[] = []
  older.on('actor.hydrated', (event) => hydrated.push(event.id))
  expect(await older.send(id, { type: 'next' })).toEqual({ status: 'queued' })
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { value: 'bright' }, inbox: [] })
  expect(hydrated).toEqual([])
  expect(await versionOf(id)).toBe('2')
})

test('rolled back, old nodes leave what was moved alone, and what they have left is run by those that come again', async () => {
  const newer = await start([{ machine: v2, migrate }], asleep)
  const { id } = await newer.spawn(v2)
  await newer.stop()
  const older = await start([v1], asleep)
  expect(await older.send(id, { type: 'next' })).toEqual({ status: 'queued' })
  expect((await older.spawn(v1)).id).not.toBe(id)
  expect(await rowOf(id)).toMatchObject({ snapshot: { value: 'dark' }, inbox: [{ type: 'next' }], last_error: null })
  await start([{ machine: v2, migrate }], asleep)
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { value: 'dim' }, inbox: [] })
})

test('a node that gives back what it does not know leaves the attempts of others counted', async () => {
  const stranger = await start([v1])
  const { id } = await (await start([v2], { queues: {} })).spawn(v2)
  await db.sql(`update perdure.actor set status = 'waiting', wake_at = now(), attempt = 3`)
  expect(await stranger.send(id, { type: 'next' })).toEqual({ status: 'queued' })
  await eventually(() => db.sql('select owner, status, attempt from perdure.actor')).toEqual([
    { owner: null, status: 'ready', attempt: 3 }
  ])
})

test('an old node whose lease is gone commits nothing over a move', async () => {
  const older = await start([v1])
  const { id } = await older.spawn(v1)
  const { pool, hold } = watch()
  await older.stop()
  const late = await start([v1], { database: pool })
  await late.send(id, { type: 'PING' })
  const release = hold('commit')
  const sent = late.send(id, { type: 'next' }).catch(() => undefined)
  await db.sql('update perdure.actor set owner = null, wake_at = null')
  const newer = await start([{ machine: v2, migrate }], asleep)
  expect(await newer.send(id, { type: 'PING' })).toEqual({ status: 'applied' })
  const stale = hear(late, 'commit.stale')
  release()
  await stale
  await sent
  expect(await versionOf(id)).toBe('2')
})

test('an instance stays on its version where that is registered', async () => {
  const runtime = await start([v1, v2], asleep)
  const { id } = await runtime.spawn(v1)
  await runtime.send(id, { type: 'next' })
  expect((await (await runtime.get(id)).getSnapshot()).value).toBe('on')
  expect(await versionOf(id)).toBe('1')
})

test.each([
  ['a version that is registered', [v1, { machine: v2, migrate }]],
  ['its own version', [{ machine: v2, migrate: { ...migrate, from: ['2'] } }]],
  [
    'what another migrates from',
    [
      { machine: v2, migrate },
      { machine: lampOf('3', 'dark', 'bright'), migrate }
    ]
  ],
  ['into no version', [{ machine: createMachine({ id: 'lamp' }), migrate }]],
  ['from nowhere', [{ machine: v2, migrate: { ...migrate, from: 'x' as never } }]],
  ['without a function', [{ machine: v2, migrate: { from: ['1'] } as never }]]
])('a migrate from %s is refused', (_, machines) => {
  expect(() => createRuntime({ database: db.url, machines })).toThrow(InvalidArgumentError)
})

test('what is sent to an actor of an unknown version goes to its inbox, without a claim each time', async () => {
  const first = await start([v1], asleep)
  const { id } = await first.spawn(v1)
  await first.stop()
  const { pool, statements } = watch()
  const stranger = await start([v2], { database: pool })
  for (let n = 0; n < 5; n++) expect(await stranger.send(id, { type: 'next' })).toEqual({ status: 'queued' })
  expect(statements.filter((name) => name === 'claim')).toHaveLength(1)
  expect(statements.filter((name) => name === 'signal')).toHaveLength(5)
})

test('actors of a version that no node knows are told of with their number, though nobody sends to them', async () => {
  const leaf = await start([v1], { queues: {} })
  await leaf.spawnMany(v1, Array(3).fill({}))
  await db.sql(`update perdure.actor set wake_at = now() - interval '2 minutes'`)
  const told: unknown[] = []
  const stranger = createRuntime({
    database: db.url,
    machines: [v2],
    warn: (message, detail) => void (message.includes('machine.unknown') && told.push(detail))
  })
  await using _ = stranger
  await stranger.start()
  await eventually(() => told).toEqual([{ machine: 'lamp', version: '1', count: 3 }])
})

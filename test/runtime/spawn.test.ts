/** `spawn`: ids, keys, and what is refused. */
import { randomUUID } from 'node:crypto'
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import {
  DuplicateIdError,
  DuplicateKeyError,
  InvalidArgumentError,
  MachineNotDurableError,
  MachineNotRegisteredError,
  NotSerializableError,
  TooLargeError,
  createRuntime
} from 'perdure'
import { openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const order = createMachine({
  id: 'order',
  initial: 'open',
  states: { open: { on: { CLOSE: 'closed', BREAK: 'broken' } }, closed: { type: 'final' }, broken: { entry: fail } }
})

function fail(): void {
  throw new Error('broken')
}

const countActors = async (): Promise<number> => {
  const [row] = await db.sql('select count(*)::integer as count from perdure.actor')
  return row?.['count'] as number
}

test('a spawn that has resolved is in the database, under a fresh UUID', async () => {
  const runtime = await start([order])
  const [first, second] = [await runtime.spawn(order), await runtime.spawn(order)]
  expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  expect(second.id).not.toBe(first.id)
  const rows = await db.sql('select id, machine from perdure.actor order by created_at')
  expect(rows).toEqual([first, second].map(({ id }) => ({ id, machine: 'order' })))
})

test('the first turn runs though nobody waits for it', async () => {
  const entered: string[] = []
  const greeter = createMachine({ id: 'greeter', entry: () => entered.push('hello') })
  const runtime = await start([greeter])
  const ref = await runtime.spawn(greeter)
  await ref.waitFor(() => true)
  await runtime.stop()
  expect(entered).toEqual(['hello'])
  expect(await rowOf(ref.id)).toMatchObject({ status: 'waiting', version: 1, owner: null })
})

test('an id of the caller is taken, in lower case', async () => {
  const runtime = await start([order])
  const id = randomUUID()
  expect((await runtime.spawn(order, { id: id.toUpperCase() })).id).toBe(id)
  expect(await rowOf(id)).toMatchObject({ version: expect.any(Number) })
})

test('a taken id is refused with that id, or answered with its actor where that is asked for', async () => {
  const runtime = await start([order])
  const { id } = await runtime.spawn(order)
  const refused = runtime.spawn(order, { id })
  await expect(refused).rejects.toThrow(DuplicateIdError)
  await expect(refused).rejects.toMatchObject({ actorId: id })
  expect((await runtime.spawn(order, { id, ifExists: 'return' })).id).toBe(id)
  expect(await countActors()).toBe(1)
})

test('a taken key is refused with the id of its actor, or answered with that actor where that is asked for', async () => {
  const runtime = await start([order])
  const { id } = await runtime.spawn(order, { key: 'order:1' })
  const refused = runtime.spawn(order, { key: 'order:1' })
  await expect(refused).rejects.toThrow(DuplicateKeyError)
  await expect(refused).rejects.toMatchObject({ key: 'order:1', actorId: id })
  expect((await runtime.spawn(order, { key: 'order:1', ifExists: 'return' })).id).toBe(id)
  expect(await countActors()).toBe(1)
})

test('of spawns that race for a key on two nodes one wins, and the others learn its id', async () => {
  const nodes = [await start([order]), await start([order])]
  const racing = Array.from({ length: 20 }, (_, n) => nodes[n % 2]!.spawn(order, { key: 'raced' }))
  const outcomes = await Promise.allSettled(racing)
  const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  expect(winners).toHaveLength(1)
  const losers = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(new Set(losers.map(({ reason }) => reason.actorId))).toEqual(new Set([winners[0]!.value.id]))
})

test('spawns that race with ifExists: return all get the same actor', async () => {
  const nodes = [await start([order]), await start([order])]
  const racing = Array.from({ length: 20 }, (_, n) => nodes[n % 2]!.spawn(order, { key: 'raced', ifExists: 'return' }))
  const refs = await Promise.all(racing)
  expect(new Set(refs.map(({ id }) => id)).size).toBe(1)
  expect(await countActors()).toBe(1)
})

test('a key is free again when its actor has ended, however it ended', async () => {
  const runtime = await start([order])
  const [done, failed, stopped] = await Promise.all(['a', 'b', 'c'].map((key) => runtime.spawn(order, { key })))
  await done!.send({ type: 'CLOSE' })
  await failed!.send({ type: 'BREAK' })
  await failed!.result().catch(() => undefined)
  await stopped!.stop()
  const again = await Promise.all(['a', 'b', 'c'].map((key) => runtime.spawn(order, { key })))
  expect(new Set([done, failed, stopped, ...again].map((ref) => ref!.id)).size).toBe(6)
})

test("with keyScope 'always' a key is never free again", async () => {
  const runtime = await start([order])
  const ref = await runtime.spawn(order, { key: 'once', keyScope: 'always' })
  await ref.send({ type: 'CLOSE' })
  await expect(runtime.spawn(order, { key: 'once' })).rejects.toMatchObject({ actorId: ref.id })
})

test('a key scope of statuses keeps the key in those, and gives it away in the others', async () => {
  const runtime = await start([order])
  const keyScope = ['ready', 'running', 'waiting', 'parked', 'done'] as const
  const done = await runtime.spawn(order, { key: 'kept', keyScope })
  const stopped = await runtime.spawn(order, { key: 'given', keyScope })
  await done.send({ type: 'CLOSE' })
  await stopped.stop()
  await expect(runtime.spawn(order, { key: 'kept' })).rejects.toThrow(DuplicateKeyError)
  expect((await runtime.spawn(order, { key: 'given' })).id).not.toBe(stopped.id)
})

test.each(["o'rder; drop table perdure.actor --", '__proto__', 'ключ 🗝️', '%s $1 \\x00'])(
  'a hostile key is stored as it is: %s',
  async (key) => {
    const runtime = await start([order])
    const ref = await runtime.spawn(order, { key })
    expect(await db.sql('select key from perdure.actor')).toEqual([{ key }])
    expect((await runtime.get(order, { key })).id).toBe(ref.id)
  }
)

test.each<[string, object]>([
  ['id', { id: 'order-1' }],
  ['key', { key: '' }],
  ['key', { key: 'a\0b' }],
  ['key', { key: '\ud800' }],
  ['keyScope', { keyScope: ['waiting'] }],
  ['keyScope', { keyScope: ['ready', 'running', 'waiting', 'parked', 'asleep'] }],
  ['queue', { queue: '' }],
  ['partitionKey', { partitionKey: 7 }],
  ['priority', { priority: 0.5 }],
  ['priority', { priority: 40_000 }],
  ['startAt', { startAt: new Date(NaN) }],
  ['startAt', { startAt: 0, startIn: 5 }],
  ['startIn', { startIn: 'soon' }],
  ['startIn', { startIn: -1 }]
])('an unusable %s is refused by name, and nothing is stored: %j', async (argument, options) => {
  const runtime = await start([order])
  const refused = runtime.spawn(order, options)
  await expect(refused).rejects.toThrow(InvalidArgumentError)
  await expect(refused).rejects.toMatchObject({ argument })
  expect(await countActors()).toBe(0)
})

test('an unknown ifExists is refused', async () => {
  const runtime = await start([order])
  await expect(runtime.spawn(order, { ifExists: 'ignore' as never })).rejects.toThrow(InvalidArgumentError)
})

test('input that cannot be stored is refused with its path', async () => {
  const runtime = await start([order])
  const cycle: Record<string, unknown> = {}
  cycle['self'] = { cycle }
  const paths = [{ items: [1, { onClick: fail }] }, { by: Symbol('me') }, cycle, { db: new WeakMap() }].map((input) =>
    runtime.spawn(order, { input }).catch((error: NotSerializableError) => error.path)
  )
  expect(await Promise.all(paths)).toEqual(['input.items[1].onClick', 'input.by', 'input.self.cycle', 'input.db'])
  await expect(runtime.spawn(order, { input: fail })).rejects.toThrow(NotSerializableError)
  expect(await countActors()).toBe(0)
})

test('input above the limit is refused, at the limit it is taken', async () => {
  const runtime = await start([order], { bounds: { input: 12 } })
  const refused = runtime.spawn(order, { input: 'ä'.repeat(6) })
  await expect(refused).rejects.toThrow(TooLargeError)
  await expect(refused).rejects.toMatchObject({ sizeBytes: 14, limitBytes: 12 })
  expect(await runtime.spawn(order, { input: 'ä'.repeat(5) })).toBeDefined()
})

test('a key holds 1024 characters, and not one more', async () => {
  const runtime = await start([order])
  await runtime.spawn(order, { key: 'a'.repeat(1024) })
  await expect(runtime.spawn(order, { key: 'b'.repeat(1025) })).rejects.toThrow(InvalidArgumentError)
  expect(await countActors()).toBe(1)
})

test('a machine that the runtime was not created with is refused, a namesake too', async () => {
  const stranger: typeof order = createMachine({ id: 'order', initial: 'open', states: { open: {} } }) as never
  const runtime = await start([order])
  const refused = runtime.spawn(stranger)
  await expect(refused).rejects.toThrow(MachineNotRegisteredError)
  await expect(refused).rejects.toThrow("machine 'order' is registered, but not as this object")
  const other = createMachine({ id: 'other' })
  await expect(runtime.spawn(other)).rejects.toThrow("machine 'other' is not registered (registered: order)")
})

test('a machine that cannot be durable is refused at creation, with everything that is wrong', () => {
  const broken = createMachine({
    context: { onDone: fail },
    invoke: { src: 'missing' },
    on: { GO: { guard: 'unknown', actions: [] } }
  })
  const create = (): unknown => createRuntime({ database: db.url, machines: [broken] })
  expect(create).toThrow(MachineNotDurableError)
  expect(create).toThrow(/no id[^]*context\.onDone[^]*'unknown'[^]*'missing'/)
})

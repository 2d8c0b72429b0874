/** Somebody else's transaction keeps rows locked, as one that sends as a part of it does until it ends. */
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { StoreUnavailableError } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { start, connect, rowOf } = await openStage()

const door = setup({ types: { events: {} as { type: 'TURN' } } }).createMachine({
  id: 'door',
  initial: 'shut',
  states: { shut: { on: { TURN: 'open' } }, open: { on: { TURN: 'shut' } } }
})

const turn = { type: 'TURN' } as const

test('actors whose rows are locked wait for that, and nobody else does', async () => {
  const runtime = await start([door])
  const refs = await Promise.all(Array.from({ length: 6 }, () => runtime.spawn(door)))
  await Promise.all(refs.map((ref) => ref.waitFor(({ value }) => value === 'shut')))
  const [locked, free] = [refs.slice(0, 4), refs.slice(4)]
  const rival = await connect()
  await rival.query('begin')
  await rival.query('select from perdure.actor where id = any ($1) for update', [locked.map(({ id }) => id)])
  const late = locked.map((ref) => ref.send(turn))
  for (let round = 0; round < 3; round++) await Promise.all(free.map((ref) => ref.send(turn)))
  for (const { id } of locked) expect(await rowOf(id)).toMatchObject({ snapshot: { value: 'shut' } })
  await rival.query('commit')
  expect(await Promise.all(late)).toEqual(locked.map(() => ({ status: 'applied' })))
  for (const { id } of locked) expect(await rowOf(id)).toMatchObject({ snapshot: { value: 'open' } })
})

test('a send whose row stays locked is refused in the end, and the actor goes on afterwards', async () => {
  const runtime = await start([door], { lease: 1_500 })
  const ref = await runtime.spawn(door)
  await ref.waitFor(({ value }) => value === 'shut')
  const rival = await connect()
  await rival.query('begin')
  await rival.query('select from perdure.actor where id = $1 for update', [ref.id])
  await expect(ref.send(turn)).rejects.toThrow(StoreUnavailableError)
  await rival.query('commit')
  expect(await ref.send(turn)).toEqual({ status: 'applied' })
})

test('spawns wait for a transaction that is taking their key, and no others do', async () => {
  const runtime = await start([door])
  const rival = await connect()
  await rival.query('begin')
  await runtime.withTransaction(rival).spawn(door, { key: 'taken' })
  const late = runtime.spawnMany(door, [{ key: 'taken' }, {}, {}])
  for (let n = 0; n < 3; n++) await runtime.spawn(door, { key: `free ${n}` })
  await rival.query('rollback')
  const ids = await late
  expect(ids).toHaveLength(3)
  expect((await runtime.get(door, { key: 'taken' })).id).toBe(ids[0])
})

/** A transaction that holds these actors until it is ended. */
const lock = async (ids: readonly string[]) => {
  const rival = await connect()
  await rival.query('begin')
  await rival.query('select from perdure.actor where id = any ($1) for update', [ids])
  return () => rival.query('commit')
}

const counter = setup({
  types: { context: {} as { heard: number[] }, events: {} as { type: 'ADD'; n: number } }
}).createMachine({
  id: 'counter',
  context: { heard: [] },
  on: { ADD: { actions: assign({ heard: ({ context, event }) => [...context.heard, event.n] }) } }
})

test('what a node sends to actors that others have is held up by locked ones for those alone, and keeps its order', async () => {
  await start([counter], { passivateAfter: '1 hour' })
  const sender = await start([counter], { queues: {} })
  const [locked, free] = [await sender.spawn(counter), await sender.spawn(counter)]
  for (const ref of [locked, free]) await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  const unlock = await lock([locked.id])
  const late = [1, 2].map((n) => sender.send(locked.id, { type: 'ADD', n }))
  for (let n = 1; n <= 3; n++) expect(await sender.send(free.id, { type: 'ADD', n })).toEqual({ status: 'queued' })
  late.push(...[3, 4, 5].map((n) => sender.send(locked.id, { type: 'ADD', n })))
  await unlock()
  await Promise.all(late)
  const { context } = await locked.waitFor((snapshot) => snapshot.context.heard.length === 5)
  expect(context.heard).toEqual([1, 2, 3, 4, 5])
})

test('an actor that sleeps and is locked is claimed when it is free; others are claimed meanwhile', async () => {
  const runtime = await start([counter], { passivateAfter: 0 })
  const [locked, free] = [await runtime.spawn(counter), await runtime.spawn(counter)]
  for (const ref of [locked, free]) await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null })
  const unlock = await lock([locked.id])
  const late = [1, 2, 3].map((n) => runtime.send(locked.id, { type: 'ADD', n }))
  for (let n = 1; n <= 3; n++) expect(await runtime.send(free.id, { type: 'ADD', n })).toEqual({ status: 'applied' })
  await unlock()
  await Promise.all(late)
  const { context } = await locked.waitFor((snapshot) => snapshot.context.heard.length === 3)
  expect(context.heard).toEqual([1, 2, 3])
})

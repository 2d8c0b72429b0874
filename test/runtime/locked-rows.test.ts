/** Somebody else's transaction keeps rows locked, as one that sends as a part of it does until it ends. */
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { StoreUnavailableError } from 'perdure'
import { openStage } from './stage.ts'

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

/** A ref, and a spawn that is to give the actor that exists, notices when that actor is of another machine. */
import { randomUUID } from 'node:crypto'
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { MachineMismatchError, type DurableActorRef, type Runtime } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { start, rowOf, watch } = await openStage()

const order = createMachine({ id: 'order', initial: 'open', states: { open: { on: { CLOSE: 'closed' } }, closed: {} } })
const lamp = createMachine({
  id: 'lamp',
  initial: 'off',
  states: { off: { on: { CLOSE: 'on' } }, on: {} }
})

const close = { type: 'CLOSE' }

/** The error by which a lamp that was taken for an order is refused. */
const mismatchOf = (actorId: string) => ({
  _tag: 'MachineMismatchError',
  actorId,
  expected: 'order',
  actual: 'lamp'
})

async function expectMismatches(calls: readonly Promise<unknown>[], actorId: string): Promise<void> {
  const refused = { status: 'rejected', reason: mismatchOf(actorId) }
  expect(await Promise.allSettled(calls)).toMatchObject(calls.map(() => refused))
}

/** A lamp, and a ref that takes it for an order. */
async function mistake(
  at: Runtime,
  home = at
): Promise<readonly [DurableActorRef<typeof order>, DurableActorRef<typeof lamp>]> {
  const right = await home.spawn(lamp)
  await eventually(() => rowOf(right.id)).toMatchObject({ version: 1 })
  return [await at.get(order, right.id), right]
}

test('the message names both machines, and the remedy', async () => {
  const runtime = await start([order, lamp])
  const [wrong] = await mistake(runtime)
  const refused = wrong.send(close)
  await expect(refused).rejects.toThrow(MachineMismatchError)
  await expect(refused).rejects.toThrow(/is of machine 'lamp', not of 'order'.*runtime\.get/)
})

test('every call of a ref for the wrong machine is refused while the actor is awake here, and nothing happens to it', async () => {
  const runtime = await start([order, lamp])
  const [wrong, right] = await mistake(runtime)
  const calls = [wrong.send(close), wrong.stop(), wrong.getSnapshot(), wrong.result(), wrong.waitFor(() => true)]
  await expectMismatches(calls, right.id)
  expect((await right.getSnapshot()).value).toBe('off')
})

test('what wakes the actor is refused as well, and costs no statement more', async () => {
  const { pool, statements } = watch()
  const runtime = await start([order, lamp], { database: pool, passivateAfter: 0 })
  const [wrong, right] = await mistake(runtime)
  await eventually(() => rowOf(right.id)).toMatchObject({ owner: null })
  const before = statements.length
  await expect(wrong.send(close)).rejects.toMatchObject(mismatchOf(right.id))
  const sent = statements.slice(before).filter((name) => !['pick', 'unseen', 'renew', 'reap'].includes(name))
  expect(sent[0]).toBe('claim')
  expect(sent).not.toContain('read')
  expect(await rowOf(right.id)).toMatchObject({ snapshot: { value: 'off' }, inbox: [] })
})

test('what goes to the inbox of an actor elsewhere is refused by the same statement that would have put it there', async () => {
  const [home, leaf] = [await start([order, lamp]), await start([order, lamp], { queues: {} })]
  const [wrong, right] = await mistake(leaf, home)
  const calls = [wrong.send(close), wrong.stop(), wrong.getSnapshot(), wrong.result(), wrong.waitFor(() => true)]
  await expectMismatches(calls, right.id)
  expect(await (await leaf.get(lamp, right.id)).send(close)).toEqual({ status: 'queued' })
  await right.waitFor(({ value }) => value === 'on')
})

test('who subscribes to a ref for the wrong machine gets the error in place of the first snapshot', async () => {
  const runtime = await start([order, lamp])
  const [wrong, right] = await mistake(runtime)
  const heard: unknown[] = []
  wrong.subscribe({ next: () => heard.push('snapshot'), error: (error) => heard.push(error) })
  await right.send(close)
  expect(heard).toEqual([expect.objectContaining(mismatchOf(right.id))])
})

test('a spawn that is to give the actor that has its key or id gives none of another machine', async () => {
  const runtime = await start([order, lamp])
  const id = randomUUID()
  await runtime.spawn(lamp, { key: 'mine', id })
  for (const taken of [{ key: 'mine' }, { id }]) {
    const refused = runtime.spawn(order, { ...taken, ifExists: 'return' })
    await expect(refused).rejects.toMatchObject(mismatchOf(id))
    expect((await runtime.spawn(lamp, { ...taken, ifExists: 'return' })).id).toBe(id)
  }
})

test('a ref of one version of a machine takes the actors of another version', async () => {
  const next = createMachine({ ...order.config, version: '2' }) as typeof order
  const runtime = await start([order, next])
  const { id } = await runtime.spawn(order)
  expect(await (await runtime.get(next, id)).send(close)).toEqual({ status: 'applied' })
})

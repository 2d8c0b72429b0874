/** P7: the bounds of docs/bounds.md hold under pressure, and what is beyond them is told so. */
import { setMaxListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { assign, createMachine, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { InvalidArgumentError, MailboxFullError, OverloadedError } from 'perdure'
import { Arrivals } from '../../src/actors/arrivals.ts'
import { Observers } from '../../src/actors/observers.ts'
import { Registrations } from '../../src/actors/registration.ts'
import { DEFAULT_BOUNDS, SPAWN_MANY } from '../../src/bounds.ts'
import type { BatchedStore } from '../../src/persistence/batched-store.ts'
import { Batcher, type Settled } from '../../src/persistence/group-commit.ts'
import { INBOX_SHOWN } from '../../src/persistence/leased-rows.ts'
import { Node, type NodeOptions } from '../../src/supervisor/node.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { waitForNews } from '../../src/waiting.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf, watch } = await openStage()

const counter = setup({ types: { context: {} as { n: number }, events: {} as { type: 'UP' } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
})

const reasonsOf = (settled: readonly PromiseSettledResult<unknown>[]): readonly unknown[] =>
  settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))

test('a sender that awaits nothing has what its actor holds applied, and the rest refused', async () => {
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  const settled = await Promise.allSettled(Array.from({ length: 10_000 }, () => ref.send({ type: 'UP' })))
  const refused = reasonsOf(settled)
  expect(refused.every((reason) => reason instanceof MailboxFullError)).toBe(true)
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
  const { n } = (await ref.getSnapshot()).context
  expect(n).toBe(10_000 - refused.length + 1)
  expect(refused.length).toBeGreaterThanOrEqual(8_000)
})

test('spawns far beyond maxResident all come about, and at no look are more awake than that', async () => {
  const runtime = await start([counter], { maxResident: 20, passivateAfter: 0 })
  const spawning = runtime.spawnMany(counter, Array(2_000).fill({}))
  const looks: number[] = []
  const counts = async (): Promise<unknown> => {
    const [row] = await db.sql(
      `select count(*) filter (where version = 1)::integer as born, count(*) filter (where owner is not null)::integer as awake
       from perdure.actor`
    )
    looks.push(row?.['awake'] as number)
    return row?.['born']
  }
  await spawning
  await eventually(counts).toBe(2_000)
  expect(Math.max(...looks)).toBeLessThanOrEqual(20)
})

test('one call spawns so many actors, and refuses more', async () => {
  const runtime = await start([counter], { queues: {} })
  const entries = Array(SPAWN_MANY.entries + 1).fill({})
  await expect(runtime.spawnMany(counter, entries)).rejects.toThrow(InvalidArgumentError)
  expect(await runtime.spawnMany(counter, entries.slice(0, 5_000))).toHaveLength(5_000)
})

test('one call spawns actors whose inputs are so large together, and refuses more', async () => {
  const large = createMachine({ id: 'large' })
  const runtime = await start([large], { queues: {} })
  const entries = Array(70).fill({ input: 'x'.repeat(1_000_000) })
  await expect(runtime.spawnMany(large, entries)).rejects.toThrow(`more than ${SPAWN_MANY.inputs} bytes together`)
  expect(await db.sql('select id from perdure.actor')).toEqual([])
})

test('spawns of one moment with large inputs share statements of a few megabytes', async () => {
  const large = createMachine({ id: 'large' })
  const { pool, statements } = watch()
  const runtime = await start([large], { database: pool, queues: {} })
  await Promise.all(Array.from({ length: 12 }, () => runtime.spawn(large, { input: 'x'.repeat(1_000_000) })))
  expect(statements.filter((name) => name === 'insert')).toHaveLength(4)
})

test('an inbox is read from the database in texts that stay short, whatever waits in it', async () => {
  const leaf = await start([counter], { queues: {} })
  const { id } = await leaf.spawn(counter)
  await Promise.all(Array.from({ length: 3 * INBOX_SHOWN }, () => leaf.send(id, { type: 'UP' })))
  const [row] = await db.sql(
    'select json_array_length(inbox::json) as shown from perdure.inbox_row where actor_id = $1',
    [id]
  )
  expect(row).toEqual({ shown: INBOX_SHOWN })
  await start([counter])
  await eventually(() => rowOf(id)).toMatchObject({ inbox: [], snapshot: { context: { n: 3 * INBOX_SHOWN } } })
})

test('a machine whose child answers it for ever fails, and its neighbours go on', async () => {
  const child = createMachine({
    id: 'child',
    initial: 'a',
    states: { a: { on: { PING: 'b' } }, b: { always: 'c' }, c: { always: 'b' } }
  })
  const parent = setup({ actors: { child } }).createMachine({
    id: 'parent',
    invoke: { src: 'child', id: 'child' },
    on: { GO: { actions: sendTo('child', { type: 'PING' }) } }
  })
  const runtime = await start([parent, counter])
  const [endless, neighbour] = [await runtime.spawn(parent), await runtime.spawn(counter)]
  await endless.send({ type: 'GO' })
  await eventually(() => rowOf(endless.id)).toMatchObject({ status: 'failed', owner: null })
  expect(await neighbour.send({ type: 'UP' })).toEqual({ status: 'applied' })
})

const MANY = 100_000

test('more actors than may be on their way at once are refused', () => {
  const refusals: unknown[] = []
  const arrivals = new Arrivals({
    batched: { claim: () => undefined } as unknown as BatchedStore,
    bounds: DEFAULT_BOUNDS,
    codecs: new Registrations([]).codecs,
    mayClaim: () => true,
    awaken: () => undefined,
    recover: () => undefined,
    queued: () => undefined
  })
  const receipt = { resolve: () => undefined, reject: (error: unknown) => refusals.push(error) }
  for (let n = 0; n < MANY + 3; n++) arrivals.add(`${n}`, { kind: 'stop', machine: null, receipt })
  expect(arrivals.size).toBe(MANY)
  expect(refusals).toEqual(Array(3).fill(expect.any(OverloadedError)))
})

test('more calls than may wait for the database are refused', () => {
  const refusals: unknown[] = []
  const never = (): Promise<never> => new Promise(() => undefined)
  const batcher = new Batcher<number, number>({
    name: 'test',
    lanes: 1,
    maxBatch: 1,
    run: never,
    repeatable: true,
    retryForMs: 1
  })
  const settle = (settled: Settled<number>): void => void (settled.ok || refusals.push(settled.error))
  for (let n = 0; n < MANY + 3; n++) batcher.submit(n, settle)
  expect(refusals).toEqual(Array(3).fill(expect.any(OverloadedError)))
})

test('more calls than may wait for a node that is no member are refused', async () => {
  let fail: (error: Error) => void = () => undefined
  const joining = new Promise<never>((_, reject) => (fail = reject))
  const store = { missing: [], join: () => joining }
  const { signal: stopped } = new AbortController()
  const options = { store, queues: {}, telemetry: new Telemetry(), leaseMs: 3_600_000, stopped }
  const node = new Node(options as unknown as NodeOptions)
  const refusals: unknown[] = []
  for (let n = 0; n < MANY + 3; n++)
    node.onceMember(
      () => undefined,
      (error) => refusals.push(error)
    )
  await setImmediate()
  expect(refusals).toEqual(Array(3).fill(expect.any(OverloadedError)))
  fail(new Error('the test is over'))
  await expect(node.tree.started).rejects.toThrow('the test is over')
})

test('thousands who wait for one actor are all told, and leave nothing behind', async () => {
  const observers = new Observers(new Telemetry())
  const [id, stopped] = ['actor', new AbortController()]
  setMaxListeners(0, stopped.signal)
  const waits = Array.from({ length: 5_000 }, (_, n) =>
    waitForNews({
      id,
      observers,
      timeoutMs: n % 2 === 0 ? null : 60_000,
      stopped: stopped.signal,
      readNow: async () => null,
      judge: ({ kind }) => (kind === 'ended' || n % 5 === 0 ? { value: n } : undefined)
    })
  )
  observers.observe(id, 'next', { status: 'active' })
  observers.observe(id, 'complete', undefined)
  expect((await Promise.all(waits)).toSorted((a, b) => a - b)).toEqual(waits.map((_, n) => n))
  expect([...observers.watched]).toEqual([])
})

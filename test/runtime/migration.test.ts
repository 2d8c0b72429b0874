/** Instances of an older version of a machine are moved by `migrate`, whole, or parked as they were. */
import { assign, createMachine, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { idempotencyKey, MigrationFailedError, type MigrateOptions, type PersistedActor } from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, watch, rowOf } = await openStage()

const orderV1 = setup({ types: { context: {} as { total: number; at: Date } } }).createMachine({
  id: 'order',
  version: '1',
  context: { total: 0, at: new Date(0) },
  initial: 'open',
  on: { PING: { actions: () => 1 } },
  states: {
    open: { on: { pay: { target: 'paid', actions: assign({ total: 100 }) } } },
    paid: { on: { ship: 'shipped' } },
    shipped: { type: 'final' }
  }
})
const orderV2 = setup({ types: { context: {} as { cents: number; at: Date } } }).createMachine({
  id: 'order',
  version: '2',
  context: { cents: 0, at: new Date(1) },
  initial: 'draft',
  on: { PING: { actions: () => 1 } },
  states: { draft: { on: { pay: 'settled' } }, settled: { on: { refund: 'refunded' } }, refunded: {} }
})

const moved = ({ value, context, ...rest }: PersistedActor): PersistedActor => ({
  ...rest,
  value: value === 'open' ? 'draft' : 'settled',
  context: { cents: context['total'] * 100, at: context['at'] }
})
const migrate: MigrateOptions = { from: ['1'], snapshot: moved }

const asleep = { passivateAfter: 0 } as const

/** A paid order of version 1, at rest, on a database without nodes. */
const spawnPaid = async (): Promise<string> => {
  const runtime = await start([orderV1], asleep)
  const ref = await runtime.spawn(orderV1)
  await ref.send({ type: 'pay' })
  await runtime.stop()
  return ref.id
}

const versionOf = async (id: string): Promise<unknown> =>
  (await db.sql('select machine_version from perdure.actor where id = $1', [id]))[0]?.['machine_version']

test('an actor of an older version is moved when it is taken up, and goes on in the new one', async () => {
  const id = await spawnPaid()
  const runtime = await start([{ machine: orderV2, migrate }], asleep)
  const told = hear(runtime, 'actor.migrated')
  expect(await runtime.send(id, { type: 'refund' })).toEqual({ status: 'applied' })
  expect(await told).toEqual({ id, machine: 'order', from: '1', to: '2' })
  const snapshot = await (await runtime.get(orderV2, id)).getSnapshot()
  expect(snapshot.value).toBe('refunded')
  expect(snapshot.context).toEqual({ cents: 10_000, at: new Date(0) })
  expect(await versionOf(id)).toBe('2')
})

test('the move is a commit of its own, before anything of the new version shows', async () => {
  const id = await spawnPaid()
  const before = await rowOf(id)
  const runtime = await start([{ machine: orderV2, migrate }], asleep)
  expect(await runtime.send(id, { type: 'later' })).toEqual({ status: 'deferred' })
  await eventually(() => rowOf(id)).toMatchObject({ owner: null, snapshot: { value: 'settled' } })
  expect((await rowOf(id)).version).toBeGreaterThan(before.version)
})

test('a look at an actor that was not moved yet shows it as it will be, and leaves its row', async () => {
  const id = await spawnPaid()
  const leaf = await start([{ machine: orderV2, migrate }], { queues: {} })
  const { value, context } = await (await leaf.get(orderV2, id)).getSnapshot()
  expect({ value, cents: context.cents }).toEqual({ value: 'settled', cents: 10_000 })
  expect(await versionOf(id)).toBe('1')
})

test('an actor that has not begun begins in the new version', async () => {
  const leaf = await start([orderV1], { queues: {} })
  const { id } = await leaf.spawn(orderV1)
  await start([{ machine: orderV2, migrate }], asleep)
  await eventually(() => rowOf(id)).toMatchObject({ version: 1, snapshot: { value: 'draft' } })
  expect(await versionOf(id)).toBe('2')
})

test('instances of a registration without a version can be moved', async () => {
  const unversioned = createMachine({
    id: 'order',
    initial: 'open',
    context: { total: 1, at: new Date(0) },
    states: { open: {} }
  })
  const first = await start([unversioned], asleep)
  const { id } = await first.spawn(unversioned)
  await first.stop()
  const runtime = await start([{ machine: orderV2, migrate: { ...migrate, from: [null] } }], asleep)
  expect(await runtime.send(id, { type: 'PING' })).toEqual({ status: 'applied' })
  expect(await rowOf(id)).toMatchObject({ snapshot: { value: 'draft', context: { cents: 100 } } })
})

test.each<[string, MigrateOptions['snapshot'], string]>([
  [
    'throws',
    () => {
      throw new RangeError('no way')
    },
    'no way'
  ],
  ['gives back null', () => null, 'no snapshot'],
  ['gives back undefined', () => undefined, 'no snapshot'],
  ['gives back a promise', (async (old: PersistedActor) => old) as never, 'promise'],
  ['names a state that is not there', (old) => ({ ...old, value: 'nowhere' }), 'nowhere'],
  ['gives back what cannot be stored', (old) => ({ ...moved(old), context: { cents: () => 1 } }), 'context.cents'],
  [
    'names a child whose logic is not there',
    (old) => ({
      ...moved(old),
      children: { c: { src: 'gone', snapshot: { status: 'active' } } }
    }),
    'gone'
  ],
  [
    'leaves a timer without its state',
    (old) => ({
      ...moved(old),
      timers: [{ event: { type: 'xstate.after.5.order.open' }, dueAt: 5 }]
    }),
    'xstate.after.5.order.open'
  ],
  ['gives a timer no time', (old) => ({ ...moved(old), timers: [{ event: { type: 'x' }, dueAt: NaN }] }), 'dueAt']
])('a migrate that %s parks the actor with the reason, its row as it was', async (_, snapshot, reason) => {
  const id = await spawnPaid()
  const before = await rowOf(id)
  const runtime = await start([{ machine: orderV2, migrate: { from: ['1'], snapshot } }], asleep)
  const parked = hear(runtime, 'actor.parked')
  expect(await runtime.send(id, { type: 'refund' })).toEqual({ status: 'queued' })
  const { reason: error } = (await parked) as { reason: MigrationFailedError }
  expect(error).toBeInstanceOf(MigrationFailedError)
  expect((error.cause as Error).message).toContain(reason)
  expect(await rowOf(id)).toMatchObject({ status: 'parked', version: before.version, snapshot: before.snapshot })
  expect(await versionOf(id)).toBe('1')
})

test('an actor that was parked because migrate was wrong is moved when it is mended and tried again', async () => {
  const id = await spawnPaid()
  const wrong = await start([{ machine: orderV2, migrate: { from: ['1'], snapshot: () => null } }], asleep)
  await wrong.send(id, { type: 'refund' })
  await wrong.stop()
  const mended = await start([{ machine: orderV2, migrate }], asleep)
  await mended.retry(id)
  await eventually(() => rowOf(id)).toMatchObject({ status: 'waiting', inbox: [], snapshot: { value: 'refunded' } })
})

// ── all that an actor may hold ────────────────────────────────────────────────────────────────────────────────────────

const kid = createMachine({
  id: 'kid',
  version: '1',
  initial: 'small',
  states: { small: { on: { grow: 'big' } }, big: {} }
})
const answer = fromPromise(async () => 42)
const houseOf = (version: string, room: string) =>
  setup({ actors: { kid, answer } }).createMachine({
    id: 'house',
    version,
    initial: 'home',
    context: ({ spawn }) => ({ kid: spawn('kid', { id: 'kid' }), asked: 0 }),
    on: { feed: { actions: ({ context }) => context['kid'].send({ type: 'grow' }) } },
    states: {
      home: {
        initial: 'hall',
        on: { leave: 'out' },
        states: { hall: { on: { enter: room } }, [room]: {}, last: { type: 'history' } }
      },
      out: {
        after: { 400: { target: 'late' } },
        on: { back: 'home.last' }
      },
      late: { on: { back: 'home.last', wake: { actions: assign({ asked: 1 }) } } }
    }
  })

const refurnish = (old: PersistedActor): PersistedActor => ({
  ...old,
  historyValue: Object.fromEntries(
    Object.entries(old.historyValue ?? {}).map(([id, nodes]) => [
      id,
      nodes.map((node) => ({ id: node.id.replace('kitchen', 'bath') }))
    ])
  )
})

test('timers, children, references to them, history and events that wait move with the actor', async () => {
  const [before, after] = [houseOf('1', 'kitchen'), houseOf('2', 'bath')]
  const first = await start([before], asleep)
  const { id } = await first.spawn(before)
  for (const type of ['enter', 'leave', 'wake']) await first.send(id, { type })
  await first.stop()
  const second = await start([{ machine: after, migrate: { from: ['1'], snapshot: refurnish } }], asleep)
  const ref = await second.get(after, id)
  const { value } = await ref.waitFor(({ context }) => context['asked'] === 1)
  expect(value).toBe('late')
  await ref.send({ type: 'feed' })
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { children: { kid: { value: 'big' } } } })
  await ref.send({ type: 'back' })
  expect((await ref.getSnapshot()).value).toEqual({ home: 'bath' })
})

test('a child that migrate leaves out is gone, with its timers; one that it adds begins', async () => {
  const before = houseOf('1', 'kitchen')
  const after = setup({ actors: { answer } }).createMachine({
    id: 'house',
    version: '2',
    initial: 'asking',
    context: { got: 0 },
    states: {
      asking: { on: { 'xstate.done.actor.answer': { actions: assign({ got: ({ event }) => event.output }) } } }
    }
  })
  const first = await start([before], asleep)
  const { id } = await first.spawn(before)
  await first.stop()
  const snapshot = (): PersistedActor => ({
    value: 'asking',
    context: { got: 0 },
    children: { answer: { src: 'answer', snapshot: { status: 'active' } } },
    timers: [{ event: { type: 'never' }, dueAt: 8e15, source: 1, target: 1 }]
  })
  const second = await start([{ machine: after, migrate: { from: ['1'], snapshot } }], asleep)
  await second.send(id, { type: 'go on' })
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { context: { got: 42 } } })
  expect((await rowOf(id)).snapshot).not.toHaveProperty('timers')
})

test('an event that waited is taken by the new version, though nobody sends another', async () => {
  const first = await start([orderV1], asleep)
  const { id } = await first.spawn(orderV1)
  await first.send(id, { type: 'pay' })
  expect(await first.send(id, { type: 'refund' })).toEqual({ status: 'deferred' })
  await eventually(() => rowOf(id)).toMatchObject({ status: 'waiting', owner: null })
  await first.stop()
  const second = await start([{ machine: orderV2, migrate }], asleep)
  await second.send(id, { type: 'PING' })
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { value: 'refunded' }, inbox: [] })
})

test('a move whose answer is lost is found out, and done once', async () => {
  const id = await spawnPaid()
  const { pool, spoilAnswer } = watch()
  const runtime = await start([{ machine: orderV2, migrate }], { ...asleep, database: pool })
  spoilAnswer('commit', 'lost')
  const before = await rowOf(id)
  expect(await runtime.send(id, { type: 'refund' })).toEqual({ status: 'applied' })
  await eventually(() => rowOf(id)).toMatchObject({ version: before.version + 2, snapshot: { value: 'refunded' } })
})

test('an effect of the old version that has not run is run by the new one, under the same idempotency key', async () => {
  const ran: string[] = []
  const keys = new Set<string | undefined>()
  const tellerOf = (version: string, tell: () => void) =>
    setup({ actions: { tell } }).createMachine({ id: 'teller', version, on: { PING: { actions: 'tell' } } })
  const broken = tellerOf('1', () => {
    keys.add(idempotencyKey())
    throw new Error('not yet')
  })
  const mended = tellerOf('2', () => {
    keys.add(idempotencyKey())
    ran.push('told')
  })
  const first = await start([{ machine: broken, retry: { initial: 200, jitter: 0 } }])
  const { id } = await first.spawn(broken)
  const retried = hear(first, 'actor.retry')
  await first.send(id, { type: 'PING' })
  await retried
  await first.stop()
  await start([{ machine: mended, migrate: { from: ['1'], snapshot: (old) => old } }], asleep)
  await eventually(() => ran).toEqual(['told'])
  expect(keys.size).toBe(1)
  await eventually(() => rowOf(id)).toMatchObject({ status: 'waiting', last_error: null })
})

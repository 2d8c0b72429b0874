/** Timers: `after`, delayed `raise` and `sendTo`, `cancel`; across sleep, stops and the loss of a node. */
import { assign, cancel, createMachine, raise, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { start, rowOf, letTimePass, declareNodesDead, db, watch, connect } = await openStage()

const hour = 3_600_000

test.each([
  ['awake', '1 hour'],
  ['asleep', 0]
] as const)('an actor that is %s takes its after transition by itself, and never early', async (_, passivateAfter) => {
  let rangAt = 0
  const machine = createMachine({
    id: 'egg',
    context: { rang: false },
    initial: 'raw',
    states: {
      raw: { on: { BOIL: 'boiling' } },
      boiling: { after: { 80: 'ready' } },
      // An assign runs in the turn itself, and so tells its time.
      ready: { entry: assign({ rang: () => (rangAt = performance.now()) > 0 }) }
    }
  })
  const runtime = await start([machine], { passivateAfter })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  const sentAt = performance.now()
  await ref.send({ type: 'BOIL' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'ready' } })
  expect(rangAt - sentAt).toBeGreaterThanOrEqual(80)
})

test('a timer is due by the clock of the database, and does not fire before, though events wake its actor', async () => {
  let rangAt = 0
  const machine = createMachine({
    id: 'egg',
    context: { rang: false },
    initial: 'raw',
    on: { LOOK: { actions: () => undefined } },
    states: {
      raw: { on: { BOIL: 'boiling' } },
      boiling: { after: { [hour]: 'ready' } },
      ready: { entry: assign({ rang: () => (rangAt = performance.now()) > 0 }) }
    }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  const { askedAt, toldMs } = await askDatabaseTime()
  await ref.send({ type: 'BOIL' })
  const dueAt = (await rowOf(ref.id)).snapshot.timers?.[0]?.dueAt ?? NaN
  expect(dueAt).toBeGreaterThanOrEqual(toldMs + hour)
  await letTimePass(hour - 200)
  const wake = (): Promise<unknown> => ref.send({ type: 'LOOK' })
  await eventually(() => wake().then(() => rowOf(ref.id))).toMatchObject({ snapshot: { value: 'ready' } })
  // The database told its time after it was asked: at no moment can its clock show more than this.
  expect(rangAt + toldMs - askedAt).toBeGreaterThanOrEqual(dueAt - hour + 200)
})

test('an actor that sleeps names in its row when it wants to wake', async () => {
  const machine = createMachine({
    id: 'sleeper',
    initial: 'a',
    states: { a: { after: { [2 * hour]: 'b', [hour]: 'c' } }, b: {}, c: {} }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null, version: 1 })
  const [row] = await db.sql('select extract(epoch from wake_at - updated_at)::float8 as wait from perdure.actor')
  expect(row?.['wait']).toBeCloseTo(3600, 0)
})

test('timers that fell due while no node ran fire in their order when one starts', async () => {
  const machine = setup({
    types: { context: {} as { log: string[] } },
    actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type] }) }
  }).createMachine({
    id: 'diary',
    context: { log: [] },
    entry: [
      raise({ type: 'third' }, { delay: 3 * hour }),
      raise({ type: 'first' }, { delay: hour }),
      raise({ type: 'second' }, { delay: 2 * hour })
    ],
    on: { '*': { actions: 'note' } }
  })
  const first = await start([machine])
  const ref = await first.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  await first.stop()
  await letTimePass(2.5 * hour)
  const second = await start([machine])
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: ['first', 'second'] } } })
  await second.stop()
  expect((await rowOf(ref.id)).snapshot.timers).toHaveLength(1)
})

test('a signal that was sent before a timer fell due is applied before it, one sent after that after it', async () => {
  const machine = setup({
    types: { context: {} as { log: string[] } },
    actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type] }) }
  }).createMachine({
    id: 'diary',
    context: { log: [] },
    entry: raise({ type: 'timer' }, { delay: hour }),
    on: { '*': { actions: 'note' } }
  })
  const first = await start([machine])
  const ref = await first.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  await first.stop()
  const leaf = await start([machine], { queues: {} })
  await leaf.send(ref.id, { type: 'before' })
  await db.sql(`update perdure.signal set sent_at = now() - interval '90 minutes'`)
  await letTimePass(2 * hour)
  await leaf.send(ref.id, { type: 'after' })
  await start([machine])
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { log: ['before', 'timer', 'after'] } } })
})

test('a delayed raise, a delayed sendTo and the after of a child come through the sleep of their actor', async () => {
  const child = createMachine({
    id: 'child',
    initial: 'a',
    states: { a: { after: { [hour]: 'b' } }, b: { on: { PING: 'c' } }, c: { type: 'final' } }
  })
  const machine = setup({ actors: { child } }).createMachine({
    id: 'parent',
    invoke: { src: 'child', id: 'kid', onDone: '.grown' },
    entry: [raise({ type: 'TICK' }, { delay: hour }), sendTo('kid', { type: 'PING' }, { delay: 2 * hour })],
    initial: 'young',
    states: { young: { on: { TICK: 'ticked' } }, ticked: {}, grown: {} }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'ticked' }, owner: null })
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'grown' }, owner: null })
})

test('a timer that was cancelled never fires, also where it is cancelled after a sleep', async () => {
  const machine = createMachine({
    id: 'bomb',
    entry: [raise({ type: 'BOOM' }, { delay: hour, id: 'fuse' }), raise({ type: 'BELL' }, { delay: hour })],
    initial: 'armed',
    on: { CUT: { actions: cancel('fuse') } },
    states: { armed: { on: { BOOM: 'exploded', BELL: 'safe' } }, exploded: {}, safe: { on: { BOOM: 'exploded' } } }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  await ref.send({ type: 'CUT' })
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'safe' }, inbox: [] })
  expect((await rowOf(ref.id)).snapshot.timers).toBeUndefined()
})

test('leaving a state ends its after, entering it again begins anew', async () => {
  const machine = createMachine({
    id: 'lobby',
    initial: 'in',
    states: {
      in: { after: { [hour]: 'tired' }, on: { LEAVE: 'out', RESTART: { target: 'in', reenter: true } } },
      out: { on: { RETURN: 'in' } },
      tired: {}
    }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'LEAVE' })
  expect((await rowOf(ref.id)).snapshot.timers).toBeUndefined()
  await ref.send({ type: 'RETURN' })
  await letTimePass(hour - 60_000)
  await ref.send({ type: 'RESTART' })
  const [timer, ...others] = (await rowOf(ref.id)).snapshot.timers ?? []
  expect(others).toEqual([])
  expect(timer?.dueAt).toBeGreaterThan(Date.now() + hour - 60_000)
})

test('a timer that wakes its actor costs one turn', async () => {
  const machine = createMachine({ id: 'egg', initial: 'a', states: { a: { after: { [hour]: 'b' } }, b: {} } })
  const { pool, hold, statements } = watch()
  const runtime = await start([machine], { database: pool, passivateAfter: 0, poll: 5 })
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  const [release, before] = [hold('commit'), statements.length]
  await letTimePass(hour)
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: expect.any(String) })
  // Time enough for an alarm that is overdue.
  await eventually(() => statements.slice(before).filter((name) => name === 'pick').length).toBeGreaterThan(5)
  release()
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null })
  expect(await rowOf(ref.id)).toMatchObject({ version: 2, snapshot: { value: 'b' } })
})

test('a timer of an actor whose node was lost fires once, on another node', async () => {
  const rings: string[] = []
  const machine = createMachine({
    id: 'egg',
    initial: 'boiling',
    states: { boiling: { after: { [hour]: 'ready' } }, ready: { entry: () => rings.push('ring') } }
  })
  const lost = await start([machine])
  const ref = await lost.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  await declareNodesDead()
  await letTimePass(hour)
  await start([machine])
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'ready' } })
  await eventually(() => rings).toEqual(['ring'])
})

test('an event that ends a state together with its due timer leaves only one of them to act', async () => {
  const machine = createMachine({
    id: 'offer',
    initial: 'open',
    states: { open: { after: { [hour]: 'expired' }, on: { ACCEPT: 'accepted' } }, expired: {}, accepted: {} }
  })
  const first = await start([machine])
  const ref = await first.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1 })
  await first.stop()
  await letTimePass(hour)
  const second = await start([machine])
  expect(await second.send(ref.id, { type: 'ACCEPT' })).toMatchObject({
    status: expect.stringMatching(/deferred|queued/)
  })
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'expired' }, inbox: [{ type: 'ACCEPT' }] })
})

test('a delay of nothing fires at once, a delay without end never', async () => {
  const machine = setup({ delays: { never: Infinity, now: 0 } }).createMachine({
    id: 'odd',
    initial: 'a',
    states: { a: { after: { now: 'b', never: 'c' } }, b: { after: { never: 'c' } }, c: {} }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { value: 'b' }, status: 'waiting' })
})

test('many actors wake at the same moment, each once', async () => {
  const machine = createMachine({
    id: 'egg',
    initial: 'a',
    states: { a: { after: { [hour]: 'b' } }, b: { type: 'final' } }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const done = new Map<string, number>()
  runtime.on('step.stop', ({ id, kind }) => kind === 'done' && done.set(id, (done.get(id) ?? 0) + 1))
  const ids = await runtime.spawnMany(machine, Array(300).fill({}))
  await eventually(() => db.sql('select from perdure.actor where version = 0 or owner is not null')).toEqual([])
  await letTimePassAtOnce()
  await eventually(() => done.size).toBe(ids.length)
  expect([...done.values()].every((times) => times === 1)).toBe(true)
})

/** The time by the clock of the database, in epoch milliseconds, and the monotonic time just before that was told. */
async function askDatabaseTime(): Promise<{ readonly askedAt: number; readonly toldMs: number }> {
  const client = await connect()
  const askedAt = performance.now()
  const { rows } = await client.query('select extract(epoch from now())::float8 * 1000 as "toldMs"')
  return { askedAt, toldMs: rows[0].toldMs }
}

/** `letTimePass`, for many rows. */
async function letTimePassAtOnce(): Promise<void> {
  await db.sql(
    `update perdure.actor set wake_at = now(), timer_at = now(),
       snapshot = regexp_replace(snapshot::text, '"dueAt":[0-9.]+', '"dueAt":1')::json`
  )
}

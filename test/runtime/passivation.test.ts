/** P6 and P7: actors leave memory and come back, and nobody can tell; memory stays within its bounds. */
import { assign, createActor, createMachine, fromPromise, fromTransition, setup, type ActorRefFrom } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const countAwake = async (): Promise<number> => {
  const [row] = await db.sql('select count(*)::integer as awake from perdure.actor where owner is not null')
  return row?.['awake'] as number
}

const tally = fromTransition((total: number, { by }: { type: 'ADD'; by: number }) => total + by, 0)

const lamp = setup({ types: { events: {} as { type: 'TOGGLE' } } }).createMachine({
  id: 'lamp',
  initial: 'off',
  states: { off: { on: { TOGGLE: 'on' } }, on: { on: { TOGGLE: 'off' } } }
})

/** A bit of everything that a snapshot has to hold. */
const everything = setup({
  types: {
    context: {} as {
      at: Date
      seen: Map<string, bigint>
      lamp: ActorRefFrom<typeof lamp> | null
      tally: ActorRefFrom<typeof tally>
    },
    events: {} as { type: 'NEXT' | 'LEAVE' | 'RETURN' | 'TOGGLE' | 'LIGHT' | 'SEE' }
  },
  actors: { lamp, tally }
}).createMachine({
  id: 'everything',
  context: ({ spawn }) => ({ at: new Date(0), seen: new Map(), lamp: null, tally: spawn('tally', { id: 'tally' }) }),
  type: 'parallel',
  on: {
    SEE: {
      actions: [
        assign({ seen: ({ context }) => new Map([...context.seen, [`n${context.seen.size}`, 2n ** 64n]]) }),
        ({ context }) => context.tally.send({ type: 'ADD', by: 2 })
      ]
    },
    LIGHT: { actions: assign({ lamp: ({ spawn }) => spawn('lamp', { id: 'mine', systemId: 'the lamp' }) }) },
    TOGGLE: { actions: ({ context }) => context.lamp?.send({ type: 'TOGGLE' }) }
  },
  states: {
    work: {
      initial: 'busy',
      states: {
        busy: {
          initial: 'a',
          on: { LEAVE: 'away' },
          states: { a: { on: { NEXT: 'b' } }, b: { on: { NEXT: 'a' } }, last: { type: 'history' } }
        },
        away: { on: { RETURN: 'busy.last' } }
      }
    },
    mood: { initial: 'calm', states: { calm: { on: { NEXT: 'keen' } }, keen: {} } }
  }
})

test('a machine with everything in it ends up as plain XState, though it sleeps after each event', async () => {
  const script = [
    'SEE',
    'NEXT',
    'LIGHT',
    'LEAVE',
    'TOGGLE',
    'SEE',
    'RETURN',
    'TOGGLE',
    'TOGGLE',
    'NEXT',
    'LEAVE'
  ] as const
  const plain = createActor(everything).start()
  const runtime = await start([everything], { passivateAfter: 0 })
  const ref = await runtime.spawn(everything)
  for (const type of script) {
    plain.send({ type })
    await ref.send({ type })
    await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null })
    const [mine, theirs] = [await ref.getSnapshot(), plain.getSnapshot()]
    expect([mine.value, mine.context.seen, mine.context.at]).toEqual([
      theirs.value,
      theirs.context.seen,
      theirs.context.at
    ])
    expect(mine.context.tally.getSnapshot()).toEqual(theirs.context.tally.getSnapshot())
    expect(mine.context.lamp?.getSnapshot().value).toEqual(theirs.context.lamp?.getSnapshot().value)
    expect(Object.keys(mine.children)).toEqual(Object.keys(theirs.children))
  }
})

test('an actor leaves memory once it has rested long enough, not earlier, and telemetry says so', async () => {
  const runtime = await start([lamp], { passivateAfter: 60 })
  const passivated = hear(runtime, 'actor.passivated')
  const spawnedAt = performance.now()
  const ref = await runtime.spawn(lamp)
  await ref.send({ type: 'TOGGLE' })
  expect(await passivated).toEqual({ id: ref.id, machine: 'lamp' })
  expect(performance.now() - spawnedAt).toBeGreaterThanOrEqual(60)
  expect(await rowOf(ref.id)).toMatchObject({ owner: null, status: 'waiting', snapshot: { value: 'on' } })
})

test('with passivateAfter: 0 telemetry tells of the passivation, too', async () => {
  const heard: unknown[] = []
  const runtime = await start([lamp], { passivateAfter: 0 })
  runtime.on('actor.passivated', ({ id }) => heard.push(id))
  const ref = await runtime.spawn(lamp)
  await ref.send({ type: 'TOGGLE' })
  await runtime.stop()
  expect(heard).toContain(ref.id)
})

test('an event wakes an actor that sleeps, and telemetry says so', async () => {
  const runtime = await start([lamp], { passivateAfter: 0 })
  const ref = await runtime.spawn(lamp)
  await ref.send({ type: 'TOGGLE' })
  const hydrated = hear(runtime, 'actor.hydrated')
  expect(await ref.send({ type: 'TOGGLE' })).toEqual({ status: 'applied' })
  expect(await hydrated).toEqual({ id: ref.id, machine: 'lamp' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'off' }, version: 3 })
})

test('an actor whose work is under way stays, and sleeps when that is done', async () => {
  let finish: ((result: string) => void) | undefined
  const work = fromPromise(() => new Promise<string>((resolve) => (finish = resolve)))
  const machine = setup({ actors: { work } }).createMachine({
    id: 'worker',
    initial: 'busy',
    states: { busy: { invoke: { src: 'work', onDone: 'idle' }, on: { POKE: { actions: () => 1 } } }, idle: {} }
  })
  const runtime = await start([machine], { passivateAfter: 0 })
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'POKE' })
  expect(await rowOf(ref.id)).toMatchObject({ status: 'running', owner: expect.any(String) })
  finish?.('done')
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'waiting', owner: null, snapshot: { value: 'idle' } })
})

test('an event that comes while its actor goes to sleep is neither lost nor applied twice', async () => {
  const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
  })
  const runtime = await start([counter], { passivateAfter: 0 })
  const afar = await start([counter], { passivateAfter: 0 })
  const ref = await runtime.spawn(counter)
  for (let round = 0; round < 40; round++) {
    await Promise.all([ref.send({ type: 'UP' }), afar.send(ref.id, { type: 'UP' })])
  }
  await eventually(() => rowOf(ref.id)).toMatchObject({ snapshot: { context: { n: 80 } }, inbox: [], owner: null })
})

test('no more actors stay awake than maxResident, and those that sleep still answer', async () => {
  const runtime = await start([lamp], { maxResident: 10 })
  const refs = await Promise.all(Array.from({ length: 40 }, () => runtime.spawn(lamp)))
  await eventually(countAwake).toBeLessThanOrEqual(10)
  await Promise.all(refs.map((ref) => ref.send({ type: 'TOGGLE' })))
  await eventually(() => db.sql(`select from perdure.actor where snapshot->>'value' <> 'on'`)).toEqual([])
  await eventually(countAwake).toBeLessThanOrEqual(10)
})

test('not for a moment are more actors awake than maxResident', async () => {
  const runtime = await start([lamp], { maxResident: 10 })
  await runtime.spawnMany(lamp, Array(40).fill({}))
  expect(await countAwake()).toBeLessThanOrEqual(10)
})

test('actors that are large leave memory before maxResident is reached', async () => {
  const large = setup({ types: { context: {} as { text: string } } }).createMachine({
    id: 'large',
    context: { text: 'x'.repeat(100_000) },
    on: { ANY: { actions: () => 1 } }
  })
  const runtime = await start([large], { maxResidentBytes: 2_000_000 })
  const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.spawn(large)))
  await Promise.all(refs.map((ref) => ref.send({ type: 'ANY' })))
  await eventually(countAwake).toBeLessThanOrEqual(5)
  await Promise.all(refs.map((ref) => ref.send({ type: 'ANY' })))
  await eventually(countAwake).toBeLessThanOrEqual(5)
})

test('where nobody rests and there is no room, events are queued, not refused', async () => {
  const work = fromPromise(() => new Promise(() => undefined))
  const busy = setup({ actors: { work } }).createMachine({
    id: 'busy',
    invoke: { src: 'work' },
    on: { ANY: { actions: () => 1 } }
  })
  const still = createMachine({ id: 'still', on: { ANY: { actions: () => 1 } } })
  const leaf = await start([busy, still], { queues: {} })
  const runtime = await start([busy, still], { maxResident: 2, queues: { default: 100, other: 1 } })
  await Promise.all([runtime.spawn(busy), runtime.spawn(busy)])
  const ref = await leaf.spawn(still, { queue: 'other' })
  expect(await runtime.send(ref.id, { type: 'ANY' })).toEqual({ status: 'queued' })
})

test('an actor that the database refused to commit while memory is full comes back once there is room', async () => {
  const door = createMachine({ id: 'door', initial: 'shut', states: { shut: { on: { TURN: 'open' } }, open: {} } })
  let finish = (): void => undefined
  const work = fromPromise(() => new Promise<void>((resolve) => (finish = resolve)))
  const busy = setup({ actors: { work } }).createMachine({
    id: 'busy',
    initial: 'at work',
    states: { 'at work': { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } }
  })
  const runtime = await start([door, busy], { maxResident: 1, passivateAfter: 0 })
  const ref = await runtime.spawn(door)
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
  await db.sql(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`
  )
  await db.sql(`create trigger refuse before update on perdure.actor for each row
    when (new.version > old.version and old.id = '${ref.id}') execute function refuse()`)
  const crowded = ref.send({ type: 'TURN' }).catch(() => runtime.spawn(busy))
  const other = (await crowded) as { readonly id: string }
  await eventually(() => rowOf(other.id)).toMatchObject({ status: 'running' })
  await db.sql('drop trigger refuse on perdure.actor')
  // Meanwhile the sweeper has looked after it, and found no room.
  for (let looks = 0; looks < 20; looks++) await hear(runtime, 'scheduler.saturation')
  expect((await rowOf(ref.id)).owner).not.toBeNull()
  finish()
  await eventually(() => rowOf(ref.id)).toMatchObject({ version: 1, owner: null })
})

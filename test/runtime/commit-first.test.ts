/** P1: nothing of a transition shows before it is committed, and what shows does so in order. */
import { assign, createActor, createMachine, emit, fromCallback, fromPromise, log, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, connect, rowOf, watch } = await openStage()

/** Holds the row of an actor locked, so that its commits wait in the database. */
async function lockRow(id: string) {
  const client = await connect()
  await client.query('begin')
  await client.query('select from perdure.actor where id = $1 for update', [id])
  return {
    whenWaitedFor: () => eventually(() => db.sql('select from pg_locks where not granted limit 1')).toHaveLength(1),
    release: () => client.query('rollback')
  }
}

/** Everything that a machine can let the world see of one transition. */
const loudOf = (heard: string[]) =>
  setup({
    types: { events: {} as { type: 'GO' | 'TALK' }, emitted: {} as { type: 'emitted' } },
    actors: {
      work: fromPromise(() => Promise.resolve(heard.push('promise started'))),
      talk: fromCallback(({ receive }) => {
        heard.push('callback started')
        receive(() => heard.push('callback told'))
        return () => heard.push('callback stopped')
      })
    }
  }).createMachine({
    id: 'loud',
    initial: 'quiet',
    states: {
      quiet: {
        invoke: { src: 'talk', id: 'talk' },
        on: { TALK: { actions: sendTo('talk', { type: 'HELLO' }) }, GO: 'loud' },
        exit: () => heard.push('exit action')
      },
      loud: {
        entry: [() => heard.push('entry action'), log('logged'), emit({ type: 'emitted' })],
        invoke: { src: 'work', onDone: 'over' }
      },
      over: {}
    }
  })

const spawnLoud = async (heard: string[]) => {
  const loud = loudOf(heard)
  const runtime = await start([loud], { log: (text) => heard.push(String(text)) })
  const started = hear(runtime, 'step.stop')
  const ref = await runtime.spawn(loud)
  await started
  ref.subscribe(({ value }) => heard.push(`observed ${String(value)}`))
  ref.on('emitted', () => heard.push('emitted'))
  return ref
}

/** What plain XState shows of the same, in its order. */
const showPlainly = (event: { type: 'GO' | 'TALK' }): readonly string[] => {
  const heard: string[] = []
  const actor = createActor(loudOf(heard), { logger: (text) => heard.push(String(text)) }).start()
  actor.subscribe(({ value }) => heard.push(`observed ${String(value)}`))
  actor.on('emitted', () => heard.push('emitted'))
  actor.send(event)
  return heard
}

test.each(['GO', 'TALK'] as const)(
  'while the commit of %s is held back nothing of it can be seen, and then all of it, in the order of plain XState',
  async (type) => {
    const heard: string[] = []
    const ref = await spawnLoud(heard)
    const lock = await lockRow(ref.id)
    // What the started promise brings is a turn of its own, and may show as soon as this one does.
    const heardByThen = ref.send({ type }).then(() => [...heard])
    await lock.whenWaitedFor()
    expect(heard).toEqual(['callback started'])
    expect((await ref.getSnapshot()).value).toBe('quiet')
    await lock.release()
    expect(await heardByThen).toEqual(showPlainly({ type }))
  }
)

test('the first turn shows nothing before it is committed, either', async () => {
  const heard: string[] = []
  const machine = createMachine({ id: 'first', entry: () => heard.push('entered') })
  const { pool, hold } = watch()
  const runtime = await start([machine], { database: pool })
  const release = hold('commit')
  const ref = await runtime.spawn(machine)
  expect(await rowOf(ref.id)).toMatchObject({ version: 0 })
  expect(heard).toEqual([])
  const started = hear(runtime, 'step.stop')
  release()
  await started
  expect(heard).toEqual(['entered'])
})

test('an event that comes while a commit is under way has its turn after that, with the state that it left', async () => {
  const seen: number[] = []
  const counter = setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { UP: { actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => seen.push(context.n)] } }
  })
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const lock = await lockRow(ref.id)
  const first = ref.send({ type: 'UP' })
  await lock.whenWaitedFor()
  const second = ref.send({ type: 'UP' })
  expect(seen).toEqual([1])
  await lock.release()
  await Promise.all([first, second])
  expect(seen).toEqual([1, 2, 3])
  expect(await rowOf(ref.id)).toMatchObject({ version: 4 })
})

test('an action sees its own transition committed, to the world too', async () => {
  let rowInAction: Promise<unknown> = Promise.resolve()
  const machine = createMachine({
    id: 'looker',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { entry: ({ self }) => void (rowInAction = rowOf(self.id)) } }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  expect(await rowInAction).toMatchObject({ version: 2, snapshot: { value: 'b' } })
})

test('a receipt comes after the actions of its event, also where many share a turn', async () => {
  const heard: unknown[] = []
  const machine = setup({ types: { events: {} as { type: 'N'; n: number } } }).createMachine({
    id: 'many',
    on: { N: { actions: ({ event }) => heard.push(event.n) } }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  const sends = [1, 2, 3].map((n) => ref.send({ type: 'N', n }).then(() => heard.push(`receipt ${n}`)))
  await Promise.all(sends)
  expect(heard).toEqual([1, 2, 3, 'receipt 1', 'receipt 2', 'receipt 3'])
})

test('work that is started and stopped in one turn never runs', async () => {
  const heard: string[] = []
  const work = fromPromise(() => Promise.resolve(heard.push('ran')))
  const machine = setup({ actors: { work } }).createMachine({
    id: 'hasty',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { invoke: { src: 'work' }, always: 'c' }, c: {} }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'GO' })
  expect(await rowOf(ref.id)).toMatchObject({ snapshot: { value: 'c' } })
  expect(heard).toEqual([])
})

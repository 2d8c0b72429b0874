/** `runtime.inspect`: XState's inspection events, of what was committed. Their order is compared in test/actors. */
import { randomUUID } from 'node:crypto'
import { assign, fromPromise, setup, type InspectionEvent } from 'xstate'
import { expect, test } from 'vitest'
import { InvalidArgumentError, NotSerializableError, type Runtime } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf, watch } = await openStage()

/** Counts, and has a child that rests. `computed` hears of each transition that is computed, before its commit. */
const counterOf = (computed: number[] = []) =>
  setup({
    types: { context: {} as { n: unknown }, events: {} as { type: 'UP' | 'SPOIL' } },
    actors: { helper: setup({}).createMachine({ id: 'assistant' }) }
  }).createMachine({
    id: 'counter',
    context: { n: 0 },
    invoke: { src: 'helper', id: 'helper' },
    on: {
      UP: { actions: [assign({ n: ({ context }) => computed.push(Number(context.n)) }), () => undefined] },
      SPOIL: { actions: assign({ n: () => () => 'cannot be stored' }) }
    }
  })

/** Everything that is told from here on; in words, in `words`. */
function listen(runtime: Pick<Runtime, 'inspect'>) {
  const events: InspectionEvent[] = []
  const words: string[] = []
  const { unsubscribe } = runtime.inspect((event) => {
    events.push(event)
    const { type } = event
    words.push(type === '@xstate.event' ? event.event.type : type === '@xstate.actor' ? idOf(event) : type.slice(8))
  })
  return { events, words, unsubscribe }
}

const idOf = ({ actorRef }: InspectionEvent): string => (actorRef as unknown as { id: string }).id

test('an inspector hears of a turn when it is committed, in its place among the effects, and before the receipt', async () => {
  const computed: number[] = []
  const counter = counterOf(computed)
  const { pool, hold } = watch()
  const runtime = await start([counter], { database: pool })
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const { words } = listen(runtime)
  ref.subscribe(() => words.push('observed'))
  const release = hold('commit')
  const sent = ref.send({ type: 'UP' }).then(() => words.push('receipt'))
  await eventually(() => computed).toHaveLength(2)
  expect(words).toEqual([ref.id, 'helper'])
  release()
  await sent
  expect(words.slice(2)).toEqual(['UP', 'action', 'microstep', 'observed', 'snapshot', 'receipt'])
})

test('the actor that it was shown stands where it was committed, while the next turn is not', async () => {
  const computed: number[] = []
  const counter = counterOf(computed)
  const { pool, hold } = watch()
  const runtime = await start([counter], { database: pool })
  const ref = await runtime.spawn(counter)
  const { events } = listen(runtime)
  await ref.send({ type: 'UP' })
  const { actorRef } = events.at(-1) as InspectionEvent
  const release = hold('commit')
  const sent = ref.send({ type: 'UP' })
  await eventually(() => computed).toHaveLength(2)
  expect(actorRef.getSnapshot()).toMatchObject({ context: { n: 1 } })
  release()
  await sent
  expect(actorRef.getSnapshot()).toMatchObject({ context: { n: 2 } })
})

test('a turn that another owner made stale is never heard of', async () => {
  const counter = counterOf()
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  await eventually(() => db.sql('select from perdure.actor where journal is not null')).toEqual([])
  const other = randomUUID()
  await db.sql(`insert into perdure.node (id, name, expires_at) values ('${other}', 'idle', now() + interval '1 hour')`)
  await db.sql(`update perdure.actor set owner = '${other}'`)
  const { words } = listen(runtime)
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'queued' })
  expect(words).toEqual([ref.id, 'helper'])
})

test('an event whose outcome cannot be stored is never heard of', async () => {
  const counter = counterOf()
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  const { words } = listen(runtime)
  await expect(ref.send({ type: 'SPOIL' })).rejects.toThrow(NotSerializableError)
  await ref.send({ type: 'UP' })
  expect(words).toContain('UP')
  expect(words).not.toContain('SPOIL')
})

test('an actor that comes into memory is told with its children', async () => {
  const counter = counterOf()
  const runtime = await start([counter], { passivateAfter: 0 })
  const ref = await runtime.spawn(counter)
  await eventually(() => rowOf(ref.id)).toMatchObject({ owner: null, version: 1 })
  const { words, events } = listen(runtime)
  await ref.send({ type: 'UP' })
  expect(words).toEqual([ref.id, 'helper', 'UP', 'action', 'microstep', 'snapshot'])
  expect(events[0]?.actorRef.getSnapshot()).toMatchObject({ context: { n: 1 } })
})

test('an inspector that comes late is told of the actors that are awake, and one that leaves hears no more', async () => {
  const counter = counterOf()
  const runtime = await start([counter])
  const ref = await runtime.spawn(counter)
  await ref.send({ type: 'UP' })
  const late = listen(runtime)
  await ref.send({ type: 'UP' })
  late.unsubscribe()
  await ref.send({ type: 'UP' })
  expect(late.words).toEqual([ref.id, 'helper', 'UP', 'action', 'microstep', 'snapshot'])
})

test('an actor is shown with its place, its logic and its sessions, those that promises run as well', async () => {
  const wait = fromPromise(() => Promise.resolve('done'))
  const waiter = setup({ actors: { wait } }).createMachine({ id: 'waiter', invoke: { src: 'wait', id: 'wait' } })
  const runtime = await start([waiter])
  const { events } = listen(runtime)
  const ref = await runtime.spawn(waiter)
  await eventually(() => events.map(({ type }) => type)).toContain('@xstate.microstep')
  const [root, child] = events.filter(({ type }) => type === '@xstate.actor')
  expect(root).toMatchObject({ rootId: `${ref.id}:0`, actorRef: { sessionId: `${ref.id}:0`, logic: waiter } })
  expect(child).toMatchObject({ rootId: `${ref.id}:0`, actorRef: { src: 'wait', id: 'wait', logic: wait } })
  expect(child).toHaveProperty('actorRef._parent', root?.actorRef)
})

test('an inspector that throws or rejects is told once, and harms neither the actor nor other inspectors', async () => {
  const counter = counterOf()
  const runtime = await start([counter])
  const failures: unknown[] = []
  runtime.on('listener.failed', ({ event, error }) => failures.push([event, (error as Error).message]))
  runtime.inspect(() => {
    throw new Error('thrown')
  })
  runtime.inspect((): unknown => Promise.reject(new Error('rejected')))
  const { words } = listen(runtime)
  const ref = await runtime.spawn(counter)
  expect(await ref.send({ type: 'UP' })).toEqual({ status: 'applied' })
  expect(words).toContain('UP')
  expect(failures).toEqual([
    ['inspector', 'thrown'],
    ['inspector', 'rejected']
  ])
})

test('what is no inspector is refused', async () => {
  const runtime = await start([counterOf()])
  expect(() => runtime.inspect({ inspect: () => undefined } as never)).toThrow(InvalidArgumentError)
})

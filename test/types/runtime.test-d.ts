/** What the compiler knows of a runtime and its actors: everything that it knows of their machines. */
import { setup, type AnyStateMachine, type InspectionEvent, type StateFrom } from 'xstate'
import { assertType, describe, expectTypeOf, test } from 'vitest'
import {
  createRuntime,
  type ActorId,
  type Address,
  type DurableActorRef,
  type Runtime,
  type SendResult,
  type Subscription
} from 'perdure'

const order = setup({
  types: {
    input: {} as { order: number },
    context: {} as { paid: number },
    events: {} as { type: 'PAY'; amount: number } | { type: 'SHIP' },
    emitted: {} as { type: 'paid'; amount: number } | { type: 'shipped' },
    output: {} as { parcel: string },
    tags: {} as 'open' | 'closed'
  }
}).createMachine({
  context: { paid: 0 },
  initial: 'open',
  output: { parcel: '' },
  states: { open: { on: { SHIP: 'shipped' } }, shipped: { type: 'final' } }
})

const lamp = setup({ types: { events: {} as { type: 'TOGGLE' } } }).createMachine({
  initial: 'off',
  states: { off: { on: { TOGGLE: 'on' } }, on: {} }
})

const stranger = setup({ types: { events: {} as { type: 'HELLO' } } }).createMachine({})

const runtime = createRuntime({
  database: 'postgres://localhost',
  machines: [order, { machine: lamp, unhandled: 'drop' }]
})
declare const ref: DurableActorRef<typeof order>
declare const id: ActorId<typeof order>

describe('createRuntime', () => {
  test('knows its machines, whether they come alone or with options', () => {
    expectTypeOf(runtime).toEqualTypeOf<Runtime<typeof order | typeof lamp>>()
  })

  test('can be handed to code that knows nothing of its machines, and so can its refs', () => {
    assertType<Runtime>(runtime)
    assertType<DurableActorRef<AnyStateMachine>>(ref)
    assertType<ActorId>(id)
  })

  test('takes no option that it does not know, and no option of another type', () => {
    // @ts-expect-error a number of milliseconds, or words
    createRuntime({ database: '', machines: [order], passivateAfter: 'soon' })
    // @ts-expect-error a misspelt option
    createRuntime({ database: '', machines: [order], passivateafter: 5 })
    // @ts-expect-error no machine
    createRuntime({ database: '', machines: ['order'] })
    // @ts-expect-error not a way to treat unhandled events
    createRuntime({ database: '', machines: [{ machine: order, unhandled: 'ignore' }] })
    // @ts-expect-error a limit that does not exist
    createRuntime({ database: '', machines: [order], bounds: { events: 1 } })
    createRuntime({ database: '', machines: [order], passivateAfter: '10 seconds', bounds: { event: 1 }, queues: {} })
  })
})

describe('spawn', () => {
  test('gives a ref of the machine', () => {
    expectTypeOf(runtime.spawn(order, { input: { order: 42 } })).resolves.toEqualTypeOf<DurableActorRef<typeof order>>()
    expectTypeOf(runtime.spawn(lamp)).resolves.toEqualTypeOf<DurableActorRef<typeof lamp>>()
  })

  test('wants input where the machine does, and only then', () => {
    // @ts-expect-error no input at all
    void runtime.spawn(order)
    // @ts-expect-error no input among the options
    void runtime.spawn(order, { key: 'order:42' })
    // @ts-expect-error input of another type
    void runtime.spawn(order, { input: { order: '42' } })
    void runtime.spawn(lamp)
    void runtime.spawn(lamp, {})
    void runtime.spawn(lamp, { key: 'lamp', startIn: '5 minutes' })
  })

  test('refuses machines that are not registered, and options that do not exist', () => {
    // @ts-expect-error not among the machines of this runtime
    void runtime.spawn(stranger)
    // @ts-expect-error a misspelt option
    void runtime.spawn(lamp, { Key: 'lamp' })
    // @ts-expect-error no status
    void runtime.spawn(lamp, { keyScope: ['asleep'] })
  })

  test('of many gives ids that know their machine', () => {
    expectTypeOf(runtime.spawnMany(order, [{ input: { order: 1 } }])).resolves.toEqualTypeOf<
      readonly ActorId<typeof order>[]
    >()
    // @ts-expect-error an entry without input
    void runtime.spawnMany(order, [{ key: 'order:1' }])
    // @ts-expect-error not among the machines of this runtime
    void runtime.spawnMany(stranger, [])
  })
})

describe('send', () => {
  test('by ref takes the events of its machine', () => {
    expectTypeOf(ref.send({ type: 'PAY', amount: 1 }, { dedupKey: 'k' })).resolves.toEqualTypeOf<SendResult>()
    // @ts-expect-error an event of another machine
    void ref.send({ type: 'TOGGLE' })
    // @ts-expect-error a field is missing
    void ref.send({ type: 'PAY' })
    // @ts-expect-error a field of another type
    void ref.send({ type: 'PAY', amount: '1' })
    // @ts-expect-error not an event
    void ref.send('SHIP')
  })

  test('by an id that knows its machine takes the events of that machine', () => {
    void runtime.send(id, { type: 'SHIP' })
    void runtime.send(ref.id, { type: 'PAY', amount: 1 }, { dedupKey: 'k' })
    // @ts-expect-error no event of any machine
    void runtime.send(id, { type: 'HELLO' })
    // @ts-expect-error an event of another machine
    void runtime.send(id, { type: 'TOGGLE' })
    // @ts-expect-error a field of another type
    void runtime.send(id, { type: 'PAY', amount: '1' })
  })

  test('by an id of any of several machines takes the events of all of those', async () => {
    const { id: either } = await runtime.get('0190')
    void runtime.send(either, { type: 'SHIP' })
    void runtime.send(either, { type: 'TOGGLE' })
    // @ts-expect-error no event of any machine
    void runtime.send(either, { type: 'HELLO' })
  })

  test('takes an address that is only known to be one', () => {
    const address = '0190' as Address
    void runtime.send(address, { type: 'TOGGLE' })
    // @ts-expect-error no event of any machine
    void runtime.send(address, { type: 'HELLO' })
    void (runtime as Runtime).send(address, { type: 'HELLO' })
  })

  test('by text or key takes the events of the registered machines', () => {
    void runtime.send('0190', { type: 'TOGGLE' })
    void runtime.send({ key: 'order:42' }, { type: 'PAY', amount: 1 })
    // @ts-expect-error no event of any machine
    void runtime.send('0190', { type: 'HELLO' })
    // @ts-expect-error no event of any machine
    void runtime.send({ key: 'order:42' }, { type: 'HELLO' })
    // @ts-expect-error not an address
    void runtime.send(42, { type: 'SHIP' })
    // @ts-expect-error a misspelt key
    void runtime.send({ Key: 'order:42' }, { type: 'SHIP' })
    // @ts-expect-error more than a key
    void runtime.send({ key: 'order:42', queue: 'default' }, { type: 'SHIP' })
    // @ts-expect-error a misspelt option
    void runtime.send('0190', { type: 'SHIP' }, { dedupkey: 'k' })
  })

  test('tells what became of the event', () => {
    expectTypeOf<SendResult['status']>().toEqualTypeOf<'applied' | 'deferred' | 'queued' | 'duplicate'>()
  })
})

describe('get', () => {
  test('with a machine gives a ref of it, without one a ref of any of the registered', () => {
    expectTypeOf(runtime.get(order, { key: 'order:42' })).resolves.toEqualTypeOf<DurableActorRef<typeof order>>()
    expectTypeOf(runtime.get('0190')).resolves.toEqualTypeOf<DurableActorRef<typeof order | typeof lamp>>()
    // @ts-expect-error not among the machines of this runtime
    void runtime.get(stranger, '0190')
  })
})

describe('a ref', () => {
  test('has an id that knows its machine, and is text', () => {
    expectTypeOf(ref.id).toEqualTypeOf<ActorId<typeof order>>()
    assertType<string>(ref.id)
    // @ts-expect-error the id of another machine
    assertType<ActorId<typeof lamp>>(ref.id)
  })

  test('reads snapshots with their context, value and tags', () => {
    expectTypeOf(ref.getSnapshot()).resolves.toEqualTypeOf<StateFrom<typeof order>>()
    void ref.waitFor((snapshot) => {
      expectTypeOf(snapshot.context).toEqualTypeOf<{ paid: number }>()
      expectTypeOf(snapshot.value).toEqualTypeOf<'open' | 'shipped'>()
      // @ts-expect-error no state of this machine
      snapshot.matches('lost')
      // @ts-expect-error no tag of this machine
      snapshot.hasTag('lost')
      return snapshot.matches('shipped')
    })
    expectTypeOf(ref.waitFor(() => true)).resolves.toEqualTypeOf<StateFrom<typeof order>>()
  })

  test('waits for a boolean, for as long as it is told in milliseconds or words', () => {
    void ref.waitFor(() => true, { timeout: '1 hour' })
    // @ts-expect-error a predicate answers yes or no
    void ref.waitFor(() => 'yes')
    // @ts-expect-error no duration
    void ref.waitFor(() => true, { timeout: 'an hour' })
  })

  test('results in the output of its machine', () => {
    expectTypeOf(ref.result()).resolves.toEqualTypeOf<{ parcel: string }>()
  })

  test('is observed with snapshots, and with the events that its machine emits', () => {
    ref.subscribe((snapshot) => expectTypeOf(snapshot.context.paid).toEqualTypeOf<number>())
    ref.subscribe({ next: (snapshot) => expectTypeOf(snapshot).toEqualTypeOf<StateFrom<typeof order>>() })
    ref.on('paid', (event) => expectTypeOf(event).toEqualTypeOf<{ type: 'paid'; amount: number }>())
    ref.on('*', (event) => expectTypeOf(event.type).toEqualTypeOf<'paid' | 'shipped'>())
    // @ts-expect-error not emitted by this machine
    ref.on('lost', () => undefined)
  })
})

describe('withTransaction', () => {
  const calls = runtime.withTransaction({}, { wake: false })

  test('spawns with the types of the runtime', () => {
    expectTypeOf(calls.spawn(order, { input: { order: 42 } })).resolves.toEqualTypeOf<DurableActorRef<typeof order>>()
    expectTypeOf(calls.spawnMany(lamp, [{}])).resolves.toEqualTypeOf<readonly ActorId<typeof lamp>[]>()
    // @ts-expect-error no input
    void calls.spawn(order)
    // @ts-expect-error not among the machines of this runtime
    void calls.spawn(stranger)
  })

  test('sends with the types of the runtime, and never answers that an event was applied', () => {
    expectTypeOf(calls.send(id, { type: 'SHIP' })).resolves.toEqualTypeOf<{
      readonly status: 'queued' | 'duplicate'
    }>()
    // @ts-expect-error an event of another machine
    void calls.send(id, { type: 'TOGGLE' })
    // @ts-expect-error an event of none
    void calls.send({ key: 'lamp' }, { type: 'HELLO' })
  })

  test('takes no option that it does not know', () => {
    // @ts-expect-error a misspelt option
    runtime.withTransaction({}, { awake: false })
  })
})

describe('retry and cancel', () => {
  test('take an id or a key', () => {
    expectTypeOf(runtime.retry(id)).resolves.toEqualTypeOf<boolean>()
    expectTypeOf(runtime.cancel({ key: 'lamp' }, 'a reason')).resolves.toEqualTypeOf<void>()
    // @ts-expect-error a reason is text
    void runtime.cancel(id, new Error('a reason'))
  })
})

describe('telemetry', () => {
  test('tells each listener what its event holds', () => {
    runtime.on('commit.flush', (flush) =>
      expectTypeOf(flush).toEqualTypeOf<{ readonly rows: number; readonly durationMs: number }>()
    )
    // @ts-expect-error no such event
    runtime.on('commit.flushed', () => undefined)
  })
})

describe('inspection', () => {
  test("tells XState's inspection events, to a function or an observer, until it is ended", () => {
    expectTypeOf(
      runtime.inspect((event) => expectTypeOf(event).toEqualTypeOf<InspectionEvent>())
    ).toEqualTypeOf<Subscription>()
    runtime.inspect({ next: (event) => expectTypeOf(event).toEqualTypeOf<InspectionEvent>() })
    runtime.inspect((event) => {
      if (event.type === '@xstate.action') expectTypeOf(event.action.type).toEqualTypeOf<string>()
    })
    // @ts-expect-error an inspector hears inspection events
    runtime.inspect((event: string) => event)
  })
})

/** `any` is what everything can be assigned to, and what can be assigned to everything. */
type IsAny<Type> = 0 extends 1 & Type ? true : false

describe('nothing that comes out is any', () => {
  test('neither of a ref nor of a runtime', () => {
    expectTypeOf<IsAny<Awaited<ReturnType<typeof ref.getSnapshot>>>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<Awaited<ReturnType<typeof ref.result>>>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<Awaited<ReturnType<typeof ref.send>>>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<Parameters<typeof ref.send>[0]>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<Parameters<Parameters<typeof ref.waitFor>[0]>[0]>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<typeof runtime>>().toEqualTypeOf<false>()
    expectTypeOf<IsAny<ReturnType<typeof runtime.tree>>>().toEqualTypeOf<false>()
  })
})

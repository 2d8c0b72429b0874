/** What the compiler knows of work and children: inputs, outputs, events, as of any actor logic. */
import type pg from 'pg'
import { assign, sendTo, setup, type ActorRefFrom } from 'xstate'
import { describe, expectTypeOf, test } from 'vitest'
import {
  activity,
  all,
  createRuntime,
  durable,
  durableRef,
  job,
  transaction,
  type ActivityArgs,
  type DurableActorRef,
  type Outcome,
  type TransactionArgs
} from 'perdure'

type Amount = { amount: number }
type Receipt = { no: string }

const flight = setup({
  types: {
    input: {} as { to: string },
    events: {} as { type: 'SEAT'; seat: string },
    output: {} as { landed: Date }
  }
}).createMachine({ id: 'flight', output: { landed: new Date(0) } })

describe('activity', () => {
  const pay = activity(async ({ input }: ActivityArgs<Amount>): Promise<Receipt> => ({ no: String(input.amount) }))

  test('tells onDone its output, and wants its input', () => {
    const order = setup({ types: { context: {} as { receipt: Receipt | null } }, actors: { pay } })
    order.createMachine({
      context: { receipt: null },
      invoke: {
        src: 'pay',
        input: { amount: 1 },
        onDone: {
          actions: assign({
            receipt: ({ event }) => {
              expectTypeOf(event.output).toEqualTypeOf<Receipt>()
              return event.output
            }
          })
        },
        onError: { actions: ({ event }) => expectTypeOf(event.error).toBeUnknown() }
      }
    })
    order.createMachine({
      context: { receipt: null },
      // @ts-expect-error input of another type
      invoke: { src: 'pay', input: { amount: '1' } }
    })
  })

  test('hands its function what there is to know of an attempt', () => {
    activity(({ input, signal, attempt, idempotencyKey, actorId }: ActivityArgs<Amount>) => {
      expectTypeOf(input).toEqualTypeOf<Amount>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(attempt).toEqualTypeOf<number>()
      expectTypeOf(idempotencyKey).toEqualTypeOf<string>()
      expectTypeOf(actorId).toEqualTypeOf<string>()
    })
  })

  test('takes no option that it does not know, and none of another type', () => {
    const run = async ({ input }: ActivityArgs<Amount>) => input.amount
    activity(run, { retry: { maxAttempts: 3, initial: '1 second' }, timeout: 500, rateLimit: 'stripe' })
    activity(run, { retry: false, concurrency: { limit: 'gpu', partition: (input) => String(input.amount) } })
    // @ts-expect-error a misspelt option
    activity(run, { retires: 3 })
    // @ts-expect-error no duration
    activity(run, { timeout: 'soon' })
    // @ts-expect-error no field of the input
    activity(run, { concurrency: { limit: 'gpu', partition: (input) => input.customer } })
  })
})

describe('transaction', () => {
  const pay = transaction(async ({ input, client }: TransactionArgs<Amount, pg.ClientBase>) => {
    expectTypeOf(client).toEqualTypeOf<pg.ClientBase>()
    await client.query('select $1', [input.amount])
    return 'paid' as const
  })

  test('tells onDone its output, and wants its input', () => {
    const order = setup({ actors: { pay } })
    order.createMachine({
      invoke: {
        src: 'pay',
        input: { amount: 1 },
        onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<'paid'>() }
      }
    })
    // @ts-expect-error input of another type
    order.createMachine({ invoke: { src: 'pay', input: { amount: '1' } } })
  })

  test('knows nothing of a client that it is not told of, and has no timeout', () => {
    transaction(({ client }: TransactionArgs<Amount>) => expectTypeOf(client).toBeUnknown())
    // @ts-expect-error no such option
    transaction(async () => 1, { timeout: 5 })
  })
})

describe('durable', () => {
  const trip = setup({
    types: { context: {} as { flight: ActorRefFrom<typeof flight> | null }, children: {} as { outbound: 'flight' } },
    actors: { flight: durable(flight, { key: ({ to }) => to, partitionKey: ({ to }) => to }) }
  })

  test('is invoked and sent to as the machine itself is', () => {
    trip.createMachine({
      context: { flight: null },
      invoke: {
        src: 'flight',
        id: 'outbound',
        input: { to: 'Lisbon' },
        onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<{ landed: Date }>() }
      },
      entry: [
        sendTo('outbound', { type: 'SEAT', seat: '12A' }),
        assign({ flight: ({ spawn }) => spawn('flight', { id: 'outbound', input: { to: 'Porto' } }) })
      ]
    })
    // @ts-expect-error input of another type
    trip.createMachine({ context: { flight: null }, invoke: { src: 'flight', id: 'outbound', input: { to: 5 } } })
    trip.createMachine({
      context: { flight: null },
      // @ts-expect-error an event of another machine
      entry: sendTo(({ context }) => context.flight!, { type: 'HELLO' })
    })
  })

  test('takes no option that it does not know, and functions of its input only', () => {
    // @ts-expect-error a misspelt option
    durable(flight, { que: 'bookings' })
    // @ts-expect-error no field of the input
    durable(flight, { key: ({ from }) => from })
    // @ts-expect-error an option of `all`
    durable(flight, { concurrency: 5 })
  })
})

describe('all', () => {
  test('wants the input of each child, and tells onDone every outcome', () => {
    const agency = setup({ actors: { flights: all(flight, { until: 2, concurrency: 5 }) } })
    agency.createMachine({
      invoke: {
        src: 'flights',
        input: [{ to: 'Lisbon' }, { to: 'Porto' }],
        onDone: {
          actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<readonly Outcome<{ landed: Date }>[]>()
        }
      }
    })
    // @ts-expect-error the input of one child is of another type
    agency.createMachine({ invoke: { src: 'flights', input: [{ to: 'Lisbon' }, { to: 5 }] } })
  })

  test('an outcome has an output where it is done, and an error where it is not', () => {
    const outcome = { status: 'done', output: 1 } as Outcome<number>
    if (outcome.status === 'done') expectTypeOf(outcome.output).toEqualTypeOf<number>()
    else expectTypeOf(outcome.error).toBeUnknown()
  })
})

describe('durableRef', () => {
  test('is sent the events of its machine', () => {
    sendTo(durableRef<typeof flight>({ key: 'flight' }), { type: 'SEAT', seat: '12A' })
    // @ts-expect-error an event of another machine
    sendTo(durableRef<typeof flight>({ key: 'flight' }), { type: 'HELLO' })
    // @ts-expect-error no address
    durableRef({ name: 'flight' })
  })
})

describe('job', () => {
  const mail = job('mail', async ({ input }: ActivityArgs<{ to: string }>) => ({ sent: input.to }))
  const runtime = createRuntime({ database: 'postgres://localhost', machines: [mail] })

  test('wants its input when it is spawned, and results in its output', () => {
    expectTypeOf(runtime.spawn(mail, { input: { to: 'ada' } })).resolves.toEqualTypeOf<DurableActorRef<typeof mail>>()
    // @ts-expect-error no input
    void runtime.spawn(mail)
    // @ts-expect-error input of another type
    void runtime.spawn(mail, { input: { to: 5 } })
    expectTypeOf<DurableActorRef<typeof mail>['result']>().returns.resolves.toEqualTypeOf<{ sent: string }>()
  })

  test('is a child as any machine', () => {
    setup({ actors: { mails: all(mail) } }).createMachine({
      invoke: {
        src: 'mails',
        input: [{ to: 'ada' }],
        onDone: {
          actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<readonly Outcome<{ sent: string }>[]>()
        }
      }
    })
  })
})

/**
 * The machine of the crash tests: an order that remembers each step it has taken, and tells the world of each.
 *
 * An order takes a step once in its life: the name of a step stands for one transition, and a report for one effect of it.
 */
import type pg from 'pg'
import { assign, fromPromise, sendTo, setup } from 'xstate'
import {
  activity,
  all,
  durable,
  durableRef,
  idempotencyKey,
  transaction,
  type TransactionArgs
} from '../../src/index.ts'
import { createFlight, diaryKeyOf, type diary, parcel, parcelKeyOf, type FlightStep } from './family.ts'

/** Steps that an event leads to bear the event's name; the others come of a timer, of work that has ended, or of a child. */
export type Event =
  | 'noteA'
  | 'noteB'
  | 'pay'
  | 'ship'
  | 'snooze'
  | 'mail'
  | 'book'
  | 'fly'
  | 'pack'
  | 'stack'
  | 'leave'
  | 'tell'
  | 'close'
export type Step = Event | 'open' | 'charged' | 'ring' | 'mailed' | 'booked' | 'boarded' | 'landed' | 'packed'

/** What the world has seen of an order, or of its flight: an effect of the transition that took `step`. */
export interface Report {
  readonly step: Step | FlightStep
  readonly effect: 'first action' | 'second action' | 'charge' | 'attempt'
  readonly key: string | undefined
  readonly attempt?: number
}

/** Long enough for an acknowledgement to come before it, short enough to be waited for. */
const SNOOZE_MS = 120
/** Between an attempt that failed and the next. */
const PAUSE_MS = 40

/** The world hears of effects through `report`, which must not return before they are certainly noticed. */
export function createOrder(report: (report: Report) => void) {
  const take = (step: Step) =>
    [
      { type: 'remember', params: { step } },
      { type: 'report', params: { step, effect: 'first action' } },
      { type: 'report', params: { step, effect: 'second action' } }
    ] as const
  /** Of one effect: what an order goes through with others has many moments as it is. */
  const takeBriefly = (step: Step) =>
    [
      { type: 'remember', params: { step } },
      { type: 'report', params: { step, effect: 'first action' } }
    ] as const
  const flight = createFlight((step) => report({ step, effect: 'first action', key: idempotencyKey() }))
  const parcels = ({ id }: { readonly id: string }, waits: boolean) =>
    [0, 1, 2].map((place) => ({ key: parcelKeyOf(id, place), waits }))

  const diaryOf = (id: string) => durableRef<typeof diary>({ key: diaryKeyOf(id) })

  return setup({
    types: {
      input: {} as { readonly id: string },
      context: {} as { readonly id: string; readonly steps: readonly Step[] },
      events: {} as { readonly type: Event | 'boarded' },
      output: {} as readonly Step[]
    },
    actions: {
      remember: assign(({ context }, { step }: { readonly step: Step }) => ({ steps: [...context.steps, step] })),
      report: (_, { step, effect }: Pick<Report, 'step' | 'effect'>) => report({ step, effect, key: idempotencyKey() })
    },
    actors: {
      charge: fromPromise(async () => report({ step: 'pay', effect: 'charge', key: idempotencyKey() })),
      mail: activity(
        ({ attempt, idempotencyKey: key }) => {
          report({ step: 'mail', effect: 'attempt', key, attempt })
          if (attempt === 1) throw new Error('the first attempt fails')
        },
        { retry: { initial: PAUSE_MS, jitter: 0 } }
      ),
      book: transaction(async ({ input, client }: TransactionArgs<string, pg.ClientBase>) => {
        await client.query('insert into booking (order_id) values ($1)', [input])
      }),
      flight: durable(flight),
      parcels: all(parcel, { key: ({ key }) => key })
    }
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ id: input.id, steps: [] }),
    entry: take('open'),
    on: {
      noteA: { actions: take('noteA') },
      noteB: { actions: take('noteB') },
      tell: {
        actions: [
          ...takeBriefly('tell'),
          sendTo(({ context }) => diaryOf(context.id), { type: 'noteA' }),
          sendTo(({ context }) => diaryOf(context.id), { type: 'noteB' })
        ]
      }
    },
    initial: 'open',
    states: {
      open: {
        on: {
          pay: { target: 'paying', actions: take('pay') },
          snooze: { target: 'snoozing', actions: take('snooze') },
          mail: { target: 'mailing', actions: takeBriefly('mail') },
          book: { target: 'booking', actions: takeBriefly('book') },
          fly: { target: 'flying', actions: takeBriefly('fly') },
          pack: { target: 'packing', actions: takeBriefly('pack') },
          stack: { target: 'stacking', actions: takeBriefly('stack') },
          // Of what has come to its end before it could be left.
          leave: { actions: takeBriefly('leave') },
          close: { target: 'closed', actions: take('close') }
        }
      },
      snoozing: { after: { [SNOOZE_MS]: { target: 'open', actions: take('ring') } } },
      mailing: { invoke: { src: 'mail', onDone: { target: 'open', actions: takeBriefly('mailed') } } },
      booking: {
        invoke: {
          src: 'book',
          input: ({ context }) => context.id,
          onDone: { target: 'open', actions: takeBriefly('booked') }
        }
      },
      flying: {
        invoke: { src: 'flight', id: 'flight', onDone: { target: 'open', actions: takeBriefly('landed') } },
        on: { boarded: { actions: [...takeBriefly('boarded'), sendTo('flight', { type: 'land' })] } }
      },
      packing: {
        invoke: {
          src: 'parcels',
          input: ({ context }) => parcels(context, false),
          onDone: { target: 'open', actions: takeBriefly('packed') }
        }
      },
      stacking: {
        invoke: {
          src: 'parcels',
          input: ({ context }) => parcels(context, true),
          onDone: { target: 'open', actions: takeBriefly('packed') }
        },
        on: { leave: { target: 'open', actions: takeBriefly('leave') } }
      },
      paying: { invoke: { src: 'charge', onDone: { target: 'paid', actions: take('charged') } } },
      paid: { on: { ship: { target: 'shipped', actions: take('ship') } } },
      shipped: { on: { close: { target: 'closed', actions: take('close') } } },
      closed: { type: 'final' }
    },
    output: ({ context }) => context.steps
  })
}

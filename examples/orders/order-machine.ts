/**
 * One order, from the basket to the parcel: a plain XState machine. Nothing in it knows of perdure or Postgres.
 *
 * What makes it hard without durability: it waits, for minutes or days, for two parties that do not wait for each other. The
 * payment provider may tell of a payment before the shop has told of the order (then `payment.confirmed` waits for a state
 * that takes it), and tells of each payment twice. Timers run meanwhile, e-mails go out, and a call to the carrier is under
 * way when the process dies.
 */
import { assign, setup } from 'xstate'
import { bookParcel, sendMail } from './services.ts'

export interface Order {
  readonly orderNo: number
  /** In cents. */
  readonly amount: number
}

export interface Receipt extends Order {
  /** In cents. */
  readonly paid: number
  readonly tracking: string | null
  /** Everything that the order was told, in the order in which it took it. */
  readonly heard: readonly string[]
}

export const orderMachine = setup({
  types: {
    input: {} as Order,
    context: {} as Receipt & { readonly reminders: number },
    events: {} as { type: 'order.placed' } | { type: 'payment.confirmed'; amount: number },
    output: {} as Receipt
  },
  actors: { bookParcel },
  actions: {
    hear: assign({ heard: ({ context, event }) => [...context.heard, event.type] }),
    sendReminder: ({ context }) => sendMail('reminder', context.orderNo),
    sendReceipt: ({ context }) => sendMail('receipt', context.orderNo)
  },
  delays: { patience: 2_000, deadline: 14 * 24 * 3_600_000, packingTime: 250 }
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ ...input, paid: 0, tracking: null, heard: [], reminders: 0 }),
  initial: 'basket',
  states: {
    basket: {
      on: { 'order.placed': { target: 'awaitingPayment', actions: 'hear' } }
    },
    awaitingPayment: {
      after: {
        patience: { actions: [assign({ reminders: ({ context }) => context.reminders + 1 }), 'sendReminder'] },
        deadline: 'expired'
      },
      on: {
        'payment.confirmed': {
          target: 'packing',
          actions: ['hear', assign({ paid: ({ context, event }) => context.paid + event.amount })]
        }
      }
    },
    packing: {
      entry: 'sendReceipt',
      after: { packingTime: 'shipping' }
    },
    shipping: {
      invoke: {
        src: 'bookParcel',
        input: ({ context }) => ({ orderNo: context.orderNo }),
        onDone: { target: 'shipped', actions: assign({ tracking: ({ event }) => event.output }) }
      }
    },
    shipped: { type: 'final' },
    expired: { type: 'final' }
  },
  output: ({ context: { orderNo, amount, paid, tracking, heard } }) => ({ orderNo, amount, paid, tracking, heard })
})

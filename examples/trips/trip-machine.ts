/**
 * A trip: it is paid for, then flight, hotel and car are booked side by side. If one of them cannot be had, the others are
 * cancelled, and the money goes back.
 *
 *     paying ──► arranging: reserving ──► confirming ──► sendingTickets ──► booked
 *        │                      └───────► undoing ─────► refunding ──► sendingRegrets ──► undone
 *        └─ too little in the account ──► declined
 *
 * The three bookings are children in rows of their own, invoked as long as the trip is being arranged: so they live while they
 * are undone, and the trip hears how each of them ends.
 */
import { durable } from 'perdure'
import { assign, enqueueActions, setup } from 'xstate'
import { giveBack, takeMoney, type Payment } from './bank.ts'
import { car, flight, hotel, type BookingOutcome } from './booking-machine.ts'
import { sendMail, type Kind } from './services.ts'

type Progress = 'asked' | 'reserved' | BookingOutcome | 'failed'
type Bookings = Readonly<Record<Kind, Progress>>

const kinds: readonly Kind[] = ['flight', 'hotel', 'car']
const hasEnded = (progress: Progress): boolean => progress !== 'asked' && progress !== 'reserved'
const options = { queue: 'bookings' }

export const tripMachine = setup({
  types: {
    input: {} as Payment,
    context: {} as Payment & { readonly bookings: Bookings },
    events: {} as { type: 'reserved'; kind: Kind }
  },
  actors: {
    takeMoney,
    giveBack,
    sendMail,
    flight: durable(flight, options),
    hotel: durable(hotel, options),
    car: durable(car, options)
  },
  actions: {
    note: assign({
      bookings: ({ context }, { kind, is }: { kind: Kind; is: Progress }) => ({ ...context.bookings, [kind]: is })
    }),
    tellBookings: enqueueActions(({ context, enqueue }, { type }: { type: 'confirm' | 'cancel' }) => {
      for (const kind of kinds) if (!hasEnded(context.bookings[kind])) enqueue.sendTo(kind, { type })
    })
  },
  guards: {
    allAreReserved: ({ context }) => kinds.every((kind) => context.bookings[kind] === 'reserved'),
    oneHasEnded: ({ context }) => kinds.some((kind) => hasEnded(context.bookings[kind])),
    allHaveEnded: ({ context }) => kinds.every((kind) => hasEnded(context.bookings[kind])),
    allAreConfirmed: ({ context }) => kinds.every((kind) => context.bookings[kind] === 'confirmed')
  }
}).createMachine({
  id: 'trip',
  context: ({ input }) => ({ ...input, bookings: { flight: 'asked', hotel: 'asked', car: 'asked' } }),
  initial: 'paying',
  states: {
    paying: {
      invoke: { src: 'takeMoney', input: ({ context }) => context, onDone: 'arranging', onError: 'declined' }
    },
    arranging: {
      invoke: [
        {
          src: 'flight',
          id: 'flight',
          input: ({ context: { tripNo } }) => ({ tripNo }),
          onDone: { actions: { type: 'note', params: ({ event }) => ({ kind: 'flight', is: event.output }) } },
          onError: { actions: { type: 'note', params: { kind: 'flight', is: 'failed' } } }
        },
        {
          src: 'hotel',
          id: 'hotel',
          input: ({ context: { tripNo } }) => ({ tripNo }),
          onDone: { actions: { type: 'note', params: ({ event }) => ({ kind: 'hotel', is: event.output }) } },
          onError: { actions: { type: 'note', params: { kind: 'hotel', is: 'failed' } } }
        },
        {
          src: 'car',
          id: 'car',
          input: ({ context: { tripNo } }) => ({ tripNo }),
          onDone: { actions: { type: 'note', params: ({ event }) => ({ kind: 'car', is: event.output }) } },
          onError: { actions: { type: 'note', params: { kind: 'car', is: 'failed' } } }
        }
      ],
      on: {
        reserved: { actions: { type: 'note', params: ({ event: { kind } }) => ({ kind, is: 'reserved' }) } }
      },
      initial: 'reserving',
      states: {
        reserving: {
          always: [
            { guard: 'allAreReserved', target: 'confirming' },
            { guard: 'oneHasEnded', target: 'undoing' }
          ]
        },
        confirming: {
          entry: { type: 'tellBookings', params: { type: 'confirm' } },
          always: [
            { guard: 'allAreConfirmed', target: '#trip.sendingTickets' },
            { guard: 'allHaveEnded', target: '#trip.refunding' }
          ]
        },
        undoing: {
          entry: { type: 'tellBookings', params: { type: 'cancel' } },
          always: { guard: 'allHaveEnded', target: '#trip.refunding' }
        }
      }
    },
    refunding: {
      invoke: { src: 'giveBack', input: ({ context }) => context, onDone: 'sendingRegrets' }
    },
    sendingTickets: {
      invoke: {
        src: 'sendMail',
        input: ({ context: { tripNo } }) => ({ tripNo, subject: 'your tickets' }),
        onDone: 'booked'
      }
    },
    sendingRegrets: {
      invoke: {
        src: 'sendMail',
        input: ({ context: { tripNo } }) => ({ tripNo, subject: 'your money is back' }),
        onDone: 'undone'
      }
    },
    booked: { type: 'final' },
    undone: { type: 'final' },
    declined: { type: 'final' }
  }
})

/**
 * One booking of a trip, from the reservation to its end: a machine of its own for flights, for hotels and for cars.
 *
 *     reserving ──► reserved ──confirm──► confirming ──► confirmed
 *         │             └─────cancel────┐
 *         └─ cancel, or nothing is left ┴► withdrawing ──► withdrawn
 *
 * It lives in a row of its own, and undoes itself: who asked for it only says `cancel`. It is withdrawn too where it was never
 * made, as far as is known: the reservation may have been made and only the answer lost.
 */
import { sendParent, setup, type DoneStateEvent } from 'xstate'
import { confirm, reserve, withdraw, type Kind } from './services.ts'

export type BookingOutcome = 'confirmed' | 'withdrawn'

function createBooking(kind: Kind) {
  return setup({
    types: {
      input: {} as { readonly tripNo: number },
      context: {} as { readonly tripNo: number; readonly kind: Kind },
      events: {} as { type: 'confirm' } | { type: 'cancel' },
      output: {} as BookingOutcome
    },
    actors: { reserve, confirm, withdraw }
  }).createMachine({
    id: kind,
    context: ({ input: { tripNo } }) => ({ tripNo, kind }),
    initial: 'reserving',
    states: {
      reserving: {
        invoke: { src: 'reserve', input: ({ context }) => context, onDone: 'reserved', onError: 'withdrawing' },
        on: { cancel: 'withdrawing' }
      },
      reserved: {
        entry: sendParent({ type: 'reserved', kind }),
        on: { confirm: 'confirming', cancel: 'withdrawing' }
      },
      confirming: {
        invoke: { src: 'confirm', input: ({ context }) => context, onDone: 'confirmed' }
      },
      withdrawing: {
        invoke: { src: 'withdraw', input: ({ context }) => context, onDone: 'withdrawn' },
        // Said by a trip that does not know yet: nothing to do, and nothing to wait for.
        on: { cancel: {} }
      },
      confirmed: { type: 'final', output: 'confirmed' },
      withdrawn: { type: 'final', output: 'withdrawn' }
    },
    output: ({ event }) => (event as DoneStateEvent<BookingOutcome>).output
  })
}

export const flight = createBooking('flight')
export const hotel = createBooking('hotel')
export const car = createBooking('car')

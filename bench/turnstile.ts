/**
 * The machine that every contender runs: each event changes its state and counts one up. No timers, no effects.
 *
 * Its snapshot takes 200 to 300 bytes, like that of a small order or subscription.
 */
import { assign, createActor, setup } from 'xstate'

interface TurnstileContext {
  readonly counter: number
  readonly station: string
  readonly gate: string
  readonly installedAt: string
  readonly lastTicket: string
}

export interface TicketEvent {
  readonly type: 'ticket'
  readonly ticket: string
}

export const turnstile = setup({
  types: { context: {} as TurnstileContext, events: {} as TicketEvent },
  actions: {
    count: assign({ counter: ({ context }) => context.counter + 1, lastTicket: ({ event }) => event.ticket })
  }
}).createMachine({
  id: 'turnstile',
  context: {
    counter: 0,
    station: 'Alexanderplatz, lower level',
    gate: 'north-03',
    installedAt: '2026-01-31T09:00:00.000Z',
    lastTicket: 'none'
  },
  initial: 'locked',
  states: {
    locked: { on: { ticket: { target: 'open', actions: 'count' } } },
    open: { on: { ticket: { target: 'locked', actions: 'count' } } }
  }
})

export const ticketEvent = (number: number): TicketEvent => ({ type: 'ticket', ticket: `T-2026-${1_000_000 + number}` })

/** A stored snapshot of the usual size, for contenders without XState. */
export const sampleSnapshot = JSON.stringify(createActor(turnstile).start().getPersistedSnapshot())

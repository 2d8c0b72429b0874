/**
 * The machines whose many instances are weighed. Both wait for an event, as most instances of most machines do.
 */
import { setup } from 'xstate'

/** A state, and nothing else. */
const tiny = setup({}).createMachine({ id: 'tiny', initial: 'open', states: { open: { on: { turn: {} } } } })

const parcel = setup({}).createMachine({
  id: 'parcel',
  initial: 'packed',
  states: { packed: { on: { sent: 'underway' } }, underway: {} }
})

interface Order {
  readonly number: number
  readonly customer: string
  readonly address: string
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly price: number }[]
}

/** A context of about 2 kB as JSON, a child machine that it invokes, and a timer of a day. */
const order = setup({
  types: { input: {} as { number: number }, context: {} as Order },
  actors: { parcel }
}).createMachine({
  id: 'order',
  context: ({ input: { number } }) => ({
    number,
    customer: `customer-${number}`,
    address: `${number} Long Lane, `.padEnd(300, `town ${number} `),
    lines: Array.from({ length: 30 }, (_, line) => ({
      sku: `A-${100_000 + number}-${line}`,
      quantity: (line % 9) + 1,
      price: line + 0.5
    }))
  }),
  initial: 'open',
  states: {
    open: { invoke: { src: 'parcel', id: 'parcel' }, after: { 86_400_000: 'late' }, on: { turn: {} } },
    late: {}
  }
})

export const machines = { tiny, order }
export type MachineName = keyof typeof machines

/**
 * Whom an order has dealings with: a flight and parcels, its children, and a diary, which is nobody's child.
 *
 * Each remembers its own steps, as the order does.
 */
import { assign, sendParent, setup } from 'xstate'

export type FlightStep = 'takeOff' | 'land'
export const isOfFlight = (step: string): boolean => step === 'takeOff' || step === 'land'
export type DiaryStep = 'noteA' | 'noteB'

/** Tells its parent that it has taken off, and ends when it is told to land; the world sees both. */
export function createFlight(report: (step: FlightStep) => void) {
  const take = (step: FlightStep) =>
    [
      { type: 'remember', params: { step } },
      { type: 'report', params: { step } }
    ] as const

  return setup({
    types: { context: {} as { readonly steps: readonly FlightStep[] }, events: {} as { readonly type: 'land' } },
    actions: {
      remember: assign(({ context }, { step }: { readonly step: FlightStep }) => ({ steps: [...context.steps, step] })),
      report: (_, { step }: { readonly step: FlightStep }) => report(step)
    }
  }).createMachine({
    id: 'flight',
    context: { steps: [] },
    entry: [...take('takeOff'), sendParent({ type: 'boarded' })],
    initial: 'up',
    states: { up: { on: { land: { target: 'down', actions: take('land') } } }, down: { type: 'final' } }
  })
}

/** One of three. Ends at once, or waits to be told to. */
export const parcel = setup({
  types: {
    input: {} as { readonly key: string; readonly waits: boolean },
    context: {} as { readonly waits: boolean },
    events: {} as { readonly type: 'go' },
    output: {} as string
  }
}).createMachine({
  id: 'parcel',
  context: ({ input }) => ({ waits: input.waits }),
  initial: 'begun',
  states: {
    begun: { always: { guard: ({ context }) => !context.waits, target: 'over' }, on: { go: 'over' } },
    over: { type: 'final' }
  },
  output: 'wrapped'
})

export const parcelKeyOf = (orderId: string, place: number): string => `parcel:${orderId}:${place}`

/** Remembers what it is sent. */
export const diary = setup({
  types: { context: {} as { readonly steps: readonly DiaryStep[] }, events: {} as { readonly type: DiaryStep } },
  actions: {
    remember: assign(({ context }, { step }: { readonly step: DiaryStep }) => ({ steps: [...context.steps, step] }))
  }
}).createMachine({
  id: 'diary',
  context: { steps: [] },
  on: {
    noteA: { actions: { type: 'remember', params: { step: 'noteA' } } },
    noteB: { actions: { type: 'remember', params: { step: 'noteB' } } }
  }
})

export const diaryKeyOf = (orderId: string): string => `diary:${orderId}`

/** A machine that counts what it takes. */
import { assign, setup } from 'xstate'

export const counter = setup({
  types: {
    input: {} as { from: number } | undefined,
    context: {} as { n: number },
    events: {} as { type: 'UP' } | { type: 'END' }
  }
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ n: input?.from ?? 0 }),
  initial: 'on',
  states: {
    on: { on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: 'over' } },
    over: { type: 'final' }
  }
})

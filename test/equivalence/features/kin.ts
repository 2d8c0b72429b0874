/** Child machines that several families use. */
import { assign, createMachine, sendParent } from 'xstate'
import type { Note } from '../case.ts'
import { fail, types } from './parts.ts'

/** Counts, tells its parent each time, fails when asked to (BREAK), and ends with the count (END). */
export const makeCounter = (note: Note) =>
  createMachine({
    id: 'counter',
    types: types<{ context: { count: number }; input: { from?: number } | undefined }>(),
    context: ({ input }) => ({ count: input?.from ?? 0 }),
    initial: 'counting',
    states: {
      counting: {
        on: {
          UP: {
            actions: [
              assign({ count: ({ context }) => context.count + 1 }),
              ({ context }) => note(`counter ${context.count}`),
              sendParent(({ context }) => ({ type: 'COUNTED', count: context.count }))
            ]
          },
          BREAK: { guard: fail('broken') },
          END: 'ended'
        }
      },
      ended: { type: 'final' }
    },
    output: ({ context }) => context.count
  })

/** Tells its parent every ten milliseconds, three times, then ends. */
export const makeTicker = (note: Note) =>
  createMachine({
    id: 'ticker',
    context: { ticks: 0 },
    initial: 'wait',
    states: {
      wait: { after: { 10: 'tick' } },
      tick: {
        entry: [
          assign({ ticks: ({ context }) => context.ticks + 1 }),
          ({ context }) => note(`tick ${context.ticks}`),
          sendParent(({ context }) => ({ type: 'TICKED', n: context.ticks }))
        ],
        always: [{ guard: ({ context }) => context.ticks < 3, target: 'wait' }, 'over']
      },
      over: { type: 'final' }
    },
    exit: () => note('ticker leaves'),
    output: 'ticked'
  })

/** Guards: named, with params, combined, and what they ask. */
import { and, assign, createMachine, not, or, setup, stateIn } from 'xstate'
import { family, schedule, seen, types } from './parts.ts'

export const guardCases = family('guards', {
  'guards with params, fixed and computed': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { n: number }; events: { type: 'ADD'; by: number } }>(),
        guards: { isAbove: ({ context }, params: { readonly limit: number }) => context.n > params.limit }
      }).createMachine({
        id: 'params',
        context: { n: 0 },
        on: {
          ADD: [
            { guard: { type: 'isAbove', params: { limit: 10 } }, actions: seen(note, 'above ten') },
            {
              guard: { type: 'isAbove', params: ({ event }) => ({ limit: event.by }) },
              actions: [seen(note, 'above itself'), assign({ n: 11 })]
            },
            { actions: assign({ n: ({ context, event }) => context.n + event.by }) }
          ]
        }
      }),
    steps: schedule(...[2, 3, 4, 1, 1].map((by) => ({ type: 'ADD', by })))
  },

  'and, or, not': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { a: boolean; b: boolean } }>(),
        guards: { a: ({ context }) => context.a, b: ({ context }) => context.b }
      }).createMachine({
        id: 'combined',
        context: { a: false, b: false },
        on: {
          A: { actions: assign({ a: ({ context }) => !context.a }) },
          B: { actions: assign({ b: ({ context }) => !context.b }) },
          ASK: [
            { guard: and(['a', 'b']), actions: () => note('both') },
            { guard: and([or(['a', 'b']), not('b')]), actions: () => note('a alone') },
            { guard: or(['a', 'b']), actions: () => note('b alone') },
            { guard: not(or(['a', 'b'])), actions: () => note('neither') }
          ]
        }
      }),
    steps: schedule('ASK A ASK B ASK A ASK')
  },

  'stateIn, within a combination': {
    makeMachine: (note) =>
      createMachine({
        id: 'where',
        type: 'parallel',
        states: {
          power: {
            initial: 'off',
            states: { off: { on: { POWER: 'on' } }, on: { id: 'powered', on: { POWER: 'off' } } }
          },
          lid: {
            initial: 'open',
            states: { open: { on: { LID: 'shut' } }, shut: { id: 'shut', on: { LID: 'open' } } }
          },
          drum: {
            initial: 'still',
            states: {
              still: { on: { RUN: { guard: and([stateIn('#powered'), stateIn('#shut')]), target: 'turning' } } },
              turning: { always: { guard: not(stateIn('#shut')), target: 'still', actions: () => note('opened') } }
            }
          }
        }
      }),
    steps: schedule('RUN POWER RUN LID RUN LID RUN')
  },

  'a guard asks for what the event brings': {
    makeMachine: (note) =>
      createMachine({
        id: 'brings',
        initial: 'open',
        states: {
          open: {
            on: {
              PAY: [
                { guard: ({ event }) => event.amount instanceof Date, actions: () => note('a date') },
                { guard: ({ event }) => event.amount >= 100n, target: 'paid', actions: seen(note, 'paid') },
                { actions: seen(note, 'too little') }
              ]
            }
          },
          paid: {}
        }
      }),
    steps: schedule({ type: 'PAY', amount: 99n }, { type: 'PAY', amount: new Date(5) }, { type: 'PAY', amount: 100n })
  },

  'a guard of a state that is done': {
    makeMachine: (note) =>
      createMachine({
        id: 'doneGuard',
        context: { rounds: 0 },
        initial: 'round',
        states: {
          round: {
            entry: assign({ rounds: ({ context }) => context.rounds + 1 }),
            initial: 'on',
            states: { on: { on: { END: 'off' } }, off: { type: 'final' } },
            onDone: [
              {
                guard: ({ context }) => context.rounds < 3,
                target: 'round',
                reenter: true,
                actions: () => note('again')
              },
              { target: 'over' }
            ]
          },
          over: { type: 'final' }
        }
      }),
    steps: schedule('END END END END')
  },

  'guards in enqueueActions see what was assigned before': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { n: number } }>(),
        guards: { isEven: ({ context }) => context.n % 2 === 0 }
      }).createMachine({
        id: 'checks',
        context: { n: 0 },
        initial: 'a',
        states: {
          a: {
            on: {
              GO: [
                { guard: not('isEven'), target: 'b', actions: assign({ n: ({ context }) => context.n + 1 }) },
                { actions: assign({ n: ({ context }) => context.n + 1 }) }
              ]
            }
          },
          b: { entry: seen(note, 'b'), always: { guard: 'isEven', target: 'a' } }
        }
      }),
    steps: schedule('GO GO GO GO')
  }
})

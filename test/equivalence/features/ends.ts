/** Final states and output, of states and of machines; tags and meta. */
import { assign, createMachine, raise, setup } from 'xstate'
import { family, schedule, seen, types, visits } from './parts.ts'

export const endCases = family('ends', {
  'final states, output, and what hears of them': {
    makeMachine: (note) =>
      createMachine({
        id: 'ends',
        type: 'parallel',
        context: { at: new Date(0), sums: new Map([['a', 1n]]) },
        states: {
          left: {
            initial: 'on',
            states: { on: { on: { LEFT: 'off' } }, off: { type: 'final', output: { side: 'left' } } },
            onDone: { actions: ({ event }) => note('left', event.output) }
          },
          right: { initial: 'on', states: { on: { on: { RIGHT: 'off' } }, off: { type: 'final' } } }
        },
        output: ({ context }) => ({ at: context.at, sum: String(context.sums.get('a')) }),
        exit: () => note('exit')
      }),
    steps: schedule('LEFT LEFT RIGHT RIGHT')
  },

  'the output of a nested final state reaches its onDone': {
    makeMachine: (note) =>
      createMachine({
        id: 'nested',
        context: { n: 1 },
        initial: 'form',
        states: {
          form: {
            initial: 'open',
            states: {
              open: { on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, SUBMIT: 'sent' } },
              sent: { type: 'final', output: ({ context }) => ({ n: context.n }) }
            },
            onDone: { target: 'over', actions: seen(note, 'form is done') }
          },
          over: { on: { AGAIN: 'form' } }
        }
      }),
    steps: schedule('ADD SUBMIT AGAIN SUBMIT')
  },

  'a parallel state is done when its last region is': {
    makeMachine: (note) =>
      createMachine({
        id: 'last',
        initial: 'work',
        states: {
          work: {
            type: 'parallel',
            states: {
              a: {
                initial: 'on',
                states: { on: { on: { A: 'off' } }, off: { type: 'final', ...visits(note, 'a.off') } }
              },
              b: {
                initial: 'on',
                states: { on: { on: { B: 'off' } }, off: { type: 'final', ...visits(note, 'b.off') } }
              },
              c: {
                initial: 'on',
                states: { on: { on: { C: 'off' } }, off: { type: 'final' } },
                onDone: { actions: () => note('c') }
              }
            },
            onDone: { target: 'over', actions: seen(note, 'all') }
          },
          over: { on: { AGAIN: 'work' } }
        }
      }),
    steps: schedule('B A A C AGAIN C B A')
  },

  'a final state within a final state': {
    makeMachine: (note) =>
      createMachine({
        id: 'cascade',
        initial: 'a',
        states: {
          a: {
            initial: 'b',
            states: {
              b: {
                initial: 'c',
                states: { c: { on: { END: 'd' } }, d: { type: 'final', output: 1 } },
                onDone: { target: 'e', actions: ({ event }) => note('b', event.output) }
              },
              e: { type: 'final', output: 2 }
            },
            onDone: { target: 'f', actions: ({ event }) => note('a', event.output) }
          },
          f: { type: 'final', output: 3 }
        },
        output: ({ event }) => ({ of: event.output })
      }),
    steps: schedule('UNKNOWN END END')
  },

  'exit actions of an ending machine run from the inside out, and last': {
    makeMachine: (note) =>
      createMachine({
        id: 'exits',
        ...visits(note, 'root'),
        initial: 'p',
        states: {
          p: {
            ...visits(note, 'p'),
            initial: 'a',
            states: { a: { ...visits(note, 'a'), on: { END: { target: '#end', actions: () => note('between') } } } }
          },
          end: { id: 'end', type: 'final', ...visits(note, 'end') }
        }
      }),
    steps: schedule('UNKNOWN END END')
  },

  'a machine that ends as it begins': {
    makeMachine: (note) =>
      setup({ types: types<{ context: { given: unknown }; input: unknown }>() }).createMachine({
        id: 'atOnce',
        initial: 'end',
        context: ({ input }) => ({ given: input }),
        states: { end: { type: 'final', entry: () => note('end') } },
        output: ({ context }) => context.given
      }),
    input: { n: 1 },
    steps: schedule('LATE', 10, 'LATE')
  },

  'events that come after the end change nothing': {
    makeMachine: (note) =>
      createMachine({
        id: 'late',
        initial: 'on',
        on: { '*': { actions: () => note('heard') } },
        states: { on: { on: { END: { target: 'off', actions: raise({ type: 'RAISED' }) } } }, off: { type: 'final' } }
      }),
    steps: schedule('ONE END TWO THREE', 10)
  },

  'the end comes by a timer': {
    makeMachine: (note) =>
      createMachine({
        id: 'byTimer',
        initial: 'on',
        states: { on: { ...visits(note, 'on'), after: { 40: 'off' } }, off: { type: 'final', output: { late: true } } },
        output: ({ event }) => event.output
      }),
    steps: schedule(20, 19, 1, 10)
  },

  'tags of all active states': {
    makeMachine: () =>
      createMachine({
        id: 'tags',
        type: 'parallel',
        tags: 'always',
        states: {
          net: {
            tags: ['net'],
            initial: 'off',
            states: { off: { tags: ['quiet', 'off'], on: { NET: 'on' } }, on: { tags: ['busy'], on: { NET: 'off' } } }
          },
          disk: { initial: 'off', states: { off: { tags: 'quiet', on: { DISK: 'on' } }, on: { tags: 'busy' } } }
        }
      }),
    steps: schedule('NET DISK NET')
  },

  'meta of all active states, and their descriptions': {
    makeMachine: () =>
      createMachine({
        id: 'meta',
        meta: { at: 'root' },
        initial: 'a',
        states: {
          a: {
            meta: { title: 'A', since: new Date(0) },
            description: 'the first',
            initial: 'in',
            states: { in: { meta: { title: 'in A' } } },
            on: { GO: 'b' }
          },
          b: { meta: { title: 'B' }, on: { GO: 'a' } }
        }
      }),
    steps: schedule('GO GO GO')
  }
})

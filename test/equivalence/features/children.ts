/** Invoked child machines: their start, their end, what passes between them and their parent. */
import { assign, createMachine, forwardTo, sendParent, sendTo, setup } from 'xstate'
import { makeCounter, makeTicker } from './kin.ts'
import { family, schedule, seen, visits } from './parts.ts'

export const childCases = family('children', {
  'a child machine that answers, and what is forwarded to it': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'asks',
        context: { heard: 0 },
        invoke: {
          src: 'counter',
          id: 'child',
          input: { from: 5 },
          onDone: { actions: ({ event }) => note(`done ${String(event.output)}`) }
        },
        on: {
          COUNTED: { actions: assign({ heard: ({ event }) => event.count as number }) },
          UP: { actions: [() => note('asking'), sendTo('child', { type: 'UP' }), () => note('asked')] },
          END: { actions: forwardTo('child') }
        }
      }),
    steps: schedule('UP UP END UP')
  },

  'the output of a child reaches onDone, which moves on': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'output',
        context: { total: 0 },
        initial: 'run',
        states: {
          run: {
            invoke: {
              src: 'counter',
              id: 'child',
              input: ({ context }) => ({ from: context['total'] as number }),
              onDone: { target: 'pause', actions: [assign({ total: ({ event }) => event.output }), seen(note, 'done')] }
            },
            on: { '*': { actions: forwardTo('child') } }
          },
          pause: { on: { AGAIN: 'run' } }
        }
      }),
    steps: schedule('UP UP END AGAIN UP END')
  },

  'a child is stopped when its state is left, and made anew when it is entered': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'anew',
        initial: 'on',
        states: {
          on: {
            ...visits(note, 'on'),
            invoke: { src: 'counter', id: 'child' },
            on: { OFF: 'off', AGAIN: { target: 'on', reenter: true } }
          },
          off: { on: { ON: 'on' } }
        },
        on: { UP: { actions: sendTo('child', { type: 'UP' }) } }
      }),
    steps: schedule('UP UP OFF ON UP AGAIN UP')
  },

  'a child that ends as it begins': {
    makeMachine: (note) => {
      const brief = createMachine({
        id: 'brief',
        initial: 'end',
        states: { end: { type: 'final' } },
        output: ({ context }) => context['n'],
        context: ({ input }) => ({ n: input })
      })
      return setup({ actors: { brief } }).createMachine({
        id: 'begins',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'run' } },
          run: {
            invoke: { src: 'brief', id: 'brief', input: 7, onDone: { target: 'idle', actions: seen(note, 'done') } },
            ...visits(note, 'run')
          }
        }
      })
    },
    steps: schedule('GO GO GO')
  },

  'a child that says something as it begins': {
    makeMachine: (note) => {
      const greeter = createMachine({
        id: 'greeter',
        entry: [() => note('child begins'), sendParent({ type: 'HELLO' })],
        exit: () => note('child leaves')
      })
      return setup({ actors: { greeter } }).createMachine({
        id: 'greeted',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'run' } },
          run: {
            ...visits(note, 'run'),
            invoke: { src: 'greeter', id: 'greeter' },
            on: { HELLO: { actions: seen(note, 'hello') }, STOP: 'idle' }
          }
        }
      })
    },
    steps: schedule('GO STOP GO STOP')
  },

  'several children of one state, and of several regions': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note), ticker: makeTicker(note) } }).createMachine({
        id: 'many',
        type: 'parallel',
        states: {
          left: {
            initial: 'on',
            states: {
              on: {
                invoke: [
                  { src: 'counter', id: 'one' },
                  { src: 'counter', id: 'two', input: { from: 10 } }
                ],
                on: { LEFT: 'off' }
              },
              off: { on: { LEFT: 'on' } }
            }
          },
          right: { invoke: { src: 'ticker', id: 'ticker' } }
        },
        on: {
          UP: { actions: [sendTo('two', { type: 'UP' }), sendTo('one', { type: 'UP' })] },
          COUNTED: { actions: seen(note, 'counted') }
        }
      }),
    steps: schedule('UP', 10, 'LEFT', 10, 'LEFT UP', 10)
  },

  'syncSnapshot tells the parent of each snapshot': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'told',
        context: { values: [] as unknown[] },
        initial: 'on',
        states: {
          on: {
            invoke: {
              src: 'counter',
              id: 'child',
              onSnapshot: {
                actions: [
                  assign({ values: ({ context, event }) => [...context['values'], event.snapshot.context.count] }),
                  ({ event }) => note('snapshot', [event.snapshot.value, event.snapshot.status])
                ]
              }
            },
            on: { OFF: 'off' }
          },
          off: {}
        },
        on: { UP: { actions: sendTo('child', { type: 'UP' }) }, END: { actions: sendTo('child', { type: 'END' }) } }
      }),
    steps: schedule('UP UP END OFF')
  },

  'input that the parent computes from its context and event': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'computed',
        context: { n: 2 },
        initial: 'idle',
        states: {
          idle: { on: { RUN: 'run' } },
          run: {
            invoke: {
              src: 'counter',
              id: 'child',
              input: ({ context, event }) => ({ from: context['n'] * event['by'] })
            },
            on: { UP: { actions: sendTo('child', { type: 'UP' }) }, RUN: { target: 'run', reenter: true } }
          }
        }
      }),
    steps: schedule({ type: 'RUN', by: 3 }, 'UP', { type: 'RUN', by: 10 }, 'UP')
  },

  'a child with history of its own': {
    makeMachine: () => {
      const player = createMachine({
        id: 'player',
        initial: 'stopped',
        states: {
          stopped: { on: { PLAY: 'playing.last' } },
          playing: {
            initial: 'slow',
            states: { slow: { on: { FASTER: 'fast' } }, fast: {}, last: { type: 'history' } },
            on: { STOP: 'stopped' }
          }
        }
      })
      return setup({ actors: { player } }).createMachine({
        id: 'room',
        invoke: { src: 'player', id: 'player' },
        on: { '*': { actions: forwardTo('player') } }
      })
    },
    steps: schedule('PLAY FASTER STOP PLAY STOP PLAY')
  },

  'a child of parallel regions that ends when both have': {
    makeMachine: (note) => {
      const pair = createMachine({
        id: 'pair',
        type: 'parallel',
        states: {
          a: { initial: 'on', states: { on: { on: { A: 'off' } }, off: { type: 'final' } } },
          b: { initial: 'on', states: { on: { after: { 20: 'off' } }, off: { type: 'final' } } }
        },
        output: { both: true }
      })
      return setup({ actors: { pair } }).createMachine({
        id: 'waits',
        initial: 'on',
        states: {
          on: {
            invoke: { src: 'pair', id: 'pair', onDone: { target: 'off', actions: seen(note, 'done') } },
            on: { A: { actions: forwardTo('pair') } }
          },
          off: {}
        }
      })
    },
    steps: schedule(20, 'A A')
  }
})

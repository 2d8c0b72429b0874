/** Promises: settled at once, under way over several steps, rejected, left. */
import { assign, fromPromise, sendTo, setup, spawnChild } from 'xstate'
import { fail, family, makeGate, schedule, seen, visits } from './parts.ts'

export const promiseCases = family('promises', {
  'a promise that is resolved at once': {
    makeMachine: (note) =>
      setup({
        actors: { load: fromPromise(async ({ input }: { input: { n: number } }) => input.n * 2) }
      }).createMachine({
        id: 'atOnce',
        context: { n: 1 },
        initial: 'idle',
        states: {
          idle: { on: { GO: 'busy' } },
          busy: {
            ...visits(note, 'busy'),
            invoke: {
              src: 'load',
              id: 'load',
              input: ({ context }) => ({ n: context['n'] }),
              onDone: { target: 'idle', actions: [assign({ n: ({ event }) => event.output }), seen(note, 'done')] }
            }
          }
        }
      }),
    steps: schedule('GO GO UNKNOWN GO')
  },

  'a promise under way while events come, and time passes': {
    makeMachine: (note) => {
      const gate = makeGate<{ at: Date }>()
      return setup({ actors: { load: fromPromise(() => gate.opened) } }).createMachine({
        id: 'underWay',
        context: { n: 0 },
        initial: 'busy',
        states: {
          busy: {
            invoke: { src: 'load', id: 'load', onDone: { target: 'over', actions: seen(note, 'done') } },
            after: { 20: { actions: () => note('still') } },
            on: {
              ADD: { actions: assign({ n: ({ context }) => context['n'] + 1 }) },
              OPEN: { actions: () => gate.open({ at: new Date(5) }) }
            }
          },
          over: { on: { ADD: { actions: assign({ n: -1 }) } } }
        }
      })
    },
    steps: schedule('ADD', 20, 'ADD OPEN ADD')
  },

  'a promise that is rejected': {
    makeMachine: (note) =>
      setup({ actors: { load: fromPromise(async () => fail('no such thing')()) } }).createMachine({
        id: 'rejected',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'busy' } },
          busy: { invoke: { src: 'load', id: 'load', onError: { target: 'broken', actions: seen(note, 'error') } } },
          broken: { on: { GO: 'busy' } }
        }
      }),
    steps: schedule('GO GO GO')
  },

  'a promise that is rejected while under way': {
    makeMachine: (note) => {
      const gate = makeGate()
      return setup({ actors: { load: fromPromise(() => gate.opened) } }).createMachine({
        id: 'later',
        initial: 'busy',
        states: {
          busy: {
            invoke: { src: 'load', id: 'load', onError: { target: 'broken', actions: seen(note, 'error') } },
            on: { REFUSE: { actions: () => gate.refuse(new RangeError('too much')) } }
          },
          broken: { on: { UNKNOWN: 'broken' } }
        }
      })
    },
    steps: schedule('UNKNOWN', 10, 'REFUSE UNKNOWN')
  },

  'a rejection that nobody hears fails the machine': {
    makeMachine: () =>
      setup({ actors: { load: fromPromise(async () => fail('unheard')()) } }).createMachine({
        id: 'unheard',
        initial: 'idle',
        states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { src: 'load', id: 'load' } } }
      }),
    steps: schedule('UNKNOWN GO GO')
  },

  'a promise whose state is left is aborted, and heard no more': {
    makeMachine: (note) => {
      const gate = makeGate()
      return setup({
        actors: {
          load: fromPromise(({ signal }) => {
            signal.addEventListener('abort', () => note('aborted'))
            return gate.opened
          })
        }
      }).createMachine({
        id: 'left',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'busy', OPEN: { actions: () => gate.open('late') } } },
          busy: { invoke: { src: 'load', id: 'load', onDone: { actions: seen(note, 'done') } }, on: { STOP: 'idle' } }
        }
      })
    },
    steps: schedule('GO STOP OPEN STOP')
  },

  'a promise that is started again when its state is entered again': {
    makeMachine: (note) => {
      let starts = 0
      return setup({ actors: { load: fromPromise(async () => ++starts) } }).createMachine({
        id: 'again',
        initial: 'busy',
        states: {
          busy: {
            invoke: {
              src: 'load',
              id: 'load',
              onDone: { target: 'idle', actions: ({ event }) => note('start', event.output) }
            }
          },
          idle: { on: { GO: 'busy' } }
        }
      })
    },
    steps: schedule('UNKNOWN GO UNKNOWN GO')
  },

  'two promises, of which the second is done first': {
    makeMachine: (note) => {
      const [first, second] = [makeGate(), makeGate()]
      return setup({
        actors: { one: fromPromise(() => first.opened), two: fromPromise(() => second.opened) }
      }).createMachine({
        id: 'two',
        type: 'parallel',
        states: {
          a: {
            initial: 'on',
            states: {
              on: { invoke: { src: 'one', id: 'one', onDone: 'off' } },
              off: { type: 'final', entry: () => note('one') }
            }
          },
          b: {
            initial: 'on',
            states: {
              on: { invoke: { src: 'two', id: 'two', onDone: 'off' } },
              off: { type: 'final', entry: () => note('two') }
            }
          }
        },
        on: { ONE: { actions: () => first.open('1') }, TWO: { actions: () => second.open('2') } }
      })
    },
    steps: schedule('UNKNOWN TWO UNKNOWN ONE')
  },

  'the output of a promise with rich values': {
    makeMachine: (note) =>
      setup({
        actors: { load: fromPromise(async () => ({ at: new Date(1), ids: new Set([1n]), none: undefined })) }
      }).createMachine({
        id: 'rich',
        context: { loaded: undefined },
        initial: 'busy',
        states: {
          busy: {
            invoke: {
              src: 'load',
              id: 'load',
              onDone: { target: 'idle', actions: assign({ loaded: ({ event }) => event.output }) }
            }
          },
          idle: { on: { LOOK: { actions: seen(note, 'look') } } }
        }
      }),
    steps: schedule('LOOK UNKNOWN LOOK')
  },

  'a promise in a child machine': {
    makeMachine: (note) => {
      const gate = makeGate()
      const worker = setup({ actors: { load: fromPromise(() => gate.opened) } }).createMachine({
        id: 'worker',
        initial: 'busy',
        states: {
          busy: {
            invoke: { src: 'load', id: 'load', onDone: { target: 'idle', actions: seen(note, 'loaded') } },
            on: { OPEN: { actions: () => gate.open('done') } }
          },
          idle: { type: 'final' }
        },
        output: 'worked'
      })
      return setup({ actors: { worker } }).createMachine({
        id: 'boss',
        initial: 'on',
        states: {
          on: { invoke: { src: 'worker', id: 'worker', onDone: { target: 'off', actions: seen(note, 'done') } } },
          off: {}
        },
        on: { OPEN: { actions: sendTo('worker', { type: 'OPEN' }) } }
      })
    },
    steps: schedule('UNKNOWN OPEN UNKNOWN')
  },

  'a spawned promise whose done event is taken by its type': {
    makeMachine: (note) =>
      setup({ actors: { load: fromPromise(async () => 'loaded') } }).createMachine({
        id: 'spawned',
        on: {
          GO: { actions: spawnChild('load', { id: 'load' }) },
          'xstate.done.actor.load': { actions: seen(note, 'done') }
        }
      }),
    steps: schedule('GO UNKNOWN GO')
  },

  'a promise that takes longer than its state waits': {
    makeMachine: (note) => {
      const gate = makeGate()
      return setup({ actors: { load: fromPromise(() => gate.opened) } }).createMachine({
        id: 'tooSlow',
        initial: 'busy',
        states: {
          busy: {
            invoke: { src: 'load', id: 'load', onDone: 'loaded' },
            after: { 100: { target: 'tooSlow', actions: () => note('too slow') } }
          },
          loaded: {},
          tooSlow: { on: { OPEN: { actions: () => gate.open('late') } } }
        }
      })
    },
    steps: schedule(50, 50, 'OPEN UNKNOWN')
  }
})

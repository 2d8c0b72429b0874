/** Time in child machines, and delays that are computed or named where they are used. */
import { assign, cancel, createMachine, forwardTo, raise, sendParent, sendTo, setup } from 'xstate'
import { makeTicker } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'

export const childTimerCases = family('timers', {
  'the timers of a child go on while all are out of memory': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'timed',
        initial: 'on',
        states: {
          on: {
            invoke: { src: 'ticker', id: 'ticker', onDone: { target: 'off', actions: seen(note, 'done') } },
            on: { TICKED: { actions: seen(note, 'ticked') } }
          },
          off: { on: { ON: 'on' } }
        }
      }),
    steps: schedule(5, 5, 10, 'UNKNOWN', 9, 1, 'ON', 30)
  },

  'the timers of a child end with it': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'stops',
        initial: 'on',
        states: {
          on: { invoke: { src: 'ticker', id: 'ticker' }, on: { OFF: 'off' }, after: { 25: 'off' } },
          off: { on: { ON: 'on' } }
        },
        on: { TICKED: { actions: seen(note, 'ticked') } }
      }),
    steps: schedule(10, 'OFF', 20, 'ON', 10, 10, 5, 30)
  },

  'a child within a child within a child, each with a timer': {
    makeMachine: (note) => {
      const leaf = createMachine({
        id: 'leaf',
        initial: 'a',
        states: { a: { after: { 30: 'b' } }, b: { type: 'final', entry: () => note('leaf') } },
        output: 'leaf'
      })
      const branch = setup({ actors: { leaf } }).createMachine({
        id: 'branch',
        initial: 'a',
        states: {
          a: { invoke: { src: 'leaf', id: 'leaf', onDone: { target: 'b', actions: sendParent({ type: 'BUDDED' }) } } },
          b: { after: { 10: 'c' } },
          c: { type: 'final', entry: () => note('branch') }
        },
        output: 'branch'
      })
      return setup({ actors: { branch } }).createMachine({
        id: 'tree',
        initial: 'a',
        states: {
          a: { invoke: { src: 'branch', id: 'branch', onDone: { target: 'b', actions: seen(note, 'done') } } },
          b: {}
        },
        on: { BUDDED: { actions: seen(note, 'budded') } }
      })
    },
    steps: schedule(10, 10, 10, 5, 5)
  },

  'one timer id in a parent and in its child': {
    makeMachine: (note) => {
      const timed = (id: string) =>
        ({
          SET: { actions: raise({ type: 'RANG' }, { id: 'alarm', delay: 20 }) },
          RANG: { actions: () => note(`${id} rang`) }
        }) as const
      const child = createMachine({
        id: 'child',
        on: { ...timed('child'), CANCEL_CHILD: { actions: cancel('alarm') } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'child' },
        on: {
          ...timed('parent'),
          SET_CHILD: { actions: sendTo('child', { type: 'SET' }) },
          CANCEL: { actions: cancel('alarm') },
          CANCEL_CHILD: { actions: forwardTo('child') }
        }
      })
    },
    steps: schedule('SET SET_CHILD CANCEL', 20, 'SET SET_CHILD CANCEL_CHILD', 20, 'SET', 5, 'SET_CHILD', 20)
  },

  'delays of raise and sendTo, named and computed': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ms: number } }>(),
        delays: { short: 10, ofContext: ({ context }) => context.ms }
      }).createMachine({
        id: 'delays',
        context: { ms: 30 },
        on: {
          SET: {
            actions: [
              raise({ type: 'SHORT' }, { delay: 'short' }),
              sendTo(({ self }) => self, { type: 'OF_CONTEXT' }, { delay: 'ofContext' }),
              raise({ type: 'COMPUTED' }, { delay: ({ context }) => context.ms / 2 }),
              assign({ ms: 40 })
            ]
          },
          SHORT: { actions: seen(note, 'short') },
          OF_CONTEXT: { actions: seen(note, 'of context') },
          COMPUTED: { actions: seen(note, 'computed') }
        }
      }),
    steps: schedule('SET', 10, 5, 15, 'SET', 19, 1, 20)
  },

  'timers of a parent and of its child that are due together': {
    makeMachine: (note) => {
      const child = createMachine({
        id: 'child',
        after: { 20: { actions: [() => note('child'), sendParent({ type: 'RANG' })] } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'both',
        initial: 'a',
        states: {
          a: {
            invoke: { src: 'child', id: 'child' },
            after: { 20: 'b' },
            on: { RANG: { actions: () => note('in a') } }
          },
          b: { on: { RANG: { actions: () => note('in b') }, BACK: 'a' } }
        }
      })
    },
    steps: schedule(10, 10, 'BACK', 19, 1)
  }
})

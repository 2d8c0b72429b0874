/** Time: `after`, delayed raises and sends, and their cancelling. */
import { assign, cancel, createMachine, enqueueActions, raise, sendTo, setup } from 'xstate'
import { anyEvents, family, schedule, seen, types, visits } from './parts.ts'

export const timerCases = family('timers', {
  'after, left in time and not': {
    makeMachine: (note) =>
      createMachine({
        id: 'delays',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'waiting' } },
          waiting: {
            on: { STOP: 'idle' },
            after: { 100: { target: 'late', actions: () => note('late') }, 40: { actions: () => note('soon') } }
          },
          late: { after: { 10: 'idle' } }
        }
      }),
    steps: schedule('GO', 50, 'STOP', 200, 'GO', 99, 1, 9, 1, 'GO', 500)
  },

  'after with a guard, asked when it rings': {
    makeMachine: (note) =>
      createMachine({
        id: 'asked',
        context: { isReady: false },
        initial: 'waiting',
        states: {
          waiting: {
            after: {
              100: [{ guard: ({ context }) => context.isReady, target: 'ready' }, { target: 'again' }]
            },
            on: { READY: { actions: assign({ isReady: true }) } }
          },
          again: { always: { target: 'waiting', actions: () => note('again') } },
          ready: {}
        }
      }),
    steps: schedule(100, 50, 'READY', 49, 1)
  },

  'a delay that is computed when its state is entered': {
    makeMachine: () =>
      setup({
        types: types<{ context: { waitMs: number } }>(),
        delays: { backOff: ({ context }) => context.waitMs, fixed: 30 }
      }).createMachine({
        id: 'backsOff',
        context: { waitMs: 10 },
        initial: 'wait',
        states: {
          wait: { after: { backOff: 'try' } },
          try: {
            entry: assign({ waitMs: ({ context }) => context.waitMs * 2 }),
            on: { FAILED: 'wait' },
            after: { fixed: 'done' }
          },
          done: { type: 'final' }
        }
      }),
    steps: schedule(10, 'FAILED', 10, 10, 'FAILED', 39, 1, 29, 1)
  },

  'a change of context does not move a delay that runs': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ms: number } }>(),
        delays: { some: ({ context }) => context.ms }
      }).createMachine({
        id: 'runs',
        context: { ms: 50 },
        initial: 'a',
        states: {
          a: {
            after: { some: { target: 'a', reenter: true, actions: () => note('rang') } },
            on: { SET: { actions: assign({ ms: 20 }) } }
          }
        }
      }),
    steps: schedule(20, 'SET', 20, 10, 20, 20)
  },

  'a delay read from the event': {
    makeMachine: (note) =>
      setup({ delays: { asked: ({ event }) => event.ms as number } }).createMachine({
        id: 'reads',
        initial: 'idle',
        states: {
          idle: { on: { WAIT: 'waiting' } },
          waiting: { after: { asked: { target: 'idle', actions: () => note('over') } } }
        }
      }),
    steps: schedule({ type: 'WAIT', ms: 70 }, 69, 1, { type: 'WAIT', ms: 5 }, 5)
  },

  'timers that are due together ring in the order in which they were set': {
    makeMachine: (note) =>
      createMachine({
        id: 'together',
        type: 'parallel',
        states: {
          b: { after: { 50: { actions: () => note('b') }, 20: { actions: () => note('b, early') } } },
          a: { after: { 50: { actions: () => note('a') } } },
          c: { on: { SET: { actions: raise({ type: 'RANG' }, { delay: 30 }) }, RANG: { actions: () => note('c') } } }
        }
      }),
    steps: schedule(20, 'SET', 29, 1)
  },

  'timers that are due at different times, all in one move of the clock': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'oneMove',
        on: {
          SET: {
            actions: [30, 10, 20, 10].map((delay, n) => raise({ type: 'RANG', n }, { delay, id: `timer ${n}` }))
          },
          RANG: { actions: ({ event }) => note('rang', event['n']) }
        }
      }),
    steps: schedule('SET', 100, 'SET', 15, 'SET', 100)
  },

  'the first of two timers leaves the state of the second': {
    makeMachine: (note) =>
      createMachine({
        id: 'leaves',
        initial: 'a',
        states: {
          a: { after: { 10: 'b', 11: { actions: () => note('never') } } },
          b: { after: { 5: { actions: () => note('b') } }, on: { BACK: 'a' } }
        }
      }),
    steps: schedule(10, 1, 4, 'BACK', 9, 'BACK', 20)
  },

  'timers of several levels, and the one that is left': {
    makeMachine: (note) =>
      createMachine({
        id: 'levels',
        initial: 'p',
        states: {
          p: {
            after: { 100: 'over' },
            initial: 'a',
            states: { a: { ...visits(note, 'a'), after: { 30: 'b' } }, b: { ...visits(note, 'b'), after: { 30: 'a' } } }
          },
          over: { type: 'final' }
        }
      }),
    steps: schedule(30, 30, 30, 9, 1)
  },

  'delayed raises, cancelled by id, and one id used twice': {
    makeMachine: (note) =>
      createMachine({
        id: 'raises',
        on: {
          SET: { actions: raise({ type: 'RANG' }, { id: 'alarm', delay: 10 }) },
          CANCEL: { actions: cancel('alarm') },
          RANG: { actions: () => note('rang') }
        }
      }),
    steps: schedule('SET CANCEL', 20, 'SET', 5, 'SET CANCEL', 20, 'SET', 5, 'SET', 6, 'CANCEL', 20)
  },

  'a delayed raise without an id outlives its state': {
    makeMachine: (note) =>
      createMachine({
        id: 'outlives',
        initial: 'a',
        states: {
          a: {
            entry: raise({ type: 'LATER' }, { delay: 40 }),
            on: { NEXT: 'b', LATER: { actions: () => note('in a') } }
          },
          b: { on: { BACK: 'a', LATER: { actions: () => note('in b') } } }
        }
      }),
    steps: schedule(10, 'NEXT', 30, 'BACK', 20, 'NEXT BACK', 20, 20)
  },

  'one of several timers is cancelled, by an expression': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'named',
        on: {
          TEA: { actions: raise({ type: 'RANG', of: 'tea' }, { delay: 25, id: 'alarm tea' }) },
          EGG: { actions: raise({ type: 'RANG', of: 'egg' }, { delay: 25, id: 'alarm egg' }) },
          CANCEL: { actions: cancel(({ event }) => `alarm ${event['of']}`) },
          RANG: { actions: ({ event }) => note('rang', event['of']) }
        }
      }),
    steps: schedule('TEA', 5, 'EGG', { type: 'CANCEL', of: 'tea' }, { type: 'CANCEL', of: 'nothing' }, 25)
  },

  'a delayed event to oneself keeps the values of its making': {
    makeMachine: (note) =>
      createMachine({
        id: 'keeps',
        context: { n: 1 },
        on: {
          SET: {
            actions: [
              sendTo(
                ({ self }) => self,
                ({ context }) => ({ type: 'HEARD', n: context.n, at: new Date(0) }),
                { delay: 20 }
              ),
              assign({ n: ({ context }) => context.n + 1 })
            ]
          },
          HEARD: { actions: seen(note, 'heard') }
        }
      }),
    steps: schedule('SET', 5, 'SET', 15, 5)
  },

  'a delay of nothing rings after all that is at hand': {
    makeMachine: (note) =>
      createMachine({
        id: 'nothing',
        initial: 'a',
        states: {
          a: {
            on: {
              GO: { target: 'b', actions: [raise({ type: 'SOON' }, { delay: 0 }), raise({ type: 'NOW' })] }
            }
          },
          b: { on: { NOW: { actions: () => note('now') }, SOON: { target: 'a', actions: () => note('soon') } } }
        }
      }),
    steps: schedule('GO', 0, 1, 'GO', 1)
  },

  'timers set and cancelled by enqueueActions': {
    makeMachine: (note) =>
      createMachine({
        id: 'enqueued',
        context: { isArmed: false },
        on: {
          TOGGLE: {
            actions: enqueueActions(({ enqueue, context }) => {
              if (context.isArmed) enqueue.cancel('alarm')
              else enqueue.raise({ type: 'ALARM' }, { id: 'alarm', delay: 60 })
              enqueue.assign({ isArmed: !context.isArmed })
            })
          },
          ALARM: { actions: [assign({ isArmed: false }), seen(note, 'alarm')] }
        }
      }),
    steps: schedule('TOGGLE', 30, 'TOGGLE', 60, 'TOGGLE', 59, 1, 'TOGGLE', 60)
  },

  'a poll that sets itself again': {
    makeMachine: (note) =>
      createMachine({
        id: 'polls',
        context: { n: 0 },
        initial: 'wait',
        states: {
          wait: { after: { 10: { guard: ({ context }) => context.n < 4, target: 'poll' } } },
          poll: {
            entry: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => note(`poll ${context.n}`)],
            always: 'wait'
          }
        }
      }),
    steps: schedule(10, 10, 5, 5, 10, 50)
  },

  'timers end with their machine': {
    makeMachine: (note) =>
      createMachine({
        id: 'ends',
        initial: 'on',
        entry: raise({ type: 'LATE' }, { delay: 100 }),
        on: { LATE: { actions: () => note('too late') } },
        states: {
          on: { after: { 50: { actions: () => note('in time') } }, on: { END: 'off' } },
          off: { type: 'final' }
        }
      }),
    steps: schedule(50, 'END', 50, 50)
  }
})

/** Which transition is taken: wildcards, forbidden ones, targets and none, always. */
import { assign, createMachine, raise } from 'xstate'
import { family, schedule, seen, visits } from './parts.ts'

export const transitionCases = family('transitions', {
  'wildcards and partial wildcards': {
    makeMachine: (note) =>
      createMachine({
        id: 'stars',
        initial: 'a',
        states: {
          a: {
            on: {
              'order.*': { actions: ({ event }) => note(`order: ${event.type}`) },
              'order.paid': { actions: () => note('paid') }
            }
          }
        },
        on: { '*': { actions: ({ event }) => note(`any: ${event.type}`) } }
      }),
    steps: schedule('order order.paid order.paid.late ordered x')
  },

  'the longer of two partial wildcards is asked first': {
    makeMachine: (note) =>
      createMachine({
        id: 'longer',
        context: { isLate: false },
        on: {
          'a.*': { actions: () => note('a.*') },
          'a.b.*': { guard: ({ context }) => context.isLate, actions: () => note('a.b.*') },
          '*': { actions: () => note('*') },
          LATE: { actions: assign({ isLate: true }) }
        }
      }),
    steps: schedule('a a.b a.b.c LATE a.b a.b.c b')
  },

  'a wildcard does not hear what the machine says to itself': {
    makeMachine: (note) =>
      createMachine({
        id: 'itself',
        initial: 'a',
        states: {
          a: {
            after: { 10: 'b' },
            on: { '*': { actions: seen(note, 'any') }, SAY: { actions: raise({ type: 'SAID' }) } }
          },
          b: { entry: () => note('enter b') }
        }
      }),
    steps: schedule('SAY X', 10, 'X')
  },

  'a forbidden transition hides that of the state above': {
    makeMachine: (note) =>
      createMachine({
        id: 'forbidden',
        initial: 'free',
        on: { GO: { actions: () => note('went') } },
        states: {
          free: { on: { LOCK: 'locked' } },
          locked: { on: { GO: {}, UNLOCK: 'free' } }
        }
      }),
    steps: schedule('GO LOCK GO UNLOCK GO')
  },

  'a guard that says no lets the state above answer': {
    makeMachine: (note) =>
      createMachine({
        id: 'above',
        context: { n: 0 },
        initial: 'a',
        on: { GO: { actions: [() => note('above'), assign({ n: ({ context }) => context.n + 1 })] } },
        states: { a: { on: { GO: { guard: ({ context }) => context.n >= 2, target: 'b' } } }, b: {} }
      }),
    steps: schedule('GO GO GO GO')
  },

  'the first of several candidates whose guard says yes': {
    makeMachine: (note) =>
      createMachine({
        id: 'first',
        context: { n: 0 },
        initial: 'low',
        states: {
          low: {
            on: {
              ADD: [
                { guard: ({ context, event }) => context.n + (event.by as number) > 20, target: 'over' },
                { guard: ({ context }) => context.n >= 10, target: 'high', actions: () => note('high') },
                { actions: assign({ n: ({ context, event }) => context.n + (event.by as number) }) }
              ]
            }
          },
          high: { on: { ADD: 'low' } },
          over: { type: 'final' }
        }
      }),
    steps: schedule(...[4, 7, 1, 1, 100].map((by) => ({ type: 'ADD', by })))
  },

  'a targetless transition leaves no state, an outer one does only with reenter': {
    makeMachine: (note) =>
      createMachine({
        id: 'reenters',
        initial: 'p',
        states: {
          p: {
            ...visits(note, 'p'),
            initial: 'a',
            states: { a: { ...visits(note, 'a'), on: { NEXT: 'b' } }, b: visits(note, 'b') },
            on: {
              STAY: { actions: () => note('stay') },
              INSIDE: { target: '.a' },
              SELF: { target: 'p' },
              AGAIN: { target: 'p', reenter: true },
              DOWN: { target: '.b', reenter: true }
            }
          }
        }
      }),
    steps: schedule('STAY NEXT STAY INSIDE NEXT SELF AGAIN DOWN')
  },

  'a leaf that goes to itself': {
    makeMachine: (note) =>
      createMachine({
        id: 'leaf',
        initial: 'a',
        states: {
          a: {
            ...visits(note, 'a'),
            after: { 50: { actions: () => note('rang') } },
            on: { SELF: 'a', AGAIN: { target: 'a', reenter: true } }
          }
        }
      }),
    steps: schedule(30, 'SELF', 20, 'AGAIN', 30, 20, 'SELF', 50)
  },

  'the root answers for every state, and leads anywhere': {
    makeMachine: (note) =>
      createMachine({
        id: 'root',
        ...visits(note, 'root'),
        initial: 'a',
        states: { a: visits(note, 'a'), b: { ...visits(note, 'b'), on: { HOME: { actions: () => note('no') } } } },
        on: { HOME: '.a', AWAY: '.b' }
      }),
    steps: schedule('AWAY HOME AWAY HOME AWAY AWAY')
  },

  'always, in a chain': {
    makeMachine: (note) =>
      createMachine({
        id: 'chain',
        context: { n: 0 },
        initial: 'idle',
        states: {
          idle: { on: { GO: { target: 'one', actions: assign({ n: ({ context }) => context.n + 1 }) } } },
          one: { ...visits(note, 'one'), always: 'two' },
          two: { ...visits(note, 'two'), always: [{ guard: ({ context }) => context.n > 1, target: 'three' }, 'idle'] },
          three: { entry: seen(note, 'three'), on: { GO: 'idle' } }
        }
      }),
    steps: schedule('GO GO GO GO')
  },

  'always without a target, until its guard says no': {
    makeMachine: (note) =>
      createMachine({
        id: 'counts',
        context: { n: 3 },
        always: {
          guard: ({ context }) => context.n % 5 !== 0,
          actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => note(`now ${context.n}`)]
        },
        on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
      }),
    steps: schedule('ADD ADD UNKNOWN')
  },

  'always on the way in, from the state above': {
    makeMachine: (note) =>
      createMachine({
        id: 'wayIn',
        context: { isOpen: false },
        initial: 'outside',
        states: {
          outside: {
            on: { ENTER: 'house', TOGGLE: { actions: assign({ isOpen: ({ context }) => !context.isOpen }) } }
          },
          house: {
            initial: 'hall',
            always: { guard: ({ context }) => !context.isOpen, target: 'outside', actions: () => note('closed') },
            states: { hall: { always: 'room' }, room: visits(note, 'room') },
            on: { LEAVE: 'outside' }
          }
        }
      }),
    steps: schedule('ENTER TOGGLE ENTER LEAVE TOGGLE ENTER')
  },

  'raised events come before always has settled, and after': {
    makeMachine: (note) =>
      createMachine({
        id: 'settles',
        initial: 'a',
        states: {
          a: { on: { GO: { target: 'b', actions: [raise({ type: 'FIRST' }), raise({ type: 'SECOND' })] } } },
          b: { always: 'c', on: { FIRST: { actions: () => note('first in b') } } },
          c: {
            on: { FIRST: { actions: [() => note('first in c'), raise({ type: 'THIRD' })] }, SECOND: 'd' }
          },
          d: { on: { THIRD: { actions: () => note('third in d') }, GO: 'a' } }
        }
      }),
    steps: schedule('GO GO GO')
  },

  'actions see the event of their transition, on all sides of it': {
    makeMachine: (note) =>
      createMachine({
        id: 'sides',
        initial: 'a',
        states: {
          a: {
            entry: seen(note, 'enter a'),
            exit: seen(note, 'exit a'),
            on: { GO: { target: 'b', actions: seen(note, 'between') } }
          },
          b: {
            entry: seen(note, 'enter b'),
            exit: seen(note, 'exit b'),
            always: { guard: () => false, target: 'a' },
            on: { GO: 'a' }
          }
        }
      }),
    steps: schedule({ type: 'GO', by: 'Ada' }, { type: 'GO', by: 'Bob' }, 'GO')
  },

  'actions of an initial transition': {
    makeMachine: (note) =>
      createMachine({
        id: 'initial',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'busy', DEEP: '#deep' } },
          busy: {
            ...visits(note, 'busy'),
            initial: { target: 'a', actions: seen(note, 'initially') },
            states: { a: visits(note, 'a'), b: { id: 'deep', ...visits(note, 'b') } },
            on: { STOP: 'idle' }
          }
        }
      }),
    steps: schedule('GO STOP DEEP STOP GO')
  }
})

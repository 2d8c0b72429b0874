/** What fails: guards, assigns, expressions, children; who hears of it, and what is left. */
import { type AnyActorRef, assign, createMachine, emit, fromCallback, raise, sendTo, setup } from 'xstate'
import { makeCounter } from './kin.ts'
import { fail, family, schedule, seen, types, visits } from './parts.ts'

export const errorCases = family('errors', {
  'a guard that throws': {
    makeMachine: (note) =>
      createMachine({
        id: 'guarded',
        on: { GO: { actions: () => note('went') }, BREAK: { guard: fail('broken') } }
      }),
    steps: schedule('GO BREAK GO')
  },

  'an assign that throws, after an action': {
    makeMachine: (note) =>
      createMachine({
        id: 'throws',
        context: { n: 1 },
        on: { GO: { actions: [() => note('before'), assign({ n: fail('no number') }), () => note('after')] } }
      }),
    steps: schedule('GO GO')
  },

  'a guard of always that throws, on the way in': {
    makeMachine: (note) =>
      createMachine({
        id: 'always',
        initial: 'a',
        states: {
          a: { on: { GO: 'b' } },
          b: { ...visits(note, 'b'), always: { guard: fail('never asked'), target: 'a' } }
        }
      }),
    steps: schedule('UNKNOWN GO GO')
  },

  'an error with fields, as the end of a machine': {
    makeMachine: () =>
      createMachine({
        id: 'fields',
        on: {
          BREAK: {
            guard: () => {
              throw Object.assign(new TypeError('bad', { cause: new Error('why') }), { code: 7 })
            }
          }
        }
      }),
    steps: schedule('UNKNOWN BREAK UNKNOWN')
  },

  'an expression for an emitted event that throws': {
    makeMachine: (note) =>
      createMachine({
        id: 'emits',
        on: { GO: { actions: [() => note('before'), emit(fail('no event')), () => note('after')] } }
      }),
    steps: schedule('UNKNOWN GO GO')
  },

  'a delay that throws': {
    makeMachine: () =>
      setup({ delays: { some: fail('no time') } }).createMachine({
        id: 'delay',
        initial: 'a',
        states: { a: { on: { GO: 'b' } }, b: { after: { some: 'a' } } }
      }),
    steps: schedule('UNKNOWN GO', 10)
  },

  'an output that throws': {
    makeMachine: () =>
      createMachine({
        id: 'output',
        initial: 'a',
        states: { a: { on: { GO: 'b' } }, b: { type: 'final' } },
        output: fail('no output')
      }),
    steps: schedule('UNKNOWN GO GO')
  },

  'a context that cannot be made': {
    makeMachine: (note) =>
      createMachine({ id: 'context', context: fail('no context'), on: { GO: { actions: () => note('went') } } }),
    steps: schedule('GO GO')
  },

  'timers of a machine that failed': {
    makeMachine: (note) =>
      createMachine({
        id: 'timers',
        initial: 'a',
        on: { BREAK: { guard: fail('broken') }, LATE: { actions: () => note('late') } },
        states: { a: { entry: raise({ type: 'LATE' }, { delay: 20 }), after: { 10: 'b' } }, b: {} }
      }),
    steps: schedule(5, 'BREAK', 5, 10)
  },

  'a child that fails, heard and unheard': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'hears',
        initial: 'first',
        states: {
          first: {
            invoke: { src: 'counter', id: 'child', onError: { target: 'second', actions: () => note('heard') } }
          },
          second: { invoke: { src: 'counter', id: 'child' } }
        },
        on: { BREAK: { actions: sendTo('child', { type: 'BREAK' }) } }
      }),
    steps: schedule('BREAK BREAK BREAK')
  },

  'a child that fails stays in the list of children, if nobody leaves': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'stays',
        initial: 'on',
        states: {
          on: {
            invoke: { src: 'counter', id: 'child', onError: { actions: seen(note, 'heard') } },
            on: { AGAIN: { target: 'on', reenter: true } }
          }
        },
        on: { BREAK: { actions: sendTo('child', { type: 'BREAK' }) }, UP: { actions: sendTo('child', { type: 'UP' }) } }
      }),
    steps: schedule('UP BREAK UP AGAIN UP')
  },

  'a failure that no child hears reaches the root': {
    makeMachine: (note) => {
      const middle = setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'middle',
        invoke: { src: 'counter', id: 'child' },
        on: { BREAK: { actions: sendTo('child', { type: 'BREAK' }) }, COUNTED: {} }
      })
      return setup({ actors: { middle } }).createMachine({
        id: 'top',
        initial: 'on',
        states: {
          on: { invoke: { src: 'middle', id: 'middle', onError: { target: 'off', actions: seen(note, 'heard') } } },
          off: {}
        },
        on: { BREAK: { actions: sendTo('middle', { type: 'BREAK' }) } }
      })
    },
    steps: schedule('UNKNOWN BREAK UNKNOWN')
  },

  'a child whose context cannot be made': {
    makeMachine: (note) => {
      const unborn = createMachine({ id: 'unborn', context: fail('no context') })
      return setup({ actors: { unborn } }).createMachine({
        id: 'parent',
        initial: 'a',
        states: {
          a: { on: { GO: 'b' } },
          b: { invoke: { src: 'unborn', id: 'child', onError: { target: 'c', actions: seen(note, 'heard') } } },
          c: { on: { GO: 'a' } }
        }
      })
    },
    steps: schedule('UNKNOWN GO GO')
  },

  'a spawned child that fails': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'spawned',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child' }) }),
        on: {
          BREAK: { actions: sendTo(({ context }) => context.ref, { type: 'BREAK' }) },
          'xstate.error.actor.child': { actions: seen(note, 'heard') },
          LOOK: { actions: ({ context }) => note('status', context.ref.getSnapshot().status) }
        }
      }),
    steps: schedule('LOOK BREAK LOOK UNKNOWN')
  },

  'an action of a child that throws takes nothing from its parent, nor from another child': {
    makeMachine: (note) => {
      const breaks = createMachine({ id: 'breaks', on: { CALL: { actions: fail('broken') } } })
      const works = createMachine({ id: 'works', on: { CALL: { actions: () => note('works') } } })
      return setup({ actors: { breaks, works } }).createMachine({
        id: 'parentOf',
        initial: 'on',
        states: {
          on: { invoke: { src: 'breaks', id: 'breaks', onError: { target: 'off', actions: seen(note, 'heard') } } },
          off: {}
        },
        invoke: { src: 'works', id: 'works' },
        on: {
          GO: { actions: [sendTo('breaks', { type: 'CALL' }), sendTo('works', { type: 'CALL' }), () => note('sent')] }
        }
      })
    },
    steps: schedule('UNKNOWN GO UNKNOWN')
  },

  'a callback that throws as it begins does not keep another from beginning': {
    makeMachine: (note) =>
      setup({
        actors: {
          broken: fromCallback(fail('broken')),
          works: fromCallback(({ sendBack }) => {
            note('works')
            sendBack({ type: 'WORKS' })
          })
        }
      }).createMachine({
        id: 'two',
        initial: 'off',
        states: {
          off: { on: { ON: 'on' } },
          on: {
            invoke: [
              { src: 'broken', id: 'a', onError: { actions: seen(note, 'error') } },
              { src: 'works', id: 'b' }
            ],
            on: { WORKS: { actions: seen(note, 'heard') }, OFF: 'off' }
          }
        }
      }),
    steps: schedule('ON UNKNOWN OFF ON')
  }
})

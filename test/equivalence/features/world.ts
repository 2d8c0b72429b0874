/** What machines and their children emit, and what they find in the system about them. */
import { type AnyActorRef, createMachine, createActor, emit, forwardTo, fromPromise, sendTo, setup } from 'xstate'
import { makeCounter } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'

export const worldCases = family('world', {
  'what a child machine emits is not emitted by its parent': {
    makeMachine: (note) => {
      const child = createMachine({
        id: 'child',
        on: { CALL: { actions: [emit({ type: 'by the child' }), () => note('emitted')] } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'child' },
        on: { CALL: { actions: forwardTo('child') }, SPEAK: { actions: emit({ type: 'by the parent' }) } }
      })
    },
    steps: schedule('CALL SPEAK CALL')
  },

  'what a promise emits is not emitted by its parent': {
    makeMachine: () =>
      setup({
        actors: {
          load: fromPromise<string, undefined, { type: string }>(async ({ emit }) => {
            emit({ type: 'progress' })
            return 'loaded'
          })
        }
      }).createMachine({
        id: 'loads',
        initial: 'idle',
        states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { src: 'load', id: 'load', onDone: 'idle' } } }
      }),
    steps: schedule('GO UNKNOWN GO')
  },

  'the actors that a system knows by name': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'knows',
        invoke: { src: 'counter', id: 'a', systemId: 'the counter', input: { from: 3 } },
        on: {
          LOOK: {
            actions: ({ system }) => {
              const counter = system.get('the counter') as AnyActorRef
              note('counter', [counter.id, counter.getSnapshot().context])
            }
          },
          UP: { actions: sendTo('a', { type: 'UP' }) }
        }
      }),
    steps: schedule('LOOK UP LOOK')
  },

  'self, its snapshot and its children, in an action': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'looks',
        initial: 'a',
        states: { a: { on: { GO: 'b' } }, b: { invoke: { src: 'counter', id: 'child' }, on: { GO: 'a' } } },
        on: {
          LOOK: {
            actions: ({ self }) => {
              const { value, children, status } = self.getSnapshot()
              note('self', {
                value,
                status,
                children: Object.keys(children),
                canGo: self.getSnapshot().can({ type: 'GO' })
              })
            }
          }
        }
      }),
    steps: schedule('LOOK GO LOOK GO LOOK')
  },

  'the parent, in an action of a child': {
    makeMachine: (note) => {
      const child = createMachine({
        id: 'child',
        on: { CALL: { actions: ({ self }) => self._parent?.send({ type: 'HEARD', by: self.id }) } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'kid' },
        on: { CALL: { actions: sendTo('kid', { type: 'CALL' }) }, HEARD: { actions: seen(note, 'heard') } }
      })
    },
    steps: schedule('CALL CALL')
  },

  'ids of actors, as an action sees them': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'ids',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'mine' }) }),
        invoke: { src: 'counter' },
        on: {
          LOOK: {
            actions: ({ context, self }) =>
              note('ids', [context.ref.id, Object.keys(self.getSnapshot().children).length])
          }
        }
      }),
    steps: schedule('LOOK UNKNOWN LOOK')
  },

  'a child that was spawned without an id, and is known by its reference': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef | undefined } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'nameless',
        context: ({ spawn }) => ({ ref: spawn('counter') }),
        on: {
          UP: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'UP' }) },
          COUNTED: { actions: ({ event }) => note('counted', event.count) }
        }
      }),
    differsBy: '`self.id` and `sessionId`',
    steps: schedule('UP UP UP')
  },

  'an actor outside of the machine is sent events': {
    makeMachine: (note) => {
      const outside = createActor(
        createMachine({ id: 'outside', on: { CALL: { actions: ({ event }) => note('outside', event) } } })
      ).start()
      return createMachine({
        id: 'calls',
        on: { GO: { actions: [() => note('before'), sendTo(outside, { type: 'CALL', n: 1 }), () => note('after')] } }
      })
    },
    steps: schedule('GO GO')
  }
})

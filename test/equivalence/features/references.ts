/** References to actors in odd places: to oneself, to a parent, to a grandchild, in delayed events. */
import { type AnyActorRef, assign, raise, sendParent, sendTo, setup, stopChild } from 'xstate'
import type { Note } from '../case.ts'
import { makeCounter } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'

export const referenceCases = family('references', {
  'a reference to oneself in context': {
    makeMachine: (note) =>
      setup({ types: types<{ context: { me: AnyActorRef } }>() }).createMachine({
        id: 'me',
        context: ({ self }) => ({ me: self }),
        on: {
          CALL: { actions: sendTo(({ context }) => context.me, { type: 'HEARD' }) },
          LATER: { actions: sendTo(({ context }) => context.me, { type: 'HEARD' }, { delay: 10 }) },
          HEARD: { actions: ({ context, self }) => note('heard', context.me === self) }
        }
      }),
    steps: schedule('CALL LATER', 10, 'CALL')
  },

  'a reference to the parent in the context of a child': {
    makeMachine: (note) => {
      const child = setup({
        types: types<{ context: { boss: AnyActorRef }; input: { boss: AnyActorRef } }>()
      }).createMachine({
        id: 'child',
        context: ({ input }) => ({ boss: input.boss }),
        on: { CALL: { actions: sendTo(({ context }) => context.boss, { type: 'HEARD' }) } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'boss',
        invoke: { src: 'child', id: 'child', input: ({ self }) => ({ boss: self }) },
        on: { CALL: { actions: sendTo('child', { type: 'CALL' }) }, HEARD: { actions: seen(note, 'heard') } }
      })
    },
    steps: schedule('CALL CALL')
  },

  'a reference to a grandchild, handed up by an event': {
    makeMachine: (note) => {
      const counter = makeCounter(note)
      const middle = setup({ types: types<{ context: { ref: AnyActorRef } }>(), actors: { counter } }).createMachine({
        id: 'middle',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'counter' }) }),
        on: {
          COUNTED: { actions: () => note('middle counted') },
          SHOW: { actions: sendParent(({ context }) => ({ type: 'MEET', ref: context.ref })) }
        }
      })
      const grand = setup({ types: types<{ context: { ref: AnyActorRef | undefined } }>(), actors: { middle } })
      return grand.createMachine({
        id: 'grand',
        context: { ref: undefined },
        invoke: { src: 'middle', id: 'middle' },
        on: {
          SHOW: { actions: sendTo('middle', { type: 'SHOW' }) },
          MEET: { actions: assign({ ref: ({ event }) => event.ref }) },
          UP: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'UP' }) }
        }
      })
    },
    steps: schedule('SHOW UP UNKNOWN UP')
  },

  'a reference in an event that is delayed': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'delayedRef',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child' }) }),
        on: {
          SET: { actions: raise(({ context }) => ({ type: 'RANG', ref: context.ref }), { delay: 10 }) },
          RANG: { actions: sendTo(({ event }) => event.ref as AnyActorRef, { type: 'UP' }) }
        }
      }),
    steps: schedule('SET', 5, 'SET', 5, 5)
  },

  'what a reference shows of a child that is done': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'showsDone',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child', input: { from: 1 } }) }),
        on: {
          END: { actions: sendTo('child', { type: 'END' }) },
          LOOK: { actions: ({ context }) => look(note, context.ref) }
        }
      }),
    steps: schedule('LOOK END LOOK UNKNOWN LOOK')
  },

  'what a reference shows of a child that was stopped': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'showsStopped',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child', input: { from: 1 } }) }),
        on: {
          STOP: { actions: stopChild('child') },
          LOOK: { actions: ({ context }) => look(note, context.ref) }
        }
      }),
    steps: schedule('LOOK STOP LOOK'),
    differsBy: 'A reference to a child that has stopped'
  }
})

function look(note: Note, ref: AnyActorRef): void {
  const { status, value, output, context } = ref.getSnapshot()
  note(ref.id, { status, value, output, context })
}

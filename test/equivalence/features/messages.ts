/** Events between actors: to parent, child and self, by id, by reference, by systemId. */
import {
  type AnyActorRef,
  assign,
  createMachine,
  enqueueActions,
  forwardTo,
  raise,
  sendParent,
  sendTo,
  setup
} from 'xstate'
import { makeCounter } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'
import type { Note } from '../case.ts'

/** Answers each PING of its parent. */
const makePonger = (note: Note) =>
  createMachine({
    id: 'ponger',
    context: { n: 0 },
    on: {
      PING: {
        actions: [
          assign({ n: ({ context }) => context.n + 1 }),
          seen(note, 'ping'),
          sendParent(({ context }) => ({ type: 'PONG', n: context.n }))
        ]
      }
    }
  })

export const messageCases = family('messages', {
  'a child answers its parent, and the parent the child': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'rally',
        invoke: { src: 'ponger', id: 'ponger' },
        on: {
          SERVE: { actions: [sendTo('ponger', { type: 'PING' }), () => note('served')] },
          PONG: {
            guard: ({ event }) => event['n'] % 3 !== 0,
            actions: [seen(note, 'pong'), sendTo('ponger', { type: 'PING' })]
          }
        }
      }),
    steps: schedule('SERVE SERVE SERVE')
  },

  'the event that is forwarded comes with all that it brought': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'forwards',
        invoke: { src: 'ponger', id: 'ponger' },
        on: { PING: { actions: forwardTo('ponger') }, PONG: { actions: seen(note, 'pong') } }
      }),
    steps: schedule({ type: 'PING', at: new Date(3) }, 'PING', { type: 'PING', ids: new Set([1]) })
  },

  'by systemId, from one child to another': {
    makeMachine: (note) => {
      const asker = createMachine({
        id: 'asker',
        on: { ASK: { actions: sendTo(({ system }) => system.get('ponger') as AnyActorRef, { type: 'PING' }) } }
      })
      return setup({ actors: { asker, ponger: makePonger(note) } }).createMachine({
        id: 'siblings',
        invoke: [
          { src: 'ponger', id: 'b', systemId: 'ponger' },
          { src: 'asker', id: 'a' }
        ],
        on: { ASK: { actions: sendTo('a', { type: 'ASK' }) }, PONG: { actions: seen(note, 'pong') } }
      })
    },
    steps: schedule('ASK ASK ASK')
  },

  'a systemId goes with its actor': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'goes',
        initial: 'on',
        states: {
          on: { invoke: { src: 'ponger', id: 'b', systemId: 'ponger' }, on: { OFF: 'off' } },
          off: { on: { ON: 'on' } }
        },
        on: { ASK: { actions: ({ system }) => note('found', system.get('ponger') !== undefined) } }
      }),
    steps: schedule('ASK OFF ASK ON ASK')
  },

  'delayed, to a child': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'delayed',
        invoke: { src: 'ponger', id: 'ponger' },
        on: {
          LATER: { actions: sendTo('ponger', { type: 'PING' }, { delay: 30 }) },
          PONG: { actions: seen(note, 'pong') }
        }
      }),
    steps: schedule('LATER', 10, 'LATER', 20, 10)
  },

  'delayed, to a child that has gone by then': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'gone',
        initial: 'on',
        states: {
          on: {
            invoke: { src: 'ponger', id: 'ponger' },
            on: { LATER: { actions: sendTo('ponger', { type: 'PING' }, { delay: 30 }) }, OFF: 'off' }
          },
          off: { on: { ON: 'on' } }
        },
        on: { PONG: { actions: seen(note, 'pong') } }
      }),
    steps: schedule('LATER', 10, 'OFF', 10, 'ON', 10, 10)
  },

  'delayed, to the parent': {
    makeMachine: (note) => {
      const alarm = createMachine({
        id: 'alarm',
        entry: sendParent({ type: 'RANG' }, { delay: 20 }),
        on: { AGAIN: { actions: sendParent(({ event }) => ({ type: 'RANG', by: event.type }), { delay: 5 }) } }
      })
      return setup({ actors: { alarm } }).createMachine({
        id: 'woken',
        invoke: { src: 'alarm', id: 'alarm' },
        on: { AGAIN: { actions: forwardTo('alarm') }, RANG: { actions: seen(note, 'rang') } }
      })
    },
    steps: schedule(10, 'AGAIN', 5, 5, 'AGAIN', 5)
  },

  'delayed and cancelled, to a child': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'cancelled',
        invoke: { src: 'ponger', id: 'ponger' },
        on: {
          LATER: { actions: sendTo('ponger', { type: 'PING' }, { delay: 30, id: 'later' }) },
          NEVER: { actions: enqueueActions(({ enqueue }) => enqueue.cancel('later')) },
          PONG: { actions: seen(note, 'pong') }
        }
      }),
    steps: schedule('LATER', 10, 'NEVER', 30, 'LATER', 30)
  },

  'raised events come before those of children': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'before',
        invoke: { src: 'ponger', id: 'ponger' },
        on: {
          GO: {
            actions: [
              sendTo('ponger', { type: 'PING' }),
              raise({ type: 'RAISED' }),
              sendTo(({ self }) => self, { type: 'SENT' })
            ]
          },
          RAISED: { actions: seen(note, 'raised') },
          SENT: { actions: seen(note, 'sent') },
          PONG: { actions: seen(note, 'pong') }
        }
      }),
    steps: schedule('GO GO')
  },

  'to several children, by references in context': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { refs: AnyActorRef[] } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'broadcast',
        context: ({ spawn }) => ({
          refs: [1, 2, 3].map((n) => spawn('counter', { id: `c${n}`, input: { from: n * 10 } }))
        }),
        on: {
          ALL: {
            actions: enqueueActions(({ enqueue, context }) => {
              for (const ref of context.refs) enqueue.sendTo(ref, { type: 'UP' })
            })
          },
          COUNTED: { actions: ({ event }) => note('counted', event.count) }
        }
      }),
    steps: schedule('ALL ALL ALL')
  },

  'a child talks to its own child, and both to the root': {
    makeMachine: (note) => {
      const middle = setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'middle',
        invoke: { src: 'ponger', id: 'ponger' },
        on: {
          PING: { actions: forwardTo('ponger') },
          PONG: { actions: [seen(note, 'middle'), sendParent(({ event }) => ({ type: 'PONG', n: event['n'] }))] }
        }
      })
      return setup({ actors: { middle } }).createMachine({
        id: 'top',
        invoke: { src: 'middle', id: 'middle' },
        on: { PING: { actions: forwardTo('middle') }, PONG: { actions: seen(note, 'top') } }
      })
    },
    steps: schedule('PING PING PING')
  },

  'an event for a child that is not there': {
    makeMachine: (note) =>
      setup({ actors: { ponger: makePonger(note) } }).createMachine({
        id: 'nobody',
        on: {
          ASK: { actions: sendTo('nobody', { type: 'PING' }) },
          SEE: { actions: () => note('seen') }
        }
      }),
    steps: schedule('SEE ASK SEE')
  },

  'an action sends to its own machine': {
    makeMachine: (note) =>
      createMachine({
        id: 'own',
        initial: 'a',
        states: {
          a: { on: { GO: { target: 'b', actions: ({ self }) => self.send({ type: 'NEXT' }) } } },
          b: { on: { NEXT: { target: 'c', actions: seen(note, 'next') } } },
          c: { on: { GO: 'a' } }
        }
      }),
    steps: schedule('GO GO GO')
  }
})

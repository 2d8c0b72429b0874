/** The rows of the table of differences (docs/xstate.md) that a case can show, each by its first column's words. */
import {
  type AnyActorRef,
  assign,
  createActor,
  createMachine,
  fromTransition,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  fromCallback
} from 'xstate'
import { makeCounter, makeTicker } from './kin.ts'
import { fail, family, schedule, seen, types, visits } from './parts.ts'

export const differenceCases = family('differences', {
  'an assign that looks at what an action of the same transition did': {
    makeMachine: (note) => {
      let last = 'nothing'
      const say = (what: string) => () => {
        last = what
        note(what)
      }
      return createMachine({
        id: 'looksBack',
        context: { seen: '' },
        on: { GO: { actions: [say('first'), assign({ seen: () => last }), say('second')] } }
      })
    },
    steps: schedule('GO GO'),
    differsBy: 'Actions, `emit`, `log`, start and stop of invoked work'
  },

  'an action that looks at a child that is being stopped': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'stopping',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child' }) }),
        on: {
          STOP: { actions: [stopChild('child'), ({ context }) => note('status', context.ref.getSnapshot().status)] }
        }
      }),
    steps: schedule('UNKNOWN STOP'),
    differsBy: 'Actions, `emit`, `log`, start and stop of invoked work'
  },

  'what an action says to its own machine comes after what the transition sends': {
    makeMachine: (note) =>
      createMachine({
        id: 'saysFirst',
        on: {
          GO: { actions: [({ self }) => self.send({ type: 'SAID' }), sendTo(({ self }) => self, { type: 'SENT' })] },
          SAID: { actions: seen(note, 'said') },
          SENT: { actions: seen(note, 'sent') }
        }
      }),
    steps: schedule('UNKNOWN GO'),
    differsBy: 'What an action sends to its own machine (`self.send`), and what work answers at once'
  },

  'an action that throws': {
    makeMachine: (note) =>
      createMachine({
        id: 'throws',
        initial: 'a',
        states: {
          a: { on: { GO: { target: 'b', actions: [() => note('before'), fail('broken')] } } },
          b: visits(note, 'b')
        }
      }),
    steps: schedule('UNKNOWN GO GO'),
    differsBy: 'An action that throws'
  },

  'an action of a child that throws is heard of after what was sent meanwhile': {
    makeMachine: (note) => {
      const breaks = createMachine({ id: 'breaks', on: { UP: { actions: fail('broken') } } })
      return setup({ actors: { breaks, counter: makeCounter(note) } }).createMachine({
        id: 'meanwhile',
        invoke: [
          { src: 'breaks', id: 'breaks', onError: { actions: seen(note, 'heard') } },
          { src: 'counter', id: 'counter' }
        ],
        on: {
          GO: { actions: [sendTo('breaks', { type: 'UP' }), sendTo('counter', { type: 'UP' })] },
          COUNTED: { actions: seen(note, 'counted') }
        }
      })
    },
    steps: schedule('UNKNOWN GO'),
    differsBy: 'An action that throws'
  },

  'an event whose type begins with xstate.': {
    makeMachine: (note) => createMachine({ id: 'reserved', on: { 'xstate.mine': { actions: () => note('heard') } } }),
    steps: schedule('UNKNOWN xstate.mine'),
    differsBy: 'Events in `send`'
  },

  'one object in two places': {
    makeMachine: (note) => {
      const shared = { n: 1 }
      return createMachine({
        id: 'shared',
        context: { a: shared, b: shared },
        on: {
          ASK: [
            { guard: ({ context }) => context.a === context.b, actions: () => note('one object') },
            { actions: () => note('two objects') }
          ]
        }
      })
    },
    steps: schedule('UNKNOWN ASK'),
    differsBy: 'Identity of objects in context'
  },

  'the snapshot of a child, kept in context': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { kept: { matches?: unknown } | undefined } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'keeps',
        context: { kept: undefined },
        invoke: { src: 'counter', id: 'child', systemId: 'child' },
        on: {
          KEEP: { actions: assign({ kept: ({ system }) => (system.get('child') as AnyActorRef).getSnapshot() }) },
          ASK: { actions: ({ context }) => note('matches', typeof context.kept?.matches) }
        }
      }),
    steps: schedule('KEEP ASK'),
    differsBy: 'Snapshots of other machines that are kept in context'
  },

  'the children of a root that fails': {
    makeMachine: (note) =>
      setup({ actors: { watch: fromCallback(() => () => note('cleans up')) } }).createMachine({
        id: 'failing',
        entry: spawnChild('watch', { id: 'watch' }),
        on: { BREAK: { guard: fail('broken') } }
      }),
    steps: schedule('UNKNOWN BREAK'),
    differsBy: 'Children, when the machine above them ends, fails or is stopped'
  },

  'a child that has its id no longer to itself, when the root ends': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'ending',
        entry: [spawnChild('ticker', { id: 'same' }), spawnChild('ticker', { id: 'same' })],
        initial: 'on',
        states: { on: { on: { END: 'off' } }, off: { type: 'final' } }
      }),
    steps: schedule('END', 10),
    differsBy: 'Children, when the machine above them ends, fails or is stopped'
  },

  'a long way in a circle': {
    makeMachine: () =>
      createMachine({
        id: 'circle',
        context: { n: 0 },
        always: {
          guard: ({ context }) => context.n % 12_000 !== 0,
          actions: assign({ n: ({ context }) => context.n + 1 })
        },
        on: { GO: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
      }),
    steps: schedule('UNKNOWN GO'),
    differsBy: 'Transitions that go in a circle'
  },

  'the session of an actor': {
    makeMachine: (note) =>
      createMachine({ id: 'session', on: { LOOK: { actions: ({ self }) => note('session', self.sessionId) } } }),
    steps: schedule('LOOK LOOK'),
    differsBy: '`self.id` and `sessionId`'
  },

  'looking into the system': {
    makeMachine: (note) =>
      createMachine({
        id: 'inspects',
        on: {
          LOOK: { actions: ({ system }) => void system.inspect(({ type }) => note(type)) },
          GO: { actions: () => note('went') }
        }
      }),
    steps: schedule('LOOK GO GO'),
    differsBy: '`system.inspect`, the `inspect` option'
  },

  'a delayed event to an actor outside of the machine': {
    makeMachine: (note) => {
      const outside = createActor(
        createMachine({ id: 'outside', on: { CALL: { actions: () => note('outside') } } })
      ).start()
      return createMachine({ id: 'later', on: { GO: { actions: sendTo(outside, { type: 'CALL' }, { delay: 10 }) } } })
    },
    steps: schedule('UNKNOWN GO', 10),
    differsBy: 'Delayed events to actors outside of the machine'
  },

  'an assign that looks at an actor outside, which was sent an event before': {
    makeMachine: () => {
      const outside = createActor(fromTransition((n: number) => n + 1, 0)).start()
      return createMachine({
        id: 'asksOutside',
        context: { n: -1 },
        on: {
          GO: { actions: [sendTo(outside, { type: 'ADD' }), sendTo(({ self }) => self, { type: 'LOOK' })] },
          LOOK: { actions: assign({ n: () => outside.getSnapshot().context }) }
        }
      })
    },
    steps: schedule('GO GO'),
    differsBy: 'Events to actors outside of the machine (`sendTo` to an actor of your own)'
  }
})

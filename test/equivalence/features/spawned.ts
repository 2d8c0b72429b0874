/** Spawned children: by assign, by action, with references kept in context, until they are stopped. */
import { type AnyActorRef, assign, enqueueActions, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { makeCounter, makeTicker } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'

interface Refs {
  context: { refs: AnyActorRef[]; log: unknown[] }
}
const firstOf = ({ context }: Refs): AnyActorRef => context.refs[0] as AnyActorRef

export const spawnedCases = family('spawned', {
  'spawned children with references in context': {
    makeMachine: (note) =>
      setup({ types: types<Refs>(), actors: { counter: makeCounter(note) } }).createMachine({
        id: 'spawns',
        context: { refs: [], log: [] },
        on: {
          ADD: {
            actions: assign({
              refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: `c${context.refs.length}` })]
            })
          },
          UP: { actions: sendTo(firstOf, { type: 'UP' }) },
          COUNTED: { actions: assign({ log: ({ context, event }) => [...context.log, event.count] }) },
          DROP: { actions: stopChild(firstOf) },
          END: { actions: sendTo(firstOf, { type: 'END' }) },
          READ: {
            actions: assign({
              log: ({ context }) => context.refs.map((ref) => (ref.getSnapshot() as { status: string }).status)
            })
          }
        }
      }),
    steps: schedule('ADD ADD UP UP READ END READ UP DROP ADD UP')
  },

  'a second child under the id of a first': {
    makeMachine: (note) =>
      setup({ types: types<Refs>(), actors: { counter: makeCounter(note) } }).createMachine({
        id: 'doubles',
        context: { refs: [], log: [] },
        on: {
          ADD: {
            actions: assign({
              refs: ({ context, spawn }) => [
                ...context.refs,
                spawn('counter', { id: 'same', input: { from: context.refs.length * 10 } })
              ]
            })
          },
          UP: { actions: sendTo('same', { type: 'UP' }) },
          UP_FIRST: { actions: sendTo(firstOf, { type: 'UP' }) }
        }
      }),
    steps: schedule('ADD UP ADD UP UP_FIRST UP_FIRST UP')
  },

  'spawnChild and stopChild, by id': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'byId',
        on: {
          START: { actions: spawnChild('ticker', { id: 'ticker' }) },
          STOP: { actions: stopChild('ticker') },
          TICKED: { actions: seen(note, 'ticked') }
        }
      }),
    steps: schedule('START', 10, 'STOP', 10, 'START', 10, 10, 10, 'STOP')
  },

  'spawnChild with input and systemId': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'withInput',
        entry: spawnChild('counter', { id: 'one', systemId: 'theOne', input: { from: 40 } }),
        on: {
          UP: { actions: sendTo(({ system }) => system.get('theOne') as AnyActorRef, { type: 'UP' }) },
          COUNTED: { actions: seen(note, 'counted') }
        }
      }),
    steps: schedule('UP UP UP')
  },

  'a spawned child outlives the state that spawned it': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'outlives',
        initial: 'a',
        states: {
          a: { entry: spawnChild('ticker', { id: 'ticker' }), on: { GO: 'b' } },
          b: { on: { TICKED: { actions: seen(note, 'in b') } } }
        },
        on: { TICKED: { actions: seen(note, 'in a') } }
      }),
    steps: schedule(10, 'GO', 10, 10, 10)
  },

  'a child spawned in the context that a machine begins with': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'initially',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'first', input: { from: 1 } }) }),
        on: {
          UP: { actions: sendTo(({ context }) => context.ref, { type: 'UP' }) },
          COUNTED: { actions: ({ event }) => note('counted', event.count) }
        }
      }),
    steps: schedule('UP UP UP')
  },

  'references in maps, and within other values': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { byName: Map<string, { ref: AnyActorRef; since: Date }> } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'inMaps',
        context: { byName: new Map() },
        on: {
          ADD: {
            actions: assign({
              byName: ({ context, event, spawn }) =>
                new Map([
                  ...context.byName,
                  [event.name, { ref: spawn('counter', { id: `named ${event.name}` }), since: new Date(1) }]
                ])
            })
          },
          UP: {
            actions: sendTo(({ context, event }) => context.byName.get(event.name)?.ref as AnyActorRef, { type: 'UP' })
          }
        }
      }),
    steps: schedule(
      ...['ADD ann', 'ADD bob', 'UP bob', 'UP ann', 'UP bob'].map((words) => {
        const [type = '', name] = words.split(' ')
        return { type, name }
      })
    )
  },

  'a reference in an event, and in the input of another child': {
    makeMachine: (note) => {
      const friend = setup({
        types: types<{ context: { of: AnyActorRef }; input: { of: AnyActorRef } }>()
      }).createMachine({
        id: 'friend',
        context: ({ input }) => ({ of: input.of }),
        on: { POKE: { actions: sendTo(({ context }) => context.of, { type: 'UP' }) } }
      })
      return setup({ types: types<Refs>(), actors: { counter: makeCounter(note), friend } }).createMachine({
        id: 'introduces',
        context: ({ spawn }) => ({ refs: [spawn('counter', { id: 'counter' })], log: [] }),
        on: {
          MEET: {
            actions: spawnChild('friend', { id: 'friend', input: ({ context }) => ({ of: firstOf({ context }) }) })
          },
          POKE: { actions: sendTo('friend', { type: 'POKE' }) }
        }
      })
    },
    steps: schedule('MEET POKE POKE')
  },

  'one reference in two places is one actor': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { a: AnyActorRef | undefined; b: AnyActorRef | undefined } }>(),
        actors: { counter: makeCounter(note) }
      }).createMachine({
        id: 'twice',
        context: { a: undefined, b: undefined },
        on: {
          ADD: {
            actions: assign(({ spawn }) => {
              const ref = spawn('counter', { id: 'only' })
              return { a: ref, b: ref }
            })
          },
          ASK: [
            { guard: ({ context }) => context.a !== undefined && context.a === context.b, actions: () => note('one') },
            { actions: () => note('two') }
          ],
          UP: { actions: sendTo(({ context }) => context.b as AnyActorRef, { type: 'UP' }) }
        }
      }),
    steps: schedule('ASK ADD ASK UP ASK')
  },

  'a reference in context is the child that is listed': {
    makeMachine: (note) =>
      setup({ types: types<Refs>(), actors: { counter: makeCounter(note) } }).createMachine({
        id: 'listed',
        context: ({ spawn }) => ({ refs: [spawn('counter', { id: 'one' })], log: [] }),
        on: {
          ASK: { actions: ({ self, context }) => note('same', self.getSnapshot().children.one === context.refs[0]) }
        }
      }),
    steps: schedule('ASK UNKNOWN ASK')
  },

  'spawned and stopped in enqueueActions': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'enqueued',
        context: { n: 0 },
        on: {
          NEXT: {
            actions: enqueueActions(({ enqueue, context }) => {
              enqueue.stopChild(`ticker ${context['n']}`)
              enqueue.assign({ n: context['n'] + 1 })
              enqueue.spawnChild('ticker', { id: `ticker ${context['n'] + 1}` })
            })
          },
          TICKED: { actions: seen(note, 'ticked') }
        }
      }),
    steps: schedule('NEXT', 5, 'NEXT', 5, 5, 'NEXT', 30)
  },

  'a delayed event for a child that was replaced': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'replaces',
        initial: 'on',
        states: {
          on: {
            entry: spawnChild('counter', { id: 'child' }),
            exit: stopChild('child'),
            on: { AGAIN: { target: 'on', reenter: true } }
          }
        },
        on: {
          LATER: { actions: sendTo('child', { type: 'UP' }, { delay: 10 }) },
          UP: { actions: sendTo('child', { type: 'UP' }) }
        }
      }),
    steps: schedule('UP LATER AGAIN', 20, 'UP LATER', 10)
  }
})

/** Who watches whom: snapshots of spawned children, subscriptions that actions make, what children log. */
import {
  type AnyActorRef,
  assign,
  createMachine,
  emit,
  fromCallback,
  fromPromise,
  log,
  sendTo,
  setup,
  spawnChild,
  stopChild
} from 'xstate'
import { makeCounter } from './kin.ts'
import { family, schedule, seen, types } from './parts.ts'

type Ref = { context: { ref: AnyActorRef } }

export const watchingCases = family('watching', {
  'a spawned child with syncSnapshot': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'synced',
        entry: spawnChild('counter', { id: 'child', syncSnapshot: true }),
        on: {
          UP: { actions: sendTo('child', { type: 'UP' }) },
          'xstate.snapshot.child': { actions: ({ event }) => note('snapshot', event['snapshot'].context) }
        }
      }),
    steps: schedule('UP UNKNOWN UP')
  },

  'what a child logs': {
    makeMachine: () => {
      const child = createMachine({
        id: 'child',
        entry: log('begins'),
        on: { CALL: { actions: log(({ event }) => event, 'child') } }
      })
      return setup({ actors: { child } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'child' },
        on: { CALL: { actions: [log('calls'), sendTo('child', ({ event }) => event), log('called')] } }
      })
    },
    steps: schedule({ type: 'CALL', n: 1 }, { type: 'CALL', n: new Date(2) })
  },

  'who subscribes to a child in an action hears of its next snapshots': {
    makeMachine: (note) =>
      setup({ types: types<Ref>(), actors: { counter: makeCounter(note) } }).createMachine({
        id: 'subscribes',
        context: ({ spawn }) => ({ ref: spawn('counter', { id: 'child' }) }),
        on: {
          WATCH: { actions: ({ context }) => void context.ref.subscribe((snapshot) => note('next', snapshot.context)) },
          UP: { actions: sendTo(({ context }) => context.ref, { type: 'UP' }) }
        }
      }),
    steps: schedule('UP WATCH UP'),
    differsBy: 'Subscriptions that an action makes (`subscribe` or `on` of a reference)'
  },

  'who listens to a child in the same turn hears what it emits': {
    makeMachine: (note) => {
      const child = createMachine({ id: 'child', on: { CALL: { actions: emit({ type: 'called' }) } } })
      return setup({ types: types<Ref>(), actors: { child } }).createMachine({
        id: 'listens',
        context: ({ spawn }) => ({ ref: spawn('child', { id: 'child' }) }),
        on: {
          LISTEN: {
            actions: [
              ({ context }) => {
                const { unsubscribe } = context.ref.on('called', () => {
                  note('heard')
                  unsubscribe()
                })
              },
              sendTo(({ context }) => context.ref, { type: 'CALL' })
            ]
          }
        }
      })
    },
    steps: schedule('LISTEN UNKNOWN LISTEN')
  },

  'a spawned callback is stopped by its reference': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef | undefined } }>(),
        actors: {
          watch: fromCallback(({ receive }) => (receive(({ type }) => note(`got ${type}`)), () => note('cleans up')))
        }
      }).createMachine({
        id: 'callback',
        context: { ref: undefined },
        on: {
          START: { actions: assign({ ref: ({ spawn }) => spawn('watch', { id: 'watch' }) }) },
          CALL: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'CALL' }) },
          STOP: { actions: [stopChild(({ context }) => context.ref as AnyActorRef), assign({ ref: undefined })] }
        }
      }),
    steps: schedule('START CALL STOP UNKNOWN START CALL')
  },

  'a promise that is spawned, and its snapshot after it has settled': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { ref: AnyActorRef | undefined } }>(),
        actors: { load: fromPromise(async () => ({ at: new Date(1) })) }
      }).createMachine({
        id: 'settled',
        context: { ref: undefined },
        on: {
          GO: { actions: assign({ ref: ({ spawn }) => spawn('load', { id: 'load' }) }) },
          LOOK: {
            actions: ({ context }) => {
              const { status, output } = context.ref?.getSnapshot() ?? {}
              note('load', { status, output })
            }
          },
          'xstate.done.actor.load': { actions: seen(note, 'done') }
        }
      }),
    steps: schedule('GO LOOK UNKNOWN LOOK')
  },

  'children that a machine still has when it ends': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'leaves',
        entry: spawnChild('counter', { id: 'spawned' }),
        invoke: { src: 'counter', id: 'invoked' },
        initial: 'on',
        states: { on: { on: { END: 'off' } }, off: { type: 'final' } },
        on: { UP: { actions: [sendTo('spawned', { type: 'UP' }), sendTo('invoked', { type: 'UP' })] } }
      }),
    steps: schedule('UP UP END UP')
  }
})

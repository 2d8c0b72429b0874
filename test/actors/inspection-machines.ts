/** Machines that are inspected plainly and durably: together they bring about every inspection event there is. */
import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  type ActorRefFrom,
  type AnyActorRef,
  type AnyStateMachine
} from 'xstate'
import type { Step } from './inspection-trace.ts'

const steps = createMachine({
  id: 'steps',
  context: { n: 0 },
  initial: 'a',
  states: {
    a: { entry: 'unknown', on: { GO: { target: 'b', actions: { type: 'named', params: { by: 2 } } }, NONE: {} } },
    b: { entry: [raise({ type: 'ON' }), log('in b')], exit: () => undefined, on: { ON: 'c' } },
    c: { entry: assign({ n: 1 }), always: 'd' },
    d: {
      type: 'parallel',
      states: {
        left: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: { type: 'final' } } },
        right: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: { type: 'final' } } }
      },
      onDone: { target: 'e', actions: emit({ type: 'there' }) }
    },
    e: { entry: enqueueActions(({ enqueue }) => enqueue('last')), on: { GO: 'f' } },
    f: { type: 'final' }
  }
}).provide({ actions: { named: () => undefined, last: () => undefined } })

const family = setup({
  actors: {
    child: createMachine({
      id: 'child',
      initial: 'on',
      states: {
        on: {
          entry: sendParent({ type: 'HELLO' }),
          on: { PING: { actions: sendParent({ type: 'PONG' }) }, END: 'off' }
        },
        off: { type: 'final' }
      },
      output: 'over'
    })
  }
}).createMachine({
  id: 'family',
  initial: 'with',
  states: {
    with: {
      invoke: { src: 'child', id: 'child', onDone: 'without' },
      on: {
        HELLO: {},
        PONG: { actions: () => undefined },
        PING: { actions: sendTo('child', { type: 'PING' }) },
        END: { actions: sendTo('child', { type: 'END' }) }
      }
    },
    without: { on: { AGAIN: 'with' } }
  }
})

const timers = createMachine({
  id: 'timers',
  initial: 'a',
  states: {
    a: { after: { 100: 'b' } },
    b: {
      entry: [
        raise({ type: 'LATE' }, { delay: 50, id: 'late' }),
        sendTo(({ self }) => self, { type: 'ON' }, { delay: 20 })
      ],
      on: { ON: { actions: cancel('late') }, LATE: 'a', OFF: 'c' }
    },
    c: { type: 'final' }
  }
})

const work = setup({
  actors: {
    good: fromPromise(() => Promise.resolve('done')),
    bad: fromPromise(() => Promise.reject(new Error('bad')))
  }
}).createMachine({
  id: 'work',
  initial: 'first',
  states: {
    first: { invoke: { src: 'good', id: 'good', input: 1, onDone: 'idle' } },
    idle: { on: { GO: 'second' } },
    second: { invoke: { src: 'bad', id: 'bad', onError: 'over' } },
    over: {}
  }
})

const talk = setup({
  actors: {
    talker: fromCallback<{ type: 'ASK' }>(({ receive, sendBack }) =>
      receive(() => queueMicrotask(() => sendBack({ type: 'ANSWER' })))
    ),
    ticks: fromObservable(() => ({
      subscribe: (observer) => {
        queueMicrotask(() => (observer as { next(value: number): void }).next(1))
        return { unsubscribe: () => undefined }
      }
    }))
  }
}).createMachine({
  id: 'talk',
  initial: 'idle',
  states: {
    idle: { on: { GO: 'on' } },
    on: {
      invoke: [
        { src: 'ticks', id: 'ticks', onSnapshot: { actions: () => undefined } },
        { src: 'talker', id: 'talker' }
      ],
      entry: sendTo('talker', { type: 'ASK' }),
      on: { ANSWER: 'off' }
    },
    off: {}
  }
})

const counter = fromTransition((state: { n: number }) => ({ n: state.n + 1 }), { n: 0 })

const guests = setup({
  types: { context: {} as { guest: AnyActorRef | undefined } },
  actors: { counter, guest: createMachine({ id: 'guest', on: { BREAK: { actions: assign(() => broken()) } } }) }
}).createMachine({
  id: 'guests',
  context: { guest: undefined },
  on: {
    COUNT: { actions: spawnChild('counter', { id: 'counter', syncSnapshot: true }) },
    UP: { actions: sendTo('counter', { type: 'UP' }) },
    STOP: { actions: stopChild('counter') },
    INVITE: { actions: assign({ guest: ({ spawn }) => spawn('guest', { id: 'guest', systemId: 'vip' }) }) },
    LATE: { actions: sendTo(({ context }) => context.guest as ActorRefFrom<typeof counter>, { type: 'UP' }) },
    LEAVE: { actions: stopChild(({ context }) => context.guest as AnyActorRef) },
    BREAK: { actions: sendTo('guest', { type: 'BREAK' }) }
  }
})

const fragile = createMachine({
  id: 'fragile',
  on: {
    BREAK: { actions: ['before', assign(() => broken())] },
    THROW: { actions: ['before', () => broken(), 'after'] }
  }
})

function broken(): never {
  throw new Error('broken')
}

const of = (...types: readonly (string | number)[]): readonly Step[] =>
  types.map((type) => (typeof type === 'string' ? { type } : type))

/** `steps` are taken one by one. */
export const inspected: readonly (readonly [name: string, machine: AnyStateMachine, steps: readonly Step[]])[] = [
  ['raised events, regions, actions of all kinds, an end', steps, of('NONE', 'GO', 'WHAT', 'GO', 'GO')],
  ['an invoked machine that talks with its parent, ends, and comes again', family, of('PING', 'END', 'AGAIN', 'PING')],
  ['timers, delayed events and a cancelled one', timers, of(100, 20, 100, 'OFF')],
  ['promises that resolve and reject', work, of('GO')],
  ['a callback that answers and an observable', talk, of('GO')],
  ['spawned children, watched and stopped', guests, of('COUNT', 'UP', 'STOP', 'INVITE', 'LATE', 'LEAVE', 'LATE')],
  ['a child that fails', guests, of('INVITE', 'BREAK')],
  ['a machine that fails', fragile, of('BREAK')],
  ['an action that throws', fragile, of('THROW')]
]

/** Machines with children, for equivalence.test.ts. */
import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  createMachine,
  forwardTo,
  fromTransition,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild
} from 'xstate'
import { events, type Scenario, type Trace } from './equivalence-trace.ts'
import { types } from './tree-stage.ts'

const counter = (trace: Trace): AnyStateMachine =>
  createMachine({
    id: 'counter',
    types: {} as { context: { count: number }; input: { from?: number } | undefined },
    context: ({ input }) => ({ count: input?.from ?? 0 }),
    initial: 'counting',
    states: {
      counting: {
        on: {
          UP: {
            actions: [
              assign({ count: ({ context }) => context.count + 1 }),
              ({ context }) => trace(`counter ${context.count}`),
              sendParent(({ context }) => ({ type: 'COUNTED', count: context.count }))
            ]
          },
          BREAK: {
            guard: () => {
              throw new Error('broken')
            }
          },
          END: 'ended'
        }
      },
      ended: { type: 'final' }
    },
    output: ({ context }) => context.count
  })

export const childScenarios: Record<string, Scenario> = {
  'a child machine that answers, and what is forwarded to it': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'asks',
        context: { heard: 0 },
        invoke: {
          src: 'counter',
          id: 'child',
          input: { from: 5 },
          onDone: { actions: ({ event }) => trace(`done ${String(event.output)}`) }
        },
        on: {
          COUNTED: { actions: assign({ heard: ({ event }) => event.count as number }) },
          UP: { actions: [() => trace('asking'), sendTo('child', { type: 'UP' }), () => trace('asked')] },
          END: { actions: forwardTo('child') }
        }
      }),
    steps: events('UP UP END UP')
  },

  'spawned children with references in context': {
    machine: (trace) =>
      setup({
        types: types<{ context: { refs: AnyActorRef[]; log: unknown[] } }>(),
        actors: { counter: counter(trace) }
      }).createMachine({
        id: 'spawns',
        context: { refs: [], log: [] },
        on: {
          ADD: {
            actions: assign({
              refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: `c${context.refs.length}` })]
            })
          },
          UP: { actions: sendTo(({ context }) => context.refs[0] as AnyActorRef, { type: 'UP' }) },
          COUNTED: { actions: assign({ log: ({ context, event }) => [...context.log, event.count] }) },
          DROP: { actions: stopChild(({ context }) => context.refs[0] as AnyActorRef) },
          END: { actions: sendTo(({ context }) => context.refs[0] as AnyActorRef, { type: 'END' }) },
          READ: {
            actions: assign({
              log: ({ context }) => context.refs.map((ref) => (ref.getSnapshot() as { status: string }).status)
            })
          }
        }
      }),
    steps: events('ADD ADD UP UP READ END READ UP DROP ADD UP')
  },

  'a second child under the id of a first': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'doubles',
        context: { refs: [] as AnyActorRef[] },
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
          UP_FIRST: { actions: sendTo(({ context }) => context.refs[0] as AnyActorRef, { type: 'UP' }) }
        }
      }),
    steps: events('ADD UP ADD UP UP_FIRST UP_FIRST UP')
  },

  'a child that fails, heard and unheard': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'hears',
        initial: 'first',
        states: {
          first: {
            invoke: { src: 'counter', id: 'child', onError: { target: 'second', actions: () => trace('heard') } }
          },
          second: { invoke: { src: 'counter', id: 'child' } }
        },
        on: { BREAK: { actions: sendTo('child', { type: 'BREAK' }) } }
      }),
    steps: events('BREAK BREAK BREAK')
  },

  'reducers as children, and their snapshots': {
    machine: (trace) =>
      setup({
        actors: { sum: fromTransition((total: number, { by }: { type: string; by: number }) => total + by, 100) }
      }).createMachine({
        id: 'sums',
        invoke: {
          src: 'sum',
          id: 'sum',
          systemId: 'total',
          onSnapshot: { actions: ({ event }) => trace(String(event.snapshot.context)) }
        },
        on: {
          ADD: { actions: sendTo('sum', { type: 'ADD', by: 5 }) },
          BY_SYSTEM: { actions: sendTo(({ system }) => system.get('total') as AnyActorRef, { type: 'ADD', by: 1 }) },
          LATER: { actions: sendTo('sum', { type: 'ADD', by: 1000 }, { delay: 10 }) }
        }
      }),
    steps: [...events('ADD BY_SYSTEM LATER ADD'), 10, ...events('BY_SYSTEM')]
  },

  'a delayed event for a child that was replaced': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
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
    steps: [...events('UP LATER AGAIN'), 20, ...events('UP LATER'), 10]
  }
}

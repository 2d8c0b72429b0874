/** The same machine, the same events: plain XState, and a tree that is stored and brought back between any two of them. */
import {
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  SimulatedClock,
  spawnChild,
  stopChild
} from 'xstate'
import { expect, test } from 'vitest'
import { TreeStage } from './tree-stage.ts'

type Trace = (what: string) => void
type Step = AnyEventObject | number
interface Scenario {
  readonly machine: (trace: Trace) => AnyStateMachine
  readonly steps: readonly Step[]
}

const show = (snapshot: AnyMachineSnapshot): string =>
  JSON.stringify([snapshot.value, snapshot.status, snapshot.context, snapshot.output, [...snapshot.tags], Object.keys(snapshot.children)])
const showError = (error: unknown): string => `error ${(error as Error).message}`

function traceOfXState({ machine, steps }: Scenario): readonly string[] {
  const trace: string[] = []
  const clock = new SimulatedClock()
  const logger = (...words: unknown[]): void => void trace.push(`log ${JSON.stringify(words)}`)
  const actor = createActor(machine((what) => void trace.push(what)), { clock, logger, id: 'root' })
  actor.on('*', (event) => void trace.push(`emitted ${JSON.stringify(event)}`))
  actor.subscribe({
    next: (snapshot) => void trace.push(show(snapshot)),
    error: (error) => void trace.push(showError(error)),
    complete: () => void trace.push('complete')
  })
  actor.start()
  for (const step of steps) typeof step === 'number' ? clock.increment(step) : actor.send(step)
  return trace
}

function traceOfTree({ machine, steps }: Scenario): readonly string[] {
  const trace: string[] = []
  const stage = new TreeStage(
    machine((what) => void trace.push(what)),
    {
      observe: (notice, value) =>
        void trace.push(
          notice === 'next' ? show(value as AnyMachineSnapshot) : notice === 'error' ? showError(value) : notice
        ),
      emit: (_, event) => void trace.push(`emitted ${JSON.stringify(event)}`),
      log: (...words) => void trace.push(`log ${JSON.stringify(words)}`)
    }
  )
  stage.start()
  for (const step of steps) typeof step === 'number' ? stage.advance(step) : stage.send(step)
  return trace
}

const events = (types: string): readonly AnyEventObject[] => types.split(' ').map((type) => ({ type }))

const counter = (trace: Trace): AnyStateMachine =>
  createMachine({
    id: 'counter',
    context: ({ input }) => ({ count: (input as { from?: number } | undefined)?.from ?? 0 }),
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

const scenarios: Record<string, Scenario> = {
  'nested states, entry and exit in order': {
    machine: (trace) => {
      const noted = (name: string) => ({ entry: () => trace(`enter ${name}`), exit: () => trace(`exit ${name}`) })
      return createMachine({
        id: 'nested',
        initial: 'a',
        states: {
          a: {
            ...noted('a'),
            initial: 'one',
            states: { one: { ...noted('a.one'), on: { NEXT: 'two' } }, two: { ...noted('a.two'), tags: 'deep' } },
            on: { NEXT: 'b', AGAIN: { target: 'a', reenter: true } }
          },
          b: { ...noted('b'), always: { guard: ({ event }) => event.type === 'NEVER', target: 'a' }, on: { BACK: '#nested.a.two' } }
        }
      })
    },
    steps: events('NEXT AGAIN NEXT NEXT BACK AGAIN UNKNOWN')
  },

  'parallel regions that drive each other by always': {
    machine: (trace) =>
      createMachine({
        id: 'regions',
        type: 'parallel',
        context: { level: 0 },
        states: {
          tank: {
            initial: 'low',
            states: {
              low: { tags: ['low'], always: { guard: ({ context }) => context.level > 1, target: 'high', actions: () => trace('tank') } },
              high: { tags: ['high'], always: { guard: ({ context }) => context.level < 1, target: 'low' } }
            }
          },
          pump: {
            initial: 'off',
            states: {
              off: { on: { FILL: { target: 'on', actions: assign({ level: ({ context }) => context.level + 1 }) } } },
              on: {
                always: { guard: ({ context }) => context.level > 1, target: 'off', actions: () => trace('pump') },
                on: { FILL: { actions: assign({ level: ({ context }) => context.level + 1 }) } }
              }
            }
          }
        },
        on: { DRAIN: { actions: assign({ level: 0 }) } }
      }),
    steps: events('FILL FILL DRAIN FILL FILL FILL')
  },

  'history, shallow and deep': {
    machine: () =>
      createMachine({
        id: 'history',
        initial: 'work',
        states: {
          work: {
            initial: 'draft',
            states: {
              draft: { on: { NEXT: 'review' } },
              review: { initial: 'first', states: { first: { on: { NEXT: 'second' } }, second: {} } },
              recent: { type: 'history' },
              exact: { type: 'history', history: 'deep' }
            },
            on: { PAUSE: 'paused' }
          },
          paused: { on: { RECENT: 'work.recent', EXACT: 'work.exact' } }
        }
      }),
    steps: events('PAUSE RECENT NEXT NEXT PAUSE EXACT PAUSE RECENT')
  },

  'after, left in time and not': {
    machine: (trace) =>
      createMachine({
        id: 'delays',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'waiting' } },
          waiting: { on: { STOP: 'idle' }, after: { 100: { target: 'late', actions: () => trace('late') }, 40: { actions: () => trace('soon') } } },
          late: { after: { 10: 'idle' } }
        }
      }),
    steps: [...events('GO'), 50, ...events('STOP'), 200, ...events('GO'), 99, 1, 9, 1, ...events('GO'), 500]
  },

  'delayed raises, cancelled by id, and one id used twice': {
    machine: (trace) =>
      createMachine({
        id: 'raises',
        on: {
          SET: { actions: raise({ type: 'RANG' }, { id: 'alarm', delay: 10 }) },
          CANCEL: { actions: cancel('alarm') },
          RANG: { actions: () => trace('rang') }
        }
      }),
    steps: [...events('SET CANCEL'), 20, ...events('SET'), 5, ...events('SET CANCEL'), 20, ...events('SET'), 5, ...events('SET'), 6, ...events('CANCEL'), 20]
  },

  'a child machine that answers, and what is forwarded to it': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'asks',
        context: { heard: 0 },
        invoke: { src: 'counter', id: 'child', input: { from: 5 }, onDone: { actions: ({ event }) => trace(`done ${String(event.output)}`) } },
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
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'spawns',
        context: { refs: [] as { id: string }[], log: [] as unknown[] },
        on: {
          ADD: { actions: assign({ refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: `c${context.refs.length}` })] }) },
          UP: { actions: sendTo(({ context }) => context.refs[0] as never, { type: 'UP' }) },
          COUNTED: { actions: assign({ log: ({ context, event }) => [...context.log, event.count] }) },
          DROP: { actions: stopChild(({ context }) => context.refs[0] as never) },
          END: { actions: sendTo(({ context }) => context.refs[0] as never, { type: 'END' }) },
          READ: {
            actions: assign({
              log: ({ context }) => context.refs.map((ref) => (ref as unknown as { getSnapshot(): { status: string } }).getSnapshot().status)
            })
          }
        }
      }),
    steps: events('ADD ADD UP UP READ END READ UP DROP READ ADD UP')
  },

  'a second child under the id of a first': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'doubles',
        context: { refs: [] as unknown[] },
        on: {
          ADD: { actions: assign({ refs: ({ context, spawn }) => [...context.refs, spawn('counter', { id: 'same', input: { from: context.refs.length * 10 } })] }) },
          UP: { actions: sendTo('same', { type: 'UP' }) },
          UP_FIRST: { actions: sendTo(({ context }) => context.refs[0] as never, { type: 'UP' }) }
        }
      }),
    steps: events('ADD UP ADD UP UP_FIRST UP_FIRST UP')
  },

  'actions enqueued by conditions': {
    machine: (trace) =>
      setup({ actions: { note: (_, params: { text: string }) => trace(params.text) }, guards: { isOdd: ({ context }) => (context as { n: number }).n % 2 === 1 } }).createMachine({
        id: 'enqueues',
        context: { n: 0 },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue, check }) => {
              enqueue.assign({ n: ({ context }) => context.n + 1 })
              enqueue({ type: 'note', params: { text: 'named' } })
              enqueue(({ context }) => trace(`inline ${context.n}`))
              if (check('isOdd')) enqueue.raise({ type: 'ODD' })
              enqueue.emit({ type: 'enqueued' } as never)
            })
          },
          ODD: { actions: { type: 'note', params: ({ context }) => ({ text: `odd at ${context.n}` }) } }
        }
      }),
    steps: events('GO GO GO')
  },

  'emits, logs and actions in one order': {
    machine: (trace) =>
      createMachine({
        id: 'speaks',
        entry: log('begun'),
        on: { GO: { actions: [() => trace('first'), emit({ type: 'spoke', of: 1 }), log(({ event }) => event.type, 'heard'), () => trace('last')] } },
        exit: [() => trace('over')]
      }),
    steps: events('GO GO')
  },

  'final states, output, and what hears of them': {
    machine: (trace) =>
      createMachine({
        id: 'ends',
        type: 'parallel',
        context: { at: new Date(0), sums: new Map([['a', 1n]]) },
        states: {
          left: { initial: 'on', states: { on: { on: { LEFT: 'off' } }, off: { type: 'final', output: { side: 'left' } } }, onDone: { actions: ({ event }) => trace(JSON.stringify(event.output)) } },
          right: { initial: 'on', states: { on: { on: { RIGHT: 'off' } }, off: { type: 'final' } } }
        },
        output: ({ context }) => ({ at: context.at, sum: String(context.sums.get('a')) }),
        exit: () => trace('exit')
      } as never),
    steps: events('LEFT LEFT RIGHT RIGHT')
  },

  'a guard that throws': {
    machine: counter,
    steps: events('END2 BREAK UP')
  },

  'an assign that throws, after an action': {
    machine: (trace) =>
      createMachine({
        id: 'throws',
        context: { n: 1 },
        on: {
          GO: {
            actions: [
              () => trace('before'),
              assign({
                n: () => {
                  throw new Error('no number')
                }
              }),
              () => trace('after')
            ]
          }
        }
      }),
    steps: events('GO GO')
  },

  'a child that fails, heard and unheard': {
    machine: (trace) =>
      setup({ actors: { counter: counter(trace) } }).createMachine({
        id: 'hears',
        initial: 'first',
        states: {
          first: { invoke: { src: 'counter', id: 'child', onError: { target: 'second', actions: () => trace('heard') } } },
          second: { invoke: { src: 'counter', id: 'child' } }
        },
        on: { BREAK: { actions: sendTo('child', { type: 'BREAK' }) } }
      }),
    steps: events('BREAK BREAK BREAK')
  },

  'reducers as children, and their snapshots': {
    machine: (trace) =>
      setup({ actors: { sum: fromTransition((total: number, { by }: { type: string; by: number }) => total + by, 100) } }).createMachine({
        id: 'sums',
        invoke: { src: 'sum', id: 'sum', systemId: 'total', onSnapshot: { actions: ({ event }) => trace(String(event.snapshot.context)) } },
        on: {
          ADD: { actions: sendTo('sum', { type: 'ADD', by: 5 }) },
          BY_SYSTEM: { actions: sendTo(({ system }) => system.get('total') as never, { type: 'ADD', by: 1 }) },
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
        states: { on: { entry: spawnChild('counter', { id: 'child' }), exit: stopChild('child'), on: { AGAIN: { target: 'on', reenter: true } } } },
        on: { LATER: { actions: sendTo('child', { type: 'UP' }, { delay: 10 }) }, UP: { actions: sendTo('child', { type: 'UP' }) } }
      }),
    steps: [...events('UP LATER AGAIN'), 20, ...events('UP LATER'), 10]
  },

  'wildcards and partial wildcards': {
    machine: (trace) =>
      createMachine({
        id: 'stars',
        initial: 'a',
        states: { a: { on: { 'order.*': { actions: ({ event }) => trace(`order: ${event.type}`) }, 'order.paid': { actions: () => trace('paid') } } } },
        on: { '*': { actions: ({ event }) => trace(`any: ${event.type}`) } }
      }),
    steps: events('order order.paid order.paid.late ordered x')
  }
}

test.each(Object.entries(scenarios))('%s: no difference from plain XState', (_, scenario) => {
  const expected = traceOfXState(scenario)
  expect(expected.length).toBeGreaterThan(scenario.steps.length / 3)
  expect(traceOfTree(scenario)).toEqual(expected)
})

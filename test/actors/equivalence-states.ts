/** Machines without children, for equivalence.test.ts. */
import { assign, cancel, createMachine, emit, enqueueActions, log, raise, setup } from 'xstate'
import { events, type Scenario } from './equivalence-trace.ts'
import { types } from './tree-stage.ts'

export const stateScenarios: Record<string, Scenario> = {
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
          b: {
            ...noted('b'),
            always: { guard: ({ event }) => event.type === 'NEVER', target: 'a' },
            on: { BACK: '#nested.a.two' }
          }
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
              low: {
                tags: ['low'],
                always: { guard: ({ context }) => context.level > 1, target: 'high', actions: () => trace('tank') }
              },
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
          waiting: {
            on: { STOP: 'idle' },
            after: { 100: { target: 'late', actions: () => trace('late') }, 40: { actions: () => trace('soon') } }
          },
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
    steps: [
      ...events('SET CANCEL'),
      20,
      ...events('SET'),
      5,
      ...events('SET CANCEL'),
      20,
      ...events('SET'),
      5,
      ...events('SET'),
      6,
      ...events('CANCEL'),
      20
    ]
  },

  'actions enqueued by conditions': {
    machine: (trace) =>
      setup({
        types: types<{ context: { n: number } }>(),
        actions: { note: (_, params: { text: string }) => trace(params.text) },
        guards: { isOdd: ({ context }) => context.n % 2 === 1 }
      }).createMachine({
        id: 'enqueues',
        context: { n: 0 },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue, check }) => {
              enqueue.assign({ n: ({ context }) => context.n + 1 })
              enqueue({ type: 'note', params: { text: 'named' } })
              enqueue(({ context }) => trace(`inline ${context.n}`))
              if (check('isOdd')) enqueue.raise({ type: 'ODD' })
              enqueue.emit({ type: 'enqueued' })
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
        on: {
          GO: {
            actions: [
              () => trace('first'),
              emit({ type: 'spoke', of: 1 }),
              log(({ event }) => event.type, 'heard'),
              () => trace('last')
            ]
          }
        },
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
          left: {
            initial: 'on',
            states: { on: { on: { LEFT: 'off' } }, off: { type: 'final', output: { side: 'left' } } },
            onDone: { actions: ({ event }) => trace(JSON.stringify(event.output)) }
          },
          right: { initial: 'on', states: { on: { on: { RIGHT: 'off' } }, off: { type: 'final' } } }
        },
        output: ({ context }) => ({ at: context.at, sum: String(context.sums.get('a')) }),
        exit: () => trace('exit')
      }),
    steps: events('LEFT LEFT RIGHT RIGHT')
  },

  'a guard that throws': {
    machine: (trace) =>
      createMachine({
        id: 'guarded',
        on: {
          GO: { actions: () => trace('went') },
          BREAK: {
            guard: () => {
              throw new Error('broken')
            }
          }
        }
      }),
    steps: events('GO BREAK GO')
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

  'wildcards and partial wildcards': {
    machine: (trace) =>
      createMachine({
        id: 'stars',
        initial: 'a',
        states: {
          a: {
            on: {
              'order.*': { actions: ({ event }) => trace(`order: ${event.type}`) },
              'order.paid': { actions: () => trace('paid') }
            }
          }
        },
        on: { '*': { actions: ({ event }) => trace(`any: ${event.type}`) } }
      }),
    steps: events('order order.paid order.paid.late ordered x')
  }
}

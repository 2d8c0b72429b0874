/** Callbacks, observables and reducers as children. */
import {
  type AnyActorRef,
  assign,
  emit,
  type EventObject,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromTransition,
  sendTo,
  setup,
  type Subscribable
} from 'xstate'
import { family, schedule, seen, types, visits } from './parts.ts'

/** The least that XState takes for an observable, with a hand to push values by. */
function makeSource<Value>(onLeave: () => void = () => undefined) {
  type Observer = {
    readonly next?: (value: Value) => void
    readonly error?: (error: unknown) => void
    readonly complete?: () => void
  }
  const observers = new Set<Observer>()
  const source = {
    subscribe: (observer: Observer) => {
      observers.add(observer)
      return {
        unsubscribe: () => {
          if (observers.delete(observer)) onLeave()
        }
      }
    }
  } as Subscribable<Value>
  return {
    source,
    push: (value: Value) => observers.forEach((observer) => observer.next?.(value)),
    end: () => observers.forEach((observer) => observer.complete?.()),
    break: (error: Error) => observers.forEach((observer) => observer.error?.(error))
  }
}

export const streamCases = family('streams', {
  'a callback answers what it is sent': {
    makeMachine: (note) =>
      setup({
        actors: {
          echo: fromCallback(({ receive, sendBack }) => receive((event) => sendBack({ ...event, type: 'ECHO' })))
        }
      }).createMachine({
        id: 'echoes',
        context: { n: 0 },
        invoke: { src: 'echo', id: 'echo' },
        on: {
          CALL: { actions: sendTo('echo', ({ event }) => event) },
          ECHO: { actions: [assign({ n: ({ context }) => context['n'] + 1 }), seen(note, 'echo')] }
        }
      }),
    steps: schedule({ type: 'CALL', of: 1 }, { type: 'CALL', of: new Date(2) }, 'CALL')
  },

  'a callback says something as it begins, and cleans up when it is left': {
    makeMachine: (note) =>
      setup({
        actors: {
          watch: fromCallback(({ sendBack, input }) => {
            note('begins', input)
            sendBack({ type: 'HELLO' })
            return () => note('cleans up')
          })
        }
      }).createMachine({
        id: 'watches',
        initial: 'off',
        states: {
          off: { on: { ON: 'on' } },
          on: {
            invoke: { src: 'watch', id: 'watch', input: { n: 1 } },
            on: { OFF: 'off', HELLO: { actions: seen(note, 'hello') } }
          }
        }
      }),
    steps: schedule('ON UNKNOWN OFF UNKNOWN ON OFF')
  },

  'a callback that throws as it begins': {
    makeMachine: (note) =>
      setup({
        actors: {
          broken: fromCallback(() => {
            throw new Error('broken')
          })
        }
      }).createMachine({
        id: 'beginsBroken',
        initial: 'off',
        states: {
          off: { on: { ON: 'on' } },
          on: { invoke: { src: 'broken', id: 'broken', onError: { target: 'off', actions: seen(note, 'error') } } }
        }
      }),
    steps: schedule('ON UNKNOWN ON')
  },

  'a callback that emits': {
    makeMachine: (note) =>
      setup({
        actors: {
          speaker: fromCallback<EventObject>(({ receive, emit }) =>
            receive(({ type }) => emit({ type: `emitted ${type}` }))
          )
        }
      }).createMachine({
        id: 'speaks',
        invoke: { src: 'speaker', id: 'speaker' },
        on: { CALL: { actions: [sendTo('speaker', { type: 'CALL' }), emit({ type: 'called' }), () => note('called')] } }
      }),
    steps: schedule('CALL CALL')
  },

  'a callback is stopped when its machine ends': {
    makeMachine: (note) =>
      setup({ actors: { watch: fromCallback(() => () => note('cleans up')) } }).createMachine({
        id: 'ends',
        initial: 'on',
        states: {
          on: { invoke: { src: 'watch', id: 'watch' }, on: { END: 'off' } },
          off: { type: 'final', ...visits(note, 'off') }
        }
      }),
    steps: schedule('UNKNOWN END UNKNOWN')
  },

  'an observable and its snapshots, to the end': {
    makeMachine: (note) => {
      const { source, push, end } = makeSource<number>()
      return setup({ actors: { numbers: fromObservable(() => source) } }).createMachine({
        id: 'observes',
        context: { seen: [] as unknown[] },
        initial: 'on',
        states: {
          on: {
            invoke: {
              src: 'numbers',
              id: 'numbers',
              onSnapshot: {
                actions: assign({ seen: ({ context, event }) => [...context['seen'], event.snapshot.context] })
              },
              onDone: { target: 'off', actions: seen(note, 'done') }
            }
          },
          off: {}
        },
        on: { PUSH: { actions: ({ event }) => push(event['n']) }, END: { actions: end } }
      })
    },
    steps: schedule({ type: 'PUSH', n: 1 }, { type: 'PUSH', n: 2 }, 'UNKNOWN END', { type: 'PUSH', n: 3 })
  },

  'an observable that fails': {
    makeMachine: (note) => {
      const numbers = makeSource<number>()
      return setup({ actors: { numbers: fromObservable(() => numbers.source) } }).createMachine({
        id: 'fails',
        initial: 'on',
        states: {
          on: { invoke: { src: 'numbers', id: 'numbers', onError: { target: 'off', actions: seen(note, 'error') } } },
          off: {}
        },
        on: { PUSH: { actions: () => numbers.push(1) }, BREAK: { actions: () => numbers.break(new Error('dry')) } }
      })
    },
    steps: schedule('PUSH BREAK PUSH')
  },

  'an observable of events': {
    makeMachine: (note) => {
      const { source, push } = makeSource<EventObject>(() => note('unsubscribed'))
      return setup({ actors: { keys: fromEventObservable(() => source) } }).createMachine({
        id: 'keys',
        initial: 'on',
        states: {
          on: { invoke: { src: 'keys', id: 'keys' }, on: { KEY: { actions: seen(note, 'key') }, OFF: 'off' } },
          off: { on: { ON: 'on' } }
        },
        on: { PRESS: { actions: () => push({ type: 'KEY' }) } }
      })
    },
    steps: schedule('PRESS PRESS OFF PRESS ON PRESS')
  },

  'reducers as children, and their snapshots': {
    makeMachine: (note) =>
      setup({
        actors: { sum: fromTransition((total: number, { by }: { type: string; by: number }) => total + by, 100) }
      }).createMachine({
        id: 'sums',
        invoke: {
          src: 'sum',
          id: 'sum',
          systemId: 'total',
          onSnapshot: { actions: ({ event }) => note(String(event.snapshot.context)) }
        },
        on: {
          ADD: { actions: sendTo('sum', { type: 'ADD', by: 5 }) },
          BY_SYSTEM: { actions: sendTo(({ system }) => system.get('total') as AnyActorRef, { type: 'ADD', by: 1 }) },
          LATER: { actions: sendTo('sum', { type: 'ADD', by: 1000 }, { delay: 10 }) }
        }
      }),
    steps: schedule('ADD BY_SYSTEM LATER ADD', 10, 'BY_SYSTEM')
  },

  'a reducer that begins with its input, and holds rich values': {
    makeMachine: (note) =>
      setup({
        actors: {
          bag: fromTransition(
            (bag: Map<string, Date>, event: { type: 'PUT'; key: string }) =>
              new Map([...bag, [event.key, new Date(bag.size)]]),
            ({ input }: { input: string[] }) => new Map(input.map((key) => [key, new Date(0)]))
          )
        }
      }).createMachine({
        id: 'bags',
        invoke: { src: 'bag', id: 'bag', input: ['a'] },
        on: {
          PUT: { actions: sendTo('bag', ({ event }) => ({ type: 'PUT', key: event['key'] }) as const) },
          LOOK: { actions: ({ self }) => note('look', self.getSnapshot().children['bag']?.getSnapshot().context) }
        }
      }),
    steps: schedule({ type: 'PUT', key: 'b' }, 'LOOK', { type: 'PUT', key: 'a' }, 'LOOK')
  },

  'a spawned reducer in context': {
    makeMachine: () =>
      setup({
        types: types<{ context: { tally: AnyActorRef } }>(),
        actors: {
          tally: fromTransition(
            (counts: Record<string, number>, { type }: EventObject) => ({ ...counts, [type]: (counts[type] ?? 0) + 1 }),
            {}
          )
        }
      }).createMachine({
        id: 'tallies',
        context: ({ spawn }) => ({ tally: spawn('tally', { id: 'tally' }) }),
        on: {
          '*': {
            actions: sendTo(
              ({ context }) => context.tally,
              ({ event }) => event
            )
          }
        }
      }),
    steps: schedule('A B A C A')
  },

  'a reducer that throws': {
    makeMachine: (note) =>
      setup({
        actors: {
          strict: fromTransition((n: number, { type }: EventObject) => {
            if (type === 'BREAK') throw new Error('too strict')
            return n + 1
          }, 0)
        }
      }).createMachine({
        id: 'strict',
        initial: 'on',
        states: {
          on: { invoke: { src: 'strict', id: 'strict', onError: { target: 'off', actions: seen(note, 'error') } } },
          off: { on: { ON: 'on' } }
        },
        on: {
          ADD: { actions: sendTo('strict', { type: 'ADD' }) },
          BREAK: { actions: sendTo('strict', { type: 'BREAK' }) }
        }
      }),
    steps: schedule('ADD BREAK UNKNOWN ON ADD')
  }
})

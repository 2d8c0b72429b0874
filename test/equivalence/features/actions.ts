/** Actions: named and inline, with params, enqueued, emitted, logged; what they are told. */
import { assign, createMachine, emit, enqueueActions, log, raise, sendTo, setup } from 'xstate'
import { anyEvents, family, schedule, seen, types } from './parts.ts'

export const actionCases = family('actions', {
  'actions with params, fixed and computed': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { n: number } }>(),
        actions: { tell: (_, params: { readonly n: number; readonly text?: string }) => note('tell', params) }
      }).createMachine({
        id: 'params',
        context: { n: 1 },
        on: {
          FIXED: { actions: { type: 'tell', params: { n: 7, text: 'seven' } } },
          COMPUTED: {
            actions: [
              { type: 'tell', params: ({ context, event }) => ({ n: context.n, text: event.type }) },
              assign({ n: ({ context }) => context.n * 3 }),
              { type: 'tell', params: ({ context }) => ({ n: context.n }) }
            ]
          }
        }
      }),
    steps: schedule('FIXED COMPUTED COMPUTED FIXED')
  },

  'actions see the context of their place in the list': {
    makeMachine: (note) =>
      createMachine({
        id: 'places',
        context: { items: [] as string[] },
        on: {
          ADD: {
            actions: [
              seen(note, 'before'),
              assign({ items: ({ context, event }) => [...context.items, event.item as string] }),
              seen(note, 'between'),
              assign(({ context }) => ({ items: context.items.toReversed() })),
              seen(note, 'after')
            ]
          }
        }
      }),
    steps: schedule(...['a', 'b', 'c'].map((item) => ({ type: 'ADD', item })))
  },

  'actions enqueued by conditions': {
    makeMachine: (note) =>
      setup({
        types: types<{ context: { n: number } }>(),
        actions: { note: (_, params: { text: string }) => note(params.text) },
        guards: { isOdd: ({ context }) => context.n % 2 === 1 }
      }).createMachine({
        id: 'enqueues',
        context: { n: 0 },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue, check }) => {
              enqueue.assign({ n: ({ context }) => context.n + 1 })
              enqueue({ type: 'note', params: { text: 'named' } })
              enqueue(({ context }) => note(`inline ${context.n}`))
              if (check('isOdd')) enqueue.raise({ type: 'ODD' })
              enqueue.emit({ type: 'enqueued' })
            })
          },
          ODD: { actions: { type: 'note', params: ({ context }) => ({ text: `odd at ${context.n}` }) } }
        }
      }),
    steps: schedule('GO GO GO')
  },

  'closures made inside enqueueActions keep what they close over': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'closes',
        context: { names: ['a', 'b'] },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue, context, event }) => {
              for (const [index, name] of context.names.entries()) enqueue(() => note(name, { index, by: event.by }))
              enqueue.assign({ names: [...context.names, 'c'] })
            })
          }
        }
      }),
    steps: schedule({ type: 'GO', by: 1 }, { type: 'GO', by: 2 }, 'GO')
  },

  'enqueueActions within enqueueActions': {
    makeMachine: (note) => {
      const inner = enqueueActions(({ enqueue, context }) => {
        enqueue(() => note('inner', context))
        enqueue.raise({ type: 'INNER' })
      })
      return createMachine({
        id: 'inner',
        context: { n: 0 },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue, context }) => {
              enqueue(() => note('outer'))
              enqueue.assign({ n: context.n + 1 })
              enqueue(inner)
              enqueue(seen(note, 'last'))
            })
          },
          INNER: { actions: seen(note, 'raised') }
        }
      })
    },
    steps: schedule('GO GO')
  },

  'emits, logs and actions in one order': {
    makeMachine: (note) =>
      createMachine({
        id: 'speaks',
        entry: log('begun'),
        on: {
          GO: {
            actions: [
              () => note('first'),
              emit({ type: 'spoke', of: 1 }),
              log(({ event }) => event.type, 'heard'),
              () => note('last')
            ]
          }
        },
        exit: [() => note('over')]
      }),
    steps: schedule('GO GO')
  },

  'emitted events with the values of their moment': {
    makeMachine: () =>
      setup({
        types: types<{ context: { n: number; tags: Set<unknown> }; events: { type: 'ADD'; by?: string } }>()
      }).createMachine({
        id: 'emits',
        context: { n: 0, tags: new Set(['x']) },
        entry: emit({ type: 'begun' }),
        on: {
          ADD: {
            actions: [
              emit(({ context }) => ({ type: 'was', n: context.n, tags: context.tags })),
              assign({
                n: ({ context }) => context.n + 1,
                tags: ({ context }) => new Set([...context.tags, context.n])
              }),
              emit(({ context, event }) => ({ type: 'is', n: context.n, tags: context.tags, by: event.by }))
            ]
          }
        }
      }),
    steps: schedule({ type: 'ADD', by: 'Ada' }, 'ADD ADD')
  },

  'raised events are taken before the next one from outside': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'raised',
        initial: 'a',
        states: {
          a: { on: { GO: { target: 'b', actions: raise(({ event }) => ({ type: 'BY', by: event.by })) } } },
          b: { on: { BY: { target: 'c', actions: [seen(note, 'by'), raise({ type: 'LAST' })] } } },
          c: { on: { LAST: 'a' }, exit: seen(note, 'left') }
        }
      }),
    steps: schedule({ type: 'GO', by: 1 }, { type: 'GO', by: 2 }, 'GO')
  },

  'events sent to oneself come after those that were raised': {
    makeMachine: (note) =>
      createMachine({
        id: 'oneself',
        on: {
          GO: { actions: [sendTo(({ self }) => self, { type: 'SENT' }), raise({ type: 'RAISED' })] },
          SAY: { actions: [({ self }) => self.send({ type: 'SAID' }), raise({ type: 'RAISED' })] },
          SENT: { actions: seen(note, 'sent') },
          RAISED: { actions: seen(note, 'raised') },
          SAID: { actions: seen(note, 'said') }
        }
      }),
    steps: schedule('GO SAY GO SAY')
  },

  'an action may ask its own machine for a snapshot later': {
    makeMachine: (note) =>
      createMachine({
        id: 'later',
        initial: 'a',
        states: {
          a: { on: { GO: 'b' } },
          b: { on: { GO: 'a', TELL: { actions: ({ self }) => note('self', typeof self.send) } } }
        }
      }),
    steps: schedule('GO TELL GO TELL GO TELL')
  },

  'actions replaced by provide': {
    makeMachine: (note) =>
      setup({ actions: { greet: () => note('never') }, guards: { mayGo: () => false } })
        .createMachine({
          id: 'provided',
          initial: 'a',
          states: {
            a: { on: { GO: { guard: 'mayGo', target: 'b', actions: 'greet' } } },
            b: { entry: 'greet', on: { GO: 'a' } }
          }
        })
        .provide({ actions: { greet: seen(note, 'greet') }, guards: { mayGo: () => true } }),
    steps: schedule('GO GO GO')
  },

  'a list of actions with one that is built in between': {
    makeMachine: (note) =>
      setup({
        actions: {
          one: () => note('one'),
          up: assign({ n: ({ context }) => (context['n'] as number) + 1 }),
          two: () => note('two')
        }
      }).createMachine({
        id: 'between',
        context: { n: 0 },
        initial: 'a',
        states: {
          a: { entry: ['one', 'up', 'two'], exit: ['two', 'up', 'one'], on: { GO: 'b' } },
          b: { on: { GO: 'a' } }
        }
      }),
    steps: schedule('GO GO GO')
  },

  'what is drawn in an assign is drawn once, and kept': {
    makeMachine: (note) => {
      const numbers = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3].values()
      const draw = (): number => numbers.next().value ?? -1
      return createMachine({
        id: 'draws',
        context: () => ({ first: draw(), drawn: [] as number[] }),
        on: {
          DRAW: {
            actions: [assign({ drawn: ({ context }) => [...context.drawn, draw()] }), seen(note, 'drawn')]
          }
        }
      })
    },
    steps: schedule('DRAW DRAW UNKNOWN DRAW DRAW')
  },

  'a counter in a closure of an action counts each transition once': {
    makeMachine: (note) => {
      let runs = 0
      return createMachine({
        id: 'once',
        initial: 'a',
        states: {
          a: { on: { GO: 'b' }, after: { 10: 'b' } },
          b: { entry: () => note(`run ${++runs}`), on: { GO: 'a' } }
        }
      })
    },
    steps: schedule('GO GO', 10, 'GO GO')
  }
})

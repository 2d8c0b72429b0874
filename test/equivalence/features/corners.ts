/** Corners: odd delays, odd names, a great many. */
import { assign, createMachine, enqueueActions, raise, setup, spawnChild, stopChild } from 'xstate'
import { makeCounter } from './kin.ts'
import { anyEvents, family, schedule, seen, types, visits } from './parts.ts'

const DAY_MS = 86_400_000

export const cornerCases = family('corners', {
  'delays of days and weeks': {
    makeMachine: (note) =>
      createMachine({
        id: 'weeks',
        initial: 'trial',
        states: {
          trial: { after: { [30 * DAY_MS]: 'over', [25 * DAY_MS]: { actions: () => note('reminded') } } },
          over: { after: { [365 * DAY_MS]: 'gone' } },
          gone: { type: 'final' }
        }
      }),
    steps: schedule(25 * DAY_MS - 1, 1, 5 * DAY_MS, 364 * DAY_MS, DAY_MS)
  },

  'delays that are negative, broken or nothing': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'oddDelays',
        on: {
          SET: {
            actions: raise(({ event }) => ({ type: 'RANG', ms: event['ms'] }), {
              delay: ({ event }) => event['ms'] as number
            })
          },
          RANG: { actions: seen(note, 'rang') }
        }
      }),
    steps: schedule(
      { type: 'SET', ms: -5 },
      { type: 'SET', ms: 0.5 },
      1,
      { type: 'SET', ms: 0 },
      1,
      { type: 'SET', ms: -0 },
      1
    )
  },

  'states with odd names': {
    makeMachine: (note) =>
      createMachine({
        id: 'odd names',
        initial: '2',
        states: {
          '2': { ...visits(note, '2'), on: { NEXT: '1' } },
          '1': { on: { NEXT: 'warten auf Ö' } },
          'warten auf Ö': {
            initial: 'constructor',
            states: {
              constructor: { ...visits(note, 'constructor'), on: { NEXT: 'toString' } },
              toString: {},
              last: { type: 'history' }
            },
            on: { BACK: '2' }
          }
        },
        on: { LAST: '.warten auf Ö.last' }
      }),
    steps: schedule('NEXT NEXT NEXT BACK LAST')
  },

  'children with odd ids, in the order in which they came': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'oddIds',
        on: {
          ADD: { actions: spawnChild('counter', { id: ({ event }) => event['id'] as string }) },
          DROP: { actions: stopChild(({ event }) => event['id'] as string) },
          LOOK: { actions: ({ self }) => note('children', Object.keys(self.getSnapshot().children)) }
        }
      }),
    steps: schedule(
      ...['z.y', 'a', '7', 'constructor', ''].map((id) => ({ type: 'ADD', id })),
      'LOOK',
      { type: 'DROP', id: 'a' },
      { type: 'ADD', id: 'a' },
      'LOOK'
    )
  },

  'events with odd types': {
    makeMachine: (note) =>
      createMachine({
        id: 'oddTypes',
        on: {
          constructor: { actions: () => note('constructor') },
          'a b': { actions: () => note('a b') },
          'ö.*': { actions: () => note('ö.*') },
          '*': { actions: ({ event }) => note('any', event.type) }
        }
      }),
    steps: schedule(
      { type: 'constructor' },
      { type: 'a b' },
      { type: 'ö.ü' },
      { type: 'toString' },
      { type: '__proto__' }
    )
  },

  'fields of events that are undefined, or have odd names': {
    makeMachine: (note) =>
      anyEvents.createMachine({
        id: 'fields',
        on: { GO: { actions: ({ event }) => note('keys', [Object.keys(event), event]) } }
      }),
    steps: schedule(
      { type: 'GO', a: undefined },
      { b: 1, type: 'GO', '2': 2, '1': 1 },
      JSON.parse('{"type":"GO","__proto__":{"x":1}}')
    )
  },

  'what a snapshot can tell of itself after it was stored': {
    makeMachine: (note) =>
      createMachine({
        id: 'tells',
        initial: 'a',
        context: { isOpen: false },
        states: {
          a: { tags: 'first', on: { GO: { guard: ({ context }) => context.isOpen, target: 'b' } } },
          b: { tags: 'second' }
        },
        on: {
          OPEN: { actions: assign({ isOpen: true }) },
          LOOK: {
            actions: ({ self }) => {
              const snapshot = self.getSnapshot()
              note('look', [
                snapshot.can({ type: 'GO' }),
                snapshot.can({ type: 'NO' }),
                snapshot.matches('a'),
                snapshot.hasTag('first')
              ])
            }
          }
        }
      }),
    steps: schedule('LOOK OPEN LOOK GO LOOK')
  },

  'a great many raised events in one transition': {
    makeMachine: (note) =>
      setup({
        types: types<{
          context: { sum: number }
          events: { type: 'GO' } | { type: 'LOOK' } | { type: 'ADD'; n: number }
        }>()
      }).createMachine({
        id: 'many',
        context: { sum: 0 },
        on: {
          GO: {
            actions: enqueueActions(({ enqueue }) => {
              for (let n = 1; n <= 200; n++) enqueue.raise({ type: 'ADD', n })
            })
          },
          ADD: {
            actions: assign({ sum: ({ context, event }) => context.sum + event.n })
          },
          LOOK: { actions: seen(note, 'sum') }
        }
      }),
    steps: schedule('GO LOOK GO LOOK')
  },

  'an event whose type is empty': {
    makeMachine: (note) => createMachine({ id: 'empty', on: { '*': { actions: ({ event }) => note('any', event) } } }),
    steps: schedule('GO', { type: '' }),
    differsBy: 'Events in `send`'
  }
})

/** What contexts, events, input and output may hold. */
import { assign, createMachine } from 'xstate'
import { family, schedule, seen } from './parts.ts'

/** A machine that keeps, under `kept`, what it is sent, and tells what it sees of it. */
const keeps = (id: string, start: unknown) => (note: Parameters<typeof seen>[0]) =>
  createMachine({
    id,
    context: { kept: start },
    on: {
      KEEP: { actions: [seen(note, 'kept until now'), assign({ kept: ({ event }) => event.value })] },
      LOOK: { actions: seen(note, 'look') }
    }
  })

interface Given {
  readonly at: Date
  readonly ids: Set<bigint>
}

const keep = (value: unknown) => ({ type: 'KEEP', value })

export const valueCases = family('values', {
  'dates and durations': {
    makeMachine: (note) =>
      createMachine({
        id: 'dates',
        context: { since: new Date(0), days: 0 },
        on: {
          NOW: {
            actions: [
              assign({
                days: ({ context, event }) => (event.at.getTime() - context.since.getTime()) / 86_400_000,
                since: ({ event }) => event.at
              }),
              seen(note, 'now')
            ]
          }
        }
      }),
    steps: schedule(...[1, 3, 10].map((days) => ({ type: 'NOW', at: new Date(days * 86_400_000) })))
  },

  'maps and sets, in the order of their making': {
    makeMachine: (note) =>
      createMachine({
        id: 'maps',
        context: { stock: new Map<string, number>([['pear', 1]]), seen: new Set<unknown>() },
        on: {
          PUT: {
            actions: [
              assign({
                stock: ({ context, event }) => new Map([...context.stock, [event.what, event.n]]),
                seen: ({ context, event }) => new Set([event.what, ...context.seen])
              }),
              ({ context }) => note('keys', [[...context.stock.keys()], [...context.seen]])
            ]
          }
        }
      }),
    steps: schedule(...['fig', 'pear', 'apple', 'fig'].map((what, n) => ({ type: 'PUT', what, n })))
  },

  'numbers that JSON does not have': {
    makeMachine: keeps('numbers', Number.NaN),
    steps: schedule(
      'LOOK',
      keep([Infinity, -Infinity, -0, 0]),
      'LOOK',
      keep(2n ** 70n),
      'LOOK',
      keep(Number.NaN),
      'LOOK'
    )
  },

  'undefined, null and what is not there': {
    makeMachine: keeps('absent', undefined),
    steps: schedule(
      'LOOK',
      keep({ a: undefined, b: null }),
      'LOOK',
      keep([undefined, null]),
      'LOOK',
      keep(null),
      'LOOK'
    )
  },

  'keys in the order of their making': {
    makeMachine: (note) =>
      createMachine({
        id: 'keys',
        context: { bag: {} },
        on: {
          PUT: {
            actions: [
              assign({ bag: ({ context, event }) => ({ [event.key]: 1, ...context.bag }) }),
              ({ context }) => note('keys', Object.keys(context.bag))
            ]
          }
        }
      }),
    steps: schedule(...['z', 'a', 'longer', '10', '2', 'm'].map((key) => ({ type: 'PUT', key })))
  },

  'errors with a cause and fields': {
    makeMachine: keeps('errors', new RangeError('too far', { cause: new Error('too near') })),
    steps: schedule('LOOK', keep(Object.assign(new TypeError('bad'), { code: 'E1' })), 'LOOK LOOK')
  },

  'expressions, addresses and bytes': {
    makeMachine: keeps('bytes', new Uint8Array([1, 2, 255])),
    steps: schedule(
      'LOOK',
      keep(/a+b/gi),
      'LOOK',
      keep(new URL('https://example.com/a?b=c')),
      'LOOK',
      keep(new Float64Array([0.1, Number.NaN])),
      'LOOK'
    )
  },

  'text that JSON and databases stumble over': {
    makeMachine: keeps('text', '\u0000 and \\u0000'),
    steps: schedule(
      'LOOK',
      keep('\uD800 alone'),
      'LOOK',
      keep({ '\u0000': '"\'\\\n\u2028', $type: 'Date', ключ: '🚲' }),
      'LOOK',
      keep(''),
      'LOOK'
    )
  },

  'objects that look like the stored form of something else': {
    makeMachine: keeps('looks', { $type: 'Map', value: [['a', 1]] }),
    steps: schedule('LOOK', keep({ $type: 'undefined' }), 'LOOK', keep([{ $type: { $type: 1 } }]), 'LOOK')
  },

  'values within values': {
    makeMachine: keeps('within', new Map<unknown, unknown>([[new Date(1), new Set([new Map([[1n, undefined]])])]])),
    steps: schedule('LOOK', keep({ a: [new Set([{ b: new Date(2) }])] }), 'LOOK LOOK')
  },

  'input with rich values': {
    makeMachine: (note) =>
      createMachine({
        id: 'input',
        types: {} as { context: { given: Given }; input: Given },
        context: ({ input }) => ({ given: input }),
        entry: seen(note, 'begun'),
        on: { AGE: { actions: ({ context }) => note('age', [context.given.at.getTime(), context.given.ids.has(7n)]) } }
      }),
    input: { at: new Date(9), ids: new Set([7n]), none: undefined },
    steps: schedule('AGE AGE')
  },

  'output with rich values': {
    makeMachine: () =>
      createMachine({
        id: 'output',
        initial: 'on',
        context: { n: 1 },
        states: {
          on: { on: { MORE: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: 'off' } },
          off: { type: 'final' }
        },
        output: ({ context }) => new Map([[new Date(context.n), [undefined, context.n, BigInt(context.n)]]])
      }),
    steps: schedule('MORE MORE END MORE')
  },

  'a context made by a function, from nothing': {
    makeMachine: (note) =>
      createMachine({
        id: 'function',
        context: () => ({ list: [] as number[], nothing: undefined }),
        on: {
          PUSH: {
            actions: [assign({ list: ({ context }) => [...context.list, context.list.length] }), seen(note, 'pushed')]
          }
        }
      }),
    steps: schedule('PUSH PUSH PUSH')
  }
})

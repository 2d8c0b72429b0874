/** Children with children of their own: what becomes of the small when those between end, fail or are stopped. */
import { createMachine, fromCallback, fromTransition, sendTo, setup, spawnChild, stopChild } from 'xstate'
import type { Note } from '../case.ts'
import { makeTicker } from './kin.ts'
import { fail, family, schedule, seen } from './parts.ts'

/** Has a ticking child and a watching one; ends (END) and fails (BREAK) when asked to. */
const makeMother = (note: Note) =>
  setup({
    actors: { ticker: makeTicker(note), watch: fromCallback(() => () => note('watch cleans up')) }
  }).createMachine({
    id: 'mother',
    entry: [spawnChild('ticker', { id: 'ticker' }), spawnChild('watch', { id: 'watch' })],
    initial: 'on',
    states: { on: { on: { END: 'off', BREAK: { guard: fail('broken') } } }, off: { type: 'final' } },
    on: { TICKED: { actions: () => note('mother heard') } },
    exit: () => note('mother leaves'),
    output: 'mother'
  })

const makeGrandmother = (note: Note) =>
  setup({ actors: { mother: makeMother(note) } }).createMachine({
    id: 'grandmother',
    initial: 'with',
    states: {
      with: {
        invoke: {
          src: 'mother',
          id: 'mother',
          onDone: { target: 'without', actions: seen(note, 'done') },
          onError: { target: 'without', actions: seen(note, 'failed') }
        },
        on: {
          END: { actions: sendTo('mother', { type: 'END' }) },
          BREAK: { actions: sendTo('mother', { type: 'BREAK' }) },
          LEAVE: 'without'
        }
      },
      without: { on: { BACK: 'with' } }
    }
  })

export const generationCases = family('children', {
  'the children of a child that ends': {
    makeMachine: makeGrandmother,
    steps: schedule(10, 'END', 10, 'BACK', 10)
  },

  'the children of a child whose state is left': {
    makeMachine: makeGrandmother,
    steps: schedule(10, 'LEAVE', 10, 'BACK', 10)
  },

  'the children of a child that fails': {
    makeMachine: makeGrandmother,
    steps: schedule(10, 'BREAK', 10, 'BACK', 10),
    differsBy: 'Children, when the machine above them ends, fails or is stopped'
  },

  'the reducer of a child that fails hears that it is stopped': {
    makeMachine: () => {
      const counts = fromTransition((heard: number) => heard + 1, 0)
      const mother = setup({ actors: { counts } }).createMachine({
        id: 'mother',
        invoke: { src: 'counts', id: 'counts' },
        on: { BREAK: { guard: fail('broken') } }
      })
      return setup({ actors: { mother } }).createMachine({
        id: 'grandmother',
        invoke: { src: 'mother', id: 'mother', onError: {} },
        on: { BREAK: { actions: sendTo('mother', { type: 'BREAK' }) } }
      })
    },
    steps: schedule('BREAK'),
    differsBy: 'Children, when the machine above them ends, fails or is stopped'
  },

  'the children of a child that is stopped by an action': {
    makeMachine: (note) =>
      setup({ actors: { mother: makeMother(note) } }).createMachine({
        id: 'stops',
        entry: spawnChild('mother', { id: 'mother' }),
        on: { STOP: { actions: stopChild('mother') }, START: { actions: spawnChild('mother', { id: 'mother' }) } }
      }),
    steps: schedule(10, 'STOP', 10, 'START', 10)
  },

  'the children of a root that ends by itself': {
    makeMachine: (note) =>
      setup({ actors: { mother: makeMother(note) } }).createMachine({
        id: 'rootEnds',
        invoke: { src: 'mother', id: 'mother' },
        initial: 'on',
        states: { on: { after: { 15: 'off' } }, off: { type: 'final', entry: () => note('off') } }
      }),
    steps: schedule(10, 5, 10)
  },

  'a child of the same machine as its parent': {
    makeMachine: (note) => {
      const leaf = createMachine({
        id: 'leaf',
        initial: 'on',
        states: { on: { after: { 10: 'off' } }, off: { type: 'final' } }
      })
      const nested = setup({ actors: { inner: leaf } }).createMachine({
        id: 'nested',
        initial: 'on',
        states: {
          on: {
            invoke: { src: 'inner', id: 'inner', onDone: { target: 'off', actions: seen(note, 'inner is done') } }
          },
          off: { type: 'final' }
        }
      })
      // XState's types do not foresee a machine that takes its own place.
      return nested.provide({ actors: { inner: nested as never } })
    },
    steps: schedule(5, 5, 5)
  }
})

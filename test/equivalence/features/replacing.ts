/** Children that take the place of others: the same id, the same systemId, the same state again. */
import { type AnyActorRef, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { makeCounter, makeTicker } from './kin.ts'
import { family, schedule, seen } from './parts.ts'

export const replacingCases = family('children', {
  'a child that is replaced by another of its id in one transition': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'replaced',
        entry: spawnChild('ticker', { id: 'ticker' }),
        on: {
          RENEW: { actions: [stopChild('ticker'), spawnChild('ticker', { id: 'ticker' })] },
          TICKED: { actions: seen(note, 'ticked') }
        }
      }),
    steps: schedule(5, 'RENEW', 5, 5, 'RENEW', 10, 20)
  },

  'a child that is replaced by one of other logic': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note), counter: makeCounter(note) } }).createMachine({
        id: 'other',
        initial: 'a',
        states: {
          a: { invoke: { src: 'counter', id: 'child', input: { from: 3 } }, on: { SWAP: 'b' } },
          b: { invoke: { src: 'ticker', id: 'child' }, on: { SWAP: 'a' } }
        },
        on: { UP: { actions: sendTo('child', { type: 'UP' }) } }
      }),
    steps: schedule('UP SWAP', 10, 'UP SWAP UP', 30)
  },

  'a child in a state that history brings back': {
    makeMachine: (note) =>
      setup({ actors: { ticker: makeTicker(note) } }).createMachine({
        id: 'broughtBack',
        initial: 'work',
        states: {
          work: {
            initial: 'a',
            states: {
              a: { on: { NEXT: 'b' } },
              b: { invoke: { src: 'ticker', id: 'ticker' } },
              last: { type: 'history', history: 'deep' }
            },
            on: { PAUSE: 'paused' }
          },
          paused: { on: { RESUME: 'work.last' } }
        },
        on: { TICKED: { actions: seen(note, 'ticked') } }
      }),
    steps: schedule('NEXT', 10, 'PAUSE', 10, 'RESUME', 5, 5, 'PAUSE RESUME', 30)
  },

  'one systemId, taken by one child after the other': {
    makeMachine: (note) =>
      setup({ actors: { counter: makeCounter(note) } }).createMachine({
        id: 'inTurn',
        initial: 'a',
        states: {
          a: {
            invoke: { src: 'counter', id: 'one', systemId: 'counter', input: { from: 10 } },
            on: { SWAP: 'b' }
          },
          b: {
            invoke: { src: 'counter', id: 'two', systemId: 'counter', input: { from: 20 } },
            on: { SWAP: 'a' }
          }
        },
        on: { UP: { actions: sendTo(({ system }) => system.get('counter') as AnyActorRef, { type: 'UP' }) } }
      }),
    steps: schedule('UP SWAP UP SWAP UP')
  }
})

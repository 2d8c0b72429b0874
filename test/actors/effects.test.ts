import { assign, createMachine, enqueueActions, fromCallback, fromPromise, sendTo, setup, stopChild } from 'xstate'
import { expect, test } from 'vitest'
import { TreeStage, types } from './tree-stage.ts'

const effectsOf = ({ effects }: TreeStage): readonly string[] =>
  effects.filter(({ kind }) => kind !== 'observe').map(({ kind, sessionId }) => `${kind} ${sessionId.split(':')[1]}`)

const listener = setup({ actors: { listen: fromCallback(() => {}), wait: fromPromise(() => new Promise(() => {})) } })
const start = { kind: 'start', input: undefined } as const
const event = (type: string) => ({ kind: 'event', event: { type } }) as const

test('work that a turn starts and stops neither starts, nor hears of events, nor stops', () => {
  const machine = listener.createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: { invoke: { src: 'listen', id: 'l' }, exit: sendTo('l', { type: 'BYE' }), on: { GO: 'b' } },
      b: { invoke: { src: 'wait' } }
    }
  })
  const actor = new TreeStage(machine)
  actor.compute(start, event('GO'))
  expect(effectsOf(actor)).toEqual(['start 2'])
})

test('work that ran before a turn hears of its events, then stops', () => {
  const machine = listener.createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { invoke: { src: 'listen', id: 'l' }, exit: sendTo('l', { type: 'BYE' }), on: { GO: 'b' } }, b: {} }
  })
  const actor = new TreeStage(machine).start()
  actor.compute(event('GO'))
  expect(effectsOf(actor)).toEqual(['deliver 1', 'stop 1'])
})

test('work stopped and work started under the same id are two sessions', () => {
  const machine = listener.createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { invoke: { src: 'listen', id: 'l' }, on: { AGAIN: { target: 'a', reenter: true } } } }
  })
  const actor = new TreeStage(machine).start()
  actor.compute(event('AGAIN'), event('AGAIN'))
  expect(effectsOf(actor)).toEqual(['stop 1', 'start 3'])
})

test('an action made on the spot, and one stopped with its actor, come in native order', () => {
  const child = createMachine({ id: 'child', entry: () => 'in', exit: () => 'out' })
  const machine = setup({ types: types<{ context: { on: boolean } }>(), actors: { child } }).createMachine({
    id: 'm',
    context: { on: false },
    on: {
      GO: {
        actions: enqueueActions(({ enqueue }) => {
          enqueue.spawnChild('child', { id: 'c' })
          enqueue(() => 'between')
        })
      },
      END: { actions: [() => 'before', stopChild('c'), assign({ on: true })] }
    }
  })
  const actor = new TreeStage(machine).start()
  actor.compute(event('GO'))
  expect(effectsOf(actor)).toEqual(['action 0', 'action 1'])
  actor.compute(event('END'))
  expect(effectsOf(actor)).toEqual(['action 0'])
})

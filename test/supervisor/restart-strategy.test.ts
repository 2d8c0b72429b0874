/** The decision table of a supervisor, row by row. */
import { describe, expect, test } from 'vitest'
import {
  type ChildExit,
  type Member,
  type Strategy,
  calculatePauseMs,
  decideRestart,
  keepRecent
} from '../../src/supervisor/restart-strategy.ts'

const members: readonly Member[] = [
  { name: 'a', restart: 'permanent' },
  { name: 'b', restart: 'transient' },
  { name: 'c', restart: 'temporary' },
  { name: 'd', restart: 'permanent' }
]
const nothing = { stop: [], start: [], giveUp: false }

function decide(strategy: Strategy, name: string, reason: ChildExit['reason'] = 'failure') {
  return decideRestart({ strategy, maxRestarts: 3, withinMs: 1000 }, members, { name, reason, at: 0 }, [])
}

describe('who comes back', () => {
  test('a permanent child comes back however it ended', () => {
    expect(decide('oneForOne', 'a', 'normal').start).toEqual(['a'])
    expect(decide('oneForOne', 'a', 'failure').start).toEqual(['a'])
  })
  test('a transient child comes back after a failure only', () => {
    expect(decide('oneForOne', 'b', 'normal')).toEqual(nothing)
    expect(decide('oneForOne', 'b', 'failure').start).toEqual(['b'])
  })
  test('a temporary child never comes back, and concerns nobody', () => {
    expect(decide('oneForAll', 'c', 'normal')).toEqual(nothing)
    expect(decide('oneForAll', 'c', 'failure')).toEqual(nothing)
  })
  test('a transient child that ended well concerns nobody', () => {
    expect(decide('oneForAll', 'b', 'normal')).toEqual(nothing)
  })
})

describe('who goes with it', () => {
  test('oneForOne restarts the child alone', () => {
    expect(decide('oneForOne', 'b')).toEqual({ stop: [], start: ['b'], giveUp: false })
  })
  test('oneForAll stops the others in reverse order and starts all in order, but for temporary ones', () => {
    expect(decide('oneForAll', 'b')).toEqual({ stop: ['d', 'c', 'a'], start: ['a', 'b', 'd'], giveUp: false })
  })
  test('restForOne stops those after it in reverse order and starts it and them in order', () => {
    expect(decide('restForOne', 'b')).toEqual({ stop: ['d', 'c'], start: ['b', 'd'], giveUp: false })
  })
})

describe('giving up', () => {
  const policy = { strategy: 'oneForOne', maxRestarts: 2, withinMs: 100 } as const
  const fail = (at: number, history: readonly number[]) =>
    decideRestart(policy, members, { name: 'b', reason: 'failure', at }, history)

  test('as many restarts as allowed are made', () => {
    expect(fail(90, [0]).giveUp).toBe(false)
  })
  test('one restart more within the window gives up, and stops all others in reverse order', () => {
    expect(fail(90, [0, 50])).toEqual({ stop: ['d', 'c', 'a'], start: [], giveUp: true })
  })
  test('a restart at the edge of the window counts, one before it does not', () => {
    expect(fail(100, [0, 50]).giveUp).toBe(true)
    expect(fail(101, [0, 50]).giveUp).toBe(false)
    expect(keepRecent(policy, [0, 50], 101)).toEqual([50])
  })
  test('restarts of before the clock was set back do not count', () => {
    expect(keepRecent(policy, [5_000, 50], 101)).toEqual([50])
  })
  test('with no restart allowed the first failure gives up', () => {
    const never = { ...policy, maxRestarts: 0 }
    expect(decideRestart(never, members, { name: 'a', reason: 'failure', at: 0 }, []).giveUp).toBe(true)
  })
  test('an end that asks for no restart never gives up', () => {
    const never = { ...policy, maxRestarts: 0 }
    expect(decideRestart(never, members, { name: 'c', reason: 'failure', at: 0 }, []).giveUp).toBe(false)
  })
})

test('a name that is no child is a programmer error', () => {
  expect(() => decide('oneForOne', 'x')).toThrow('x is not a child')
})

test('the pause before a restart doubles up to a second', () => {
  expect([1, 2, 3, 8, 50].map(calculatePauseMs)).toEqual([10, 20, 40, 1000, 1000])
})

/** Supervisors with real fibers: order, strategies, kinds of children. The rest is in supervisor-faults.test.ts. */
import { Effect, Exit } from 'effect'
import { describe, expect, test, vi } from 'vitest'
import type { ChildSpec } from '../../src/supervisor/supervisor.ts'
import { Stage, buildOptions, open, openThree } from './stage.ts'

/** Resolves at its own pace, to give others a chance to overtake. */
const laterTurn = Effect.promise(() => new Promise((done) => setImmediate(done)))

describe('order', () => {
  test('a child starts when the one before it is up', async () => {
    const stage = new Stage()
    await open(buildOptions(stage, [stage.child('a', 'permanent', laterTurn), stage.child('b')])).started
    expect(stage.log).toEqual(['+a', 'a up', '+b', 'b up'])
  })

  test('children stop in reverse order', async () => {
    const stage = new Stage()
    const tree = await openThree(stage, 'oneForOne')
    await tree.stop()
    expect(stage.log).toEqual(['-c', '-b', '-a'])
    expect(await tree.ended).toEqual(Exit.void)
  })

  test('children stop in reverse order also after restarts in another order', async () => {
    const stage = new Stage()
    const tree = await openThree(stage, 'oneForOne')
    stage.crash('a')
    await stage.saw('a up')
    stage.log.length = 0
    await tree.stop()
    expect(stage.log).toEqual(['-c', '-b', '-a'])
  })
})

describe('strategies', () => {
  test('oneForOne restarts the child that crashed and nobody else', async () => {
    const stage = new Stage()
    await openThree(stage, 'oneForOne')
    stage.crash('b')
    await stage.saw('b up')
    expect(stage.log).toEqual(['crash b', '-b', '+b', 'b up'])
  })

  test('oneForAll stops all in reverse order and starts all in order', async () => {
    const stage = new Stage()
    await openThree(stage, 'oneForAll')
    stage.crash('b')
    await stage.saw('c up')
    expect(stage.log).toEqual(['crash b', '-b', '-c', '-a', '+a', 'a up', '+b', 'b up', '+c', 'c up'])
  })

  test('restForOne leaves those before it alone', async () => {
    const stage = new Stage()
    await openThree(stage, 'restForOne')
    stage.crash('b')
    await stage.saw('c up')
    expect(stage.log).toEqual(['crash b', '-b', '-c', '+b', 'b up', '+c', 'c up'])
  })

  test('two that crash at the same moment are both reported and restarted once', async () => {
    const stage = new Stage()
    const tree = await openThree(stage, 'oneForAll')
    stage.crash('a')
    stage.crash('b')
    await stage.saw('c up')
    expect(stage.log.filter((entry) => entry.startsWith('crash'))).toEqual(['crash a', 'crash b'])
    expect(tree.children().map((child) => child.restarts)).toEqual([1, 1, 1])
  })
})

describe('kinds of children', () => {
  test('a transient child that ends well stays away, and the tree says so', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a', 'transient'), stage.child('b')]))
    await tree.started
    stage.finish('a')
    await stage.saw('-a')
    await vi.waitUntil(() => tree.children()[0]?.state === 'ended', { interval: 1 })
    expect(stage.crashes).toEqual([])
    expect(tree.children()[1]?.state).toBe('running')
  })

  test('a transient child that crashes comes back', async () => {
    const stage = new Stage()
    await open(buildOptions(stage, [stage.child('a', 'transient')])).started
    stage.crash('a')
    await stage.saw('a up', 2)
  })

  test('a permanent child that ends well comes back', async () => {
    const stage = new Stage()
    await open(buildOptions(stage, [stage.child('a')])).started
    stage.finish('a')
    await stage.saw('a up', 2)
    expect(stage.crashes).toEqual([])
  })

  test('a temporary child that crashes is reported and stays away', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a', 'temporary')]))
    await tree.started
    stage.crash('a')
    await vi.waitUntil(() => tree.children()[0]?.state === 'ended', { interval: 1 })
    expect(stage.log).toEqual(['+a', 'a up', 'crash a', '-a'])
  })

  test('a temporary child that is stopped for another does not come back', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a'), stage.child('b', 'temporary')], 'oneForAll'))
    await tree.started
    stage.crash('a')
    await stage.saw('a up', 2)
    expect(tree.children().map((child) => child.state)).toEqual(['running', 'ended'])
    expect(stage.log.filter((entry) => entry === '+b')).toHaveLength(1)
  })

  test('a child that has ended for good does not come back with the others', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a', 'transient'), stage.child('b')], 'oneForAll'))
    await tree.started
    stage.finish('a')
    await vi.waitUntil(() => tree.children()[0]?.state === 'ended', { interval: 1 })
    stage.crash('b')
    await stage.saw('b up', 2)
    expect(stage.log.filter((entry) => entry === '+a')).toHaveLength(1)
  })

  test('a run that interrupts itself has crashed', async () => {
    const stage = new Stage()
    const suicidal: ChildSpec = {
      name: 'a',
      restart: 'temporary',
      start: Effect.succeed({ run: Effect.interrupt })
    }
    await open(buildOptions(stage, [suicidal])).started
    await stage.saw('crash a')
  })
})

/** The picker of one queue: how much it asks for, and when it looks again. */
import { describe, expect, test } from 'vitest'
import { openPicker } from './picker-stage.ts'

describe('demand', () => {
  test('a picker asks for as many rows as its queue may still execute, and wakes them', async () => {
    const stage = await openPicker({ concurrency: 3 })
    await stage.insert(5)
    await stage.poke()
    expect(stage.looks).toEqual([3, 3])
    expect(stage.engine.room.executing('default')).toBe(3)
  })

  test('a queue that is full asks the database for nothing, however long, and however often it is poked', async () => {
    const stage = await openPicker({ concurrency: 2 })
    await stage.insert(3)
    await stage.poke()
    const before = stage.looks.length
    for (let times = 0; times < 5; times++) {
      await stage.pass(2_000)
      await stage.poke()
    }
    expect(stage.looks).toHaveLength(before)
  })

  test('what becomes free is asked for soon, and no more than that', async () => {
    const stage = await openPicker({ concurrency: 2, pollMs: 60_000 })
    await stage.insert(3)
    await stage.poke()
    await stage.finishOne()
    await stage.pass(10)
    expect(stage.looks).toEqual([2, 2, 1])
    expect(stage.engine.room.executing('default')).toBe(2)
  })

  test('no more rows are asked for than memory has room for', async () => {
    const stage = await openPicker({ concurrency: 10, maxResident: 2 })
    await stage.insert(5)
    await stage.poke()
    expect(stage.looks).toEqual([2, 2])
    expect(stage.engine.registry.size).toBe(2)
  })

  test('one look asks for two hundred rows at most, and the next follows soon', async () => {
    const stage = await openPicker({ concurrency: 500, pollMs: 60_000 })
    await stage.insert(300)
    await stage.poke()
    expect(stage.looks).toEqual([200, 200])
    await stage.pass(10)
    expect(stage.looks).toEqual([200, 200, 200])
    expect(stage.engine.registry.size).toBe(300)
  })
})

describe('idle', () => {
  test('a picker that found nothing looks again after the poll, and not before', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 1_000 })
    await stage.pass(999)
    expect(stage.looks).toHaveLength(1)
    await stage.pass(1)
    expect(stage.looks).toHaveLength(2)
  })

  test('a row that falls due before the next poll is picked when it is due', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 1_000 })
    await stage.insert(1, { startInMs: 300 })
    await stage.poke()
    await stage.pass(299)
    expect(stage.looks).toHaveLength(2)
    await stage.pass(1)
    expect(stage.looks).toHaveLength(3)
    expect(stage.engine.registry.size).toBe(1)
  })

  test('a row that falls due after the next poll does not put that off', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 1_000 })
    await stage.insert(1, { startInMs: 5_000 })
    await stage.poke()
    await stage.pass(1_000)
    expect(stage.looks).toHaveLength(3)
  })

  test('rows that are due but not given are asked for again after a pause, not at once', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 1_000 })
    await stage.insert(1, { startInMs: 300 })
    await stage.poke()
    await stage.expire()
    await stage.pass(300)
    await stage.pass(49)
    expect(stage.looks).toHaveLength(3)
    await stage.pass(1)
    expect(stage.looks).toHaveLength(4)
  })

  test('each such pause is twice as long as the one before, up to the poll', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 150 })
    await stage.insert(1, { startInMs: 100 })
    await stage.poke()
    await stage.expire()
    await stage.pass(100)
    for (const [n, pauseMs] of [50, 100, 150, 150].entries()) {
      await stage.pass(pauseMs - 1)
      expect(stage.looks).toHaveLength(3 + n)
      await stage.pass(1)
      expect(stage.looks).toHaveLength(4 + n)
    }
  })

  test('a node that is no member looks for nothing, and again once it is one', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 1_000 })
    stage.setMember(false)
    await stage.pass(5_000)
    await stage.poke()
    expect(stage.looks).toHaveLength(1)
    stage.setMember(true)
    await stage.pass(1_000)
    expect(stage.looks).toHaveLength(2)
  })
})

describe('a partition', () => {
  test('of which a row is put aside has the queue looked at again soon, and once', async () => {
    const stage = await openPicker({ concurrency: 3, pollMs: 60_000 })
    await stage.insert(2, { partitionKey: 'tenant' })
    await stage.poke()
    expect(stage.engine.registry.size).toBe(1)
    await stage.pass(10)
    expect(stage.looks).toEqual([3, 3, 2])
    await stage.pass(5_000)
    expect(stage.looks).toHaveLength(3)
  })
})

describe('a poke', () => {
  test('has a picker that pauses look at once', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 60_000 })
    await stage.insert(1)
    await stage.poke()
    expect(stage.looks).toHaveLength(2)
    expect(stage.engine.registry.size).toBe(1)
  })

  test('during a look brings one more look after it', async () => {
    const stage = await openPicker({ concurrency: 1, pollMs: 60_000 })
    const release = stage.hold()
    await stage.poke()
    await stage.poke()
    await stage.poke()
    expect(stage.looks).toHaveLength(2)
    await release()
    expect(stage.looks).toHaveLength(3)
  })
})

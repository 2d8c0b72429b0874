/** Permits of named limits: tokens, slots, and what frees them. */
import { describe, expect, it } from 'vitest'
import type { PermitRequest, PermitResult } from '../../../src/persistence/store.ts'
import { HOUR_MS, uniqueId } from './world.ts'
import type { World } from './world.ts'

/** One token an hour: within a test none comes. */
const hourly = (burst: number): Pick<PermitRequest, 'rate'> => ({ rate: { tokensPerMs: 1 / HOUR_MS, burst } })
const GRANTED = { kind: 'granted', inMs: 0 }
const FULL = { kind: 'refused', by: 'concurrency', retryInMs: null }

export function permitRules(world: World): void {
  /** A request for a limit of its own, by a holder of its own. */
  const request = (fields: Partial<PermitRequest> = {}): PermitRequest => ({
    limit: uniqueId(),
    partition: '',
    weight: 1,
    holder: uniqueId(),
    rate: null,
    concurrency: null,
    ...fields
  })
  /** So many requests for one limit, each by another holder. */
  const requests = (count: number, fields: Partial<PermitRequest>): readonly PermitRequest[] => {
    const limit = uniqueId()
    return Array.from({ length: count }, () => request({ limit, ...fields }))
  }
  const take = (asked: readonly PermitRequest[], node = world.node): Promise<readonly PermitResult[]> =>
    world.store.permits.take(node, asked)
  const grantsOf = (results: readonly PermitResult[]): readonly boolean[] =>
    results.map(({ kind }) => kind === 'granted')

  describe('a rate', () => {
    it('gives as many tokens as its burst, to the first of a batch, and then one after the other as they come', async () => {
      const asked = requests(5, hourly(3))
      const results = await take(asked)
      expect(grantsOf(results)).toEqual([true, true, true, false, false])
      const waits = results.slice(3).map((result) => (result.kind === 'refused' ? (result.retryInMs ?? 0) : 0))
      expect(waits[0]).toBeGreaterThan(0.9 * HOUR_MS)
      expect(waits[0]).toBeLessThanOrEqual(HOUR_MS + 1)
      expect(waits[1]).toBeGreaterThan(1.9 * HOUR_MS)
      expect(results[4]).toMatchObject({ kind: 'refused', by: 'rate' })
    })

    it('gives what is there within a quarter of a second ahead, with the time until then', async () => {
      const asked = requests(7, { rate: { tokensPerMs: 1 / 100, burst: 1 } })
      const results = await take(asked)
      expect(grantsOf(results)).toEqual([true, true, true, false, false, false, false])
      const waits = results.map((result) => (result.kind === 'granted' ? result.inMs : (result.retryInMs ?? 0)))
      expect(waits.map(Math.round)).toEqual([0, 100, 200, 50, 150, 250, 350])
    })

    it('remembers what it has given from one batch to the next', async () => {
      const asked = requests(4, hourly(3))
      expect(grantsOf(await take(asked.slice(0, 2)))).toEqual([true, true])
      expect(grantsOf(await take(asked.slice(2)))).toEqual([true, false])
    })

    it('takes as many tokens as a request weighs, and lets no light one overtake a heavy one', async () => {
      const [light, heavy, late] = requests(3, hourly(3)) as [PermitRequest, PermitRequest, PermitRequest]
      expect(grantsOf(await take([light, { ...heavy, weight: 3 }, late]))).toEqual([true, false, false])
      expect(grantsOf(await take([late]))).toEqual([true])
    })

    it('is another for each partition, and for each limit', async () => {
      const limit = uniqueId()
      const asked = ['a', 'a', 'b', ''].map((partition) => request({ limit, partition, ...hourly(1) }))
      expect(grantsOf(await take([...asked, request(hourly(1))]))).toEqual([true, false, true, true, true])
    })

    it('is filled anew by the time, up to its burst', async () => {
      const asked = requests(4, { rate: { tokensPerMs: 1_000, burst: 2 } })
      expect(grantsOf(await take(asked.slice(0, 2)))).toEqual([true, true])
      await world.passTime()
      await expect.poll(async () => grantsOf(await take(asked.slice(2))), { timeout: 10_000 }).toEqual([true, true])
    })

    it('never gives more than its burst, however many ask at once through several stores', async () => {
      const storeOf = await world.dealStores()
      const asked = requests(40, hourly(7))
      const results = await Promise.all(asked.map((one, n) => storeOf(n).permits.take(world.node, [one])))
      expect(grantsOf(results.flat()).filter(Boolean)).toHaveLength(7)
    })
  })

  describe('a concurrency', () => {
    it('gives as many slots as there are, to the first of a batch', async () => {
      const asked = requests(4, { concurrency: 2 })
      expect(await take(asked)).toEqual([GRANTED, GRANTED, FULL, FULL])
    })

    it('gives a slot again once it was released', async () => {
      const [first, second] = requests(2, { concurrency: 1 }) as [PermitRequest, PermitRequest]
      expect(await take([first])).toEqual([GRANTED])
      expect(await take([second])).toEqual([FULL])
      await world.store.permits.release(world.node, [first])
      expect(await take([second])).toEqual([GRANTED])
    })

    it('keeps the slot of a holder that asks again, and gives it no second one', async () => {
      const [first, second, third] = requests(3, { concurrency: 2 }) as [PermitRequest, PermitRequest, PermitRequest]
      expect(await take([first, first])).toEqual([GRANTED, GRANTED])
      expect(await take([first])).toEqual([GRANTED])
      expect(await take([second, third])).toEqual([GRANTED, FULL])
    })

    it('gives one slot to a holder that asks twice at once', async () => {
      const storeOf = await world.dealStores()
      const asked = requests(3, { concurrency: 2 })
      const [first, second, third] = asked as [PermitRequest, PermitRequest, PermitRequest]
      const twice = await Promise.all([0, 1, 0, 1].map((n) => storeOf(n).permits.take(world.node, [first])))
      expect(twice.flat().filter(({ kind }) => kind === 'granted').length).toBeGreaterThan(0)
      expect(await take([first, second, third])).toEqual([GRANTED, GRANTED, FULL])
    })

    it('is another for each partition', async () => {
      const limit = uniqueId()
      const asked = ['a', 'a', 'b'].map((partition) => request({ limit, partition, concurrency: 1 }))
      expect(await take(asked)).toEqual([GRANTED, FULL, GRANTED])
    })

    it('that has become smaller gives nothing before enough of its slots are free', async () => {
      const asked = requests(4, { concurrency: 3 })
      await take(asked.slice(0, 3))
      const smaller = { ...(asked[3] as PermitRequest), concurrency: 1 }
      await world.store.permits.release(world.node, asked.slice(1, 3))
      expect(await take([smaller])).toEqual([FULL])
      await world.store.permits.release(world.node, asked.slice(0, 1))
      expect(await take([smaller])).toEqual([GRANTED])
    })

    it('is never exceeded, however many ask at once through several stores', async () => {
      const storeOf = await world.dealStores()
      const asked = requests(40, { concurrency: 7 })
      const results = await Promise.all(asked.map((one, n) => storeOf(n).permits.take(world.node, [one])))
      expect(grantsOf(results.flat()).filter(Boolean).length).toBeLessThanOrEqual(7)
      const again = await take(asked)
      expect(grantsOf(again).filter(Boolean)).toHaveLength(7)
    })
  })

  describe('a rate with a concurrency', () => {
    it('gives tokens only with a slot, and a slot only with tokens', async () => {
      const both = requests(4, { ...hourly(2), concurrency: 1 })
      expect(await take(both.slice(0, 2))).toEqual([GRANTED, FULL])
      await world.store.permits.release(world.node, both)
      expect(await take(both.slice(2, 3))).toEqual([GRANTED])
      await world.store.permits.release(world.node, both)
      expect(await take(both.slice(3))).toMatchObject([{ kind: 'refused', by: 'rate' }])
      expect(await take([{ ...(both[3] as PermitRequest), rate: null }])).toEqual([GRANTED])
    })

    it('takes no tokens for a holder that has its slot', async () => {
      const [first, second] = requests(2, { ...hourly(2), concurrency: 2 }) as [PermitRequest, PermitRequest]
      expect(await take([first])).toEqual([GRANTED])
      expect(await take([first])).toEqual([GRANTED])
      expect(await take([second])).toEqual([GRANTED])
    })
  })

  describe('the slots of a node', () => {
    it('are free once it was reaped', async () => {
      const [first, second] = requests(2, { concurrency: 1 }) as [PermitRequest, PermitRequest]
      await world.deadNode((node) => take([first], node))
      await world.reapAll()
      expect(await take([second])).toEqual([GRANTED])
    })

    it('are free once it has left', async ({ skip }) => {
      const store = await world.second(skip)
      const node = uniqueId()
      const lease = await store.join(node, 'leaver', HOUR_MS)
      const [first, second] = requests(2, { concurrency: 1 }) as [PermitRequest, PermitRequest]
      expect(await take([first], node)).toEqual([GRANTED])
      await lease.leave(true)
      expect(await take([second])).toEqual([GRANTED])
    })

    it('go to the node that takes up their work, and stay when the first one is reaped or releases them late', async () => {
      const [first, second] = requests(2, { concurrency: 1 }) as [PermitRequest, PermitRequest]
      const dead = await world.deadNode((node) => take([first], node))
      expect(await take([first])).toEqual([GRANTED])
      await world.store.permits.release(dead, [first])
      await world.reapAll()
      expect(await take([second])).toEqual([FULL])
    })

    it('are none where it is dead', async () => {
      const asked = requests(1, { concurrency: 1 })
      const dead = await world.deadNode()
      expect(await take(asked, dead)).toEqual([{ kind: 'refused', by: 'death', retryInMs: null }])
      expect(await take(asked)).toEqual([GRANTED])
    })
  })

  describe('forget', () => {
    it('leaves buckets that are not full and slots that are held', async () => {
      const rated = requests(2, hourly(1))
      const slotted = requests(2, { concurrency: 1 })
      await take([rated[0] as PermitRequest, slotted[0] as PermitRequest])
      await world.passTime()
      await world.store.permits.forget(0, 1_000)
      expect(grantsOf(await take([rated[1] as PermitRequest, slotted[1] as PermitRequest]))).toEqual([false, false])
    })

    it('loses nothing of a limit that is used again', async () => {
      const asked = requests(3, { rate: { tokensPerMs: 1_000, burst: 1 }, concurrency: 1 })
      await take(asked.slice(0, 1))
      await world.store.permits.release(world.node, asked)
      await world.passTime()
      await expect.poll(() => world.store.permits.forget(0, 1_000), { timeout: 10_000 }).toBeGreaterThan(0)
      expect(await take(asked.slice(1))).toMatchObject([GRANTED, { kind: 'refused' }])
    })
  })
}

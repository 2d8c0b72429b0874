/** `pick`: which rows of a queue must run now, and in which order. */
import { describe, expect, it } from 'vitest'
import { MACHINES, acknowledgement, HOUR_MS, LONG_AGO, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function pickRules(world: World): void {
  describe('pick', () => {
    it('leases ready rows, with their inbox, and counts the attempt', async () => {
      const queue = uniqueId()
      const { id } = await world.insert({ queue, input: '7' })
      await world.queue(id, '"early"')
      const { rows } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 10 })
      expect(rows).toMatchObject([
        { id, owner: world.node, attempt: 1, status: 'ready', input: '7', inbox: [{ event: '"early"' }] }
      ])
      expect(await world.row(id)).toMatchObject({ owner: world.node, attempt: 1 })
    })

    it('gives nothing to a node that is dead itself', async () => {
      const queue = uniqueId()
      const { id } = await world.insert({ queue })
      const timer = await world.asleep({ timerAt: LONG_AGO }, { queue })
      for (const node of [uniqueId(), await world.deadNode()]) {
        expect((await world.store.pick({ node, queue, machines: MACHINES, limit: 10 })).rows).toEqual([])
      }
      expect(await world.row(id)).toMatchObject({ owner: null, attempt: 0 })
      expect(await world.row(timer.id)).toMatchObject({ owner: null, attempt: 0 })
    })

    it('takes rows of its own queue only', async () => {
      const [mine, other] = [uniqueId(), uniqueId()]
      const { id } = await world.insert({ queue: mine })
      await world.insert({ queue: other })
      expect(await world.pickAll(mine)).toEqual([id])
    })

    it('takes no more than its limit, and the rest next time', async () => {
      const queue = uniqueId()
      await world.store.insert([newActor({ queue }), newActor({ queue }), newActor({ queue })])
      const [first, second] = [await world.pickAll(queue, 2), await world.pickAll(queue, 2)]
      expect([first.length, second.length]).toEqual([2, 1])
      expect(new Set([...first, ...second]).size).toBe(3)
    })

    it('goes by priority, lower first, then by the time since which they wait', async () => {
      const queue = uniqueId()
      const urgent = await world.insert({ queue, priority: -5, startAt: LONG_AGO + 30 })
      const late = await world.insert({ queue, startAt: LONG_AGO + 20 })
      const early = await world.insert({ queue, startAt: LONG_AGO + 10 })
      const idle = await world.insert({ queue, priority: 5, startAt: LONG_AGO })
      const { rows } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 3 })
      expect(rows.map(({ id }) => id)).toEqual([urgent.id, early.id, late.id])
      expect(await world.pickAll(queue)).toEqual([idle.id])
    })

    it('puts timers that are due and rows that are ready into one order', async () => {
      const queue = uniqueId()
      const young = await world.insert({ queue })
      const timer = await world.asleep({ timerAt: LONG_AGO + 20 }, { queue })
      const older = await world.insert({ queue, startAt: LONG_AGO + 10 })
      const urgent = await world.asleep({ timerAt: LONG_AGO + 30 }, { queue, priority: -1 })
      expect(await world.pickAll(queue)).toEqual([urgent.id, older.id, timer.id, young.id])
    })

    it('leaves alone what lies ahead, is owned, parked, ended, or waits for a signal only', async () => {
      const queue = uniqueId()
      await world.insert({ queue, startInMs: HOUR_MS })
      await world.asleep({ timerAt: Date.UTC(2100, 0, 1) }, { queue })
      await world.asleep({ timerAt: null }, { queue })
      await world.asleep({ status: 'parked', timerAt: LONG_AGO }, { queue })
      await world.awake({ queue })
      await world.ended('done', { queue })
      expect(await world.pickAll(queue)).toEqual([])
    })

    it('leaves a retry alone that lies ahead', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({ timerAt: LONG_AGO }, { queue })
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 1 }, { retryInMs: HOUR_MS, timerAt: LONG_AGO }))
      expect(await world.pickAll(queue)).toEqual([])
    })

    it('brings a row once', async () => {
      const queue = uniqueId()
      await world.insert({ queue })
      expect(await world.pickAll(queue)).toHaveLength(1)
      expect(await world.pickAll(queue)).toEqual([])
    })

    it('tells of a row that it was leased, until something is written for it', async () => {
      const [queue, node] = [uniqueId(), uniqueId()]
      const lease = await world.store.join(node, 'picker', HOUR_MS)
      const [one, other] = [await world.insert({ queue }), await world.insert({ queue })]
      expect(await world.store.claimed(node, 10)).toEqual([])
      await world.store.pick({ node, queue, machines: MACHINES, limit: 10 })
      expect((await world.store.claimed(node, 10)).toSorted()).toEqual([one.id, other.id].toSorted())
      expect(await world.store.claimed(node, 1)).toHaveLength(1)
      expect(await world.store.claimed(world.node, 10_000)).not.toContain(one.id)
      await world.store.commit(node, [transition({ id: one.id, version: 0 })])
      expect(await world.store.claimed(node, 10)).toEqual([other.id])
      await lease.leave(true)
    })

    it('tells how long the next row that waits for a time has to wait', async () => {
      const queue = uniqueId()
      await world.insert({ queue, startInMs: 2 * HOUR_MS })
      await world.insert({ queue, startInMs: HOUR_MS })
      await world.insert({ queue: uniqueId(), startInMs: 1_000 })
      const { rows, nextDueInMs } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 10 })
      expect(rows).toEqual([])
      expect(nextDueInMs).toBeLessThanOrEqual(HOUR_MS)
      expect(nextDueInMs).toBeGreaterThan(HOUR_MS - 60_000)
    })

    it('tells so beside the rows that it brings', async () => {
      const queue = uniqueId()
      const { id } = await world.insert({ queue })
      await world.insert({ queue, startInMs: HOUR_MS })
      const { rows, nextDueInMs } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 10 })
      expect(rows).toMatchObject([{ id }])
      expect(nextDueInMs).toBeGreaterThan(0)
    })

    it('tells null where no row waits for a time', async () => {
      const queue = uniqueId()
      await world.asleep({ timerAt: null }, { queue })
      await world.asleep({ status: 'parked', timerAt: Date.UTC(2100, 0, 1) }, { queue })
      expect(await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 10 })).toEqual({
        rows: [],
        nextDueInMs: null,
        contended: []
      })
    })
  })
}

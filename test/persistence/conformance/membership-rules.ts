/** `join`, leases and `reap`: what becomes of the rows of nodes that are gone. */
import { describe, expect, it } from 'vitest'
import type { Commit } from '../../../src/persistence/store.ts'
import { MACHINES, acknowledgement, HOUR_MS, LONG_AGO, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const FAR_AHEAD = Date.UTC(2100, 0, 1)

export function membershipRules(world: World): void {
  /** A row that its owner, which never joined, left behind after this commit. */
  async function leftBehind(commit: Partial<Commit>, queue = 'default'): Promise<string> {
    const dead = uniqueId()
    const { id } = await world.insert({ owner: dead, queue })
    await world.commit(transition({ id, version: 0 }, commit), dead)
    return id
  }

  describe('a lease', () => {
    it('is held as long as it is renewed, and tells the time, and which start of the server answers', async () => {
      const first = await world.lease.renew()
      await world.passTime()
      const second = await world.lease.renew()
      expect([first.held, second.held]).toEqual([true, true])
      expect(second.server).toBe(first.server)
      expect(second.now).toBeGreaterThanOrEqual(first.now)
      expect(first.now).toBeGreaterThan(LONG_AGO)
    })

    it('frees the rows of its node at once when it is left', async ({ skip }) => {
      const second = await world.second(skip)
      const node = uniqueId()
      const lease = await second.join(node, 'leaver', HOUR_MS)
      const [ready, waiting] = [await world.insert({ owner: node }), await world.insert({ owner: node })]
      await world.commit(transition({ id: waiting.id, version: 0 }), node)
      await lease.leave(true)
      expect(await world.row(ready.id)).toMatchObject({ status: 'ready', owner: null })
      expect(await world.row(waiting.id)).toMatchObject({ status: 'waiting', owner: null })
    })

    it('is open until it is left', async ({ skip }) => {
      const lease = await (await world.second(skip)).join(uniqueId(), 'leaver', HOUR_MS)
      expect(lease.isOpen).toBe(true)
      await lease.leave(true)
      expect(lease.isOpen).toBe(false)
    })

    it('is not held any more once its node was reaped', async ({ skip }) => {
      const second = await world.second(skip)
      const node = uniqueId()
      const lease = await second.join(node, 'late', 0)
      await world.passTime()
      expect(await world.reapAll()).toContain(node)
      expect(await lease.renew()).toMatchObject({ held: false })
      await lease.leave(true)
    })

    it('revives no node by its renewal, and keeps the rows that others took', async ({ skip }) => {
      const second = await world.second(skip)
      const node = uniqueId()
      const lease = await second.join(node, 'late', 0)
      const { id } = await world.insert({ owner: node })
      await world.passTime()
      await world.reapAll()
      await world.take(id)
      await lease.renew()
      await lease.leave(true)
      expect(await world.row(id)).toMatchObject({ owner: world.node })
      const { id: orphan } = await world.insert({ owner: node })
      expect(await world.take(orphan)).toMatchObject({ owner: world.node })
    })
  })

  describe('reap', () => {
    it('makes ready what was running', async () => {
      const id = await leftBehind({ status: 'running', timerAt: FAR_AHEAD })
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null })
    })

    it('makes ready what has effects that are not acknowledged', async () => {
      const id = await leftBehind({ journal: '[1]' })
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null, journal: '[1]' })
    })

    it('makes ready what has signals that its owner did not see', async () => {
      const id = await leftBehind({})
      await world.queue(id)
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null })
    })

    it('keeps ready what never had its first turn', async () => {
      const { id } = await world.insert({ owner: uniqueId() })
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null, version: 0 })
    })

    it('lets the rest wait on, until its timer', async () => {
      const queue = uniqueId()
      const due = await leftBehind({ timerAt: LONG_AGO }, queue)
      const ahead = await leftBehind({ timerAt: FAR_AHEAD }, queue)
      const silent = await leftBehind({ timerAt: null }, queue)
      await world.reapAll()
      expect(await world.row(ahead)).toMatchObject({ status: 'waiting', owner: null, wakeAt: FAR_AHEAD })
      expect(await world.row(silent)).toMatchObject({ status: 'waiting', owner: null, wakeAt: null })
      expect(await world.pickAll(queue)).toEqual([due])
    })

    it('forgets a timer that its owner had cancelled', async () => {
      const dead = uniqueId()
      const { id } = await world.insert({ owner: dead })
      await world.commit(transition({ id, version: 0 }, { timerAt: FAR_AHEAD }), dead)
      await world.commit(transition({ id, version: 1 }, { timerAt: null }), dead)
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ wakeAt: null })
    })

    it('lets what it freed wait on with signals that were seen and kept', async () => {
      const id = await leftBehind({ deferred: [{ event: '1', dedupKey: null }] })
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'waiting', owner: null })
    })

    it('makes ready a start and a retry that were taken up without any progress since', async () => {
      const queue = uniqueId()
      const start = await world.insert({ queue, startAt: LONG_AGO })
      const retried = await world.asleep({}, { queue })
      await world.take(retried.id)
      await world.commit(acknowledgement(retried, { retryInMs: 0 }))
      await world.passTime()
      await world.deadNode(async (node) => {
        expect((await world.store.pick({ node, queue, machines: MACHINES, limit: 10 })).rows).toHaveLength(2)
      })
      await world.reapAll()
      expect((await world.pickAll(queue)).toSorted()).toEqual([start.id, retried.id].toSorted())
    })

    it('makes ready what was claimed without any progress since, though its timer lies ahead', async () => {
      const { id } = await world.asleep({ timerAt: FAR_AHEAD })
      await world.deadNode((node) => world.take(id, node))
      await world.reapAll()
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null, attempt: 1 })
      expect(await world.take(id)).toMatchObject({ attempt: 2 })
    })

    it('leaves parked and ended rows as they are', async () => {
      const [parked, ended] = [await leftBehind({ status: 'parked' }), await world.ended('done')]
      await world.reapAll()
      expect(await world.row(parked)).toMatchObject({ status: 'parked', owner: null })
      expect(await world.row(ended)).toMatchObject({ status: 'done' })
    })

    it('touches no row of its own node, nor one that nobody owns', async () => {
      const [mine, retried] = [await world.awake(), await world.asleep()]
      await world.take(retried.id)
      await world.commit(acknowledgement(retried, { retryInMs: HOUR_MS }))
      const before = await world.store.read([mine.id, retried.id])
      await world.reapAll()
      expect(await world.store.read([mine.id, retried.id])).toEqual(before)
    })

    it('touches no row of another node that lives', async ({ skip }) => {
      const second = await world.second(skip)
      const node = uniqueId()
      const lease = await second.join(node, 'alive', HOUR_MS)
      const { id } = await world.insert({ owner: node })
      expect(await world.reapAll()).not.toContain(node)
      expect(await world.row(id)).toMatchObject({ owner: node })
      await lease.leave(true)
    })

    it('leaves the node alone that asks, late as its own renewal may be', async ({ skip }) => {
      const second = await world.second(skip)
      const node = uniqueId()
      const lease = await second.join(node, 'late', 0)
      const { id } = await world.insert({ owner: node })
      await world.passTime()
      expect((await second.reap(node, 1_000)).nodes).not.toContain(node)
      expect(await world.row(id)).toMatchObject({ owner: node })
      await lease.leave(true)
    })

    it('frees no more rows than its limit at once, and tells how many', async () => {
      await world.reapAll()
      const dead = uniqueId()
      await world.store.insert([newActor({ owner: dead }), newActor({ owner: dead }), newActor({ owner: dead })])
      expect(await world.store.reap(world.node, 2)).toMatchObject({ actors: 2 })
      expect(await world.store.reap(world.node, 2)).toMatchObject({ actors: 1 })
      expect(await world.store.reap(world.node, 2)).toEqual({ nodes: [], actors: 0 })
    })

    it('lets a dead owner commit nothing more', async () => {
      const dead = uniqueId()
      const { id } = await world.insert({ owner: dead })
      await world.reapAll()
      expect(await world.commit(transition({ id, version: 0 }), dead)).toEqual({ kind: 'stale' })
    })
  })
}

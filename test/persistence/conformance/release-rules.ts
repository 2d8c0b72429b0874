/** The end of a lease: release, retry, terminal status (S4), and what each leaves behind. */
import { describe, expect, it } from 'vitest'
import { MACHINES, acknowledgement, HOUR_MS, LONG_AGO, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const FAR_AHEAD = Date.UTC(2100, 0, 1)

export function releaseRules(world: World): void {
  describe('release', () => {
    it('gives up the lease together with the transition', async () => {
      const actor = await world.awake()
      const result = await world.commit(transition(actor, { release: true, timerAt: FAR_AHEAD }))
      expect(result).toEqual({ kind: 'committed', released: true, inboxSeq: 0 })
      expect(await world.row(actor.id)).toMatchObject({ owner: null, status: 'waiting', version: 2, wakeAt: FAR_AHEAD })
    })

    it('leaves nothing to wake for where no timer is set', async () => {
      const { id } = await world.asleep({ timerAt: null })
      expect(await world.row(id)).toMatchObject({ wakeAt: null })
    })

    it('needs no transition, and forgets the attempt', async () => {
      const { id } = await world.asleep({ snapshot: '"kept"' })
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 1 }, { release: true }))
      expect(await world.row(id)).toMatchObject({ owner: null, version: 1, attempt: 0, snapshot: '"kept"' })
    })

    it('takes back the attempt of a claim that led to nothing, and keeps those before it', async () => {
      const { id } = await world.asleep({ snapshot: '"kept"' })
      await world.deadNode((node) => world.take(id, node))
      await world.reapAll()
      for (let given = 0; given < 3; given += 1) {
        expect(await world.take(id)).toMatchObject({ attempt: 2 })
        await world.commit(acknowledgement({ id, version: 1 }, { status: 'ready', release: true, untried: true }))
      }
      expect(await world.row(id)).toMatchObject({ owner: null, attempt: 1 })
    })

    it('takes back no attempt where it is refused', async () => {
      const { id } = await world.asleep()
      await world.take(id)
      await world.queue(id)
      const given = await world.commit(acknowledgement({ id, version: 1 }, { release: true, untried: true }))
      expect(given).toMatchObject({ released: false })
      expect(await world.row(id)).toMatchObject({ owner: world.node, attempt: 1 })
    })

    it('is refused where a signal is unseen, and the rest of the commit takes effect', async () => {
      const actor = await world.awake()
      const seq = await world.queue(actor.id)
      const result = await world.commit(transition(actor, { release: true, snapshot: '"on"', inboxSeen: seq - 1 }))
      expect(result).toEqual({ kind: 'committed', released: false, inboxSeq: seq })
      expect(await world.row(actor.id)).toMatchObject({ owner: world.node, version: 2, snapshot: '"on"' })
    })

    it('is granted once the signal was seen, applied or not', async () => {
      const actor = await world.awake()
      const inboxSeen = await world.queue(actor.id, '"kept"')
      const result = await world.commit(transition(actor, { release: true, inboxSeen }))
      expect(result).toMatchObject({ released: true })
      expect(await world.row(actor.id)).toMatchObject({ owner: null, status: 'waiting' })
      expect(await world.inboxEvents(actor.id)).toEqual(['"kept"'])
    })

    it('is granted though the commit itself defers events', async () => {
      const actor = await world.awake()
      const deferred = [{ event: '"later"', dedupKey: null }]
      const result = await world.commit(transition(actor, { release: true, deferred }))
      expect(result).toEqual({ kind: 'committed', released: true, inboxSeq: 1 })
      expect(await world.row(actor.id)).toMatchObject({ owner: null, status: 'waiting', inboxSeq: 1 })
    })

    it('is refused where a signal came before the events that the commit defers', async () => {
      const actor = await world.awake()
      const seq = await world.queue(actor.id, '"unseen"')
      const deferred = [{ event: '"later"', dedupKey: null }]
      const result = await world.commit(transition(actor, { release: true, deferred }))
      expect(result).toEqual({ kind: 'committed', released: false, inboxSeq: seq + 1 })
      expect(await world.store.unseen(world.node, 10_000)).toContain(actor.id)
    })

    it('lets a row go that is ready, to be picked at once, after those that have waited longer', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({ status: 'ready' }, { queue })
      const older = await world.insert({ queue, startAt: LONG_AGO })
      expect(await world.pickAll(queue)).toEqual([older.id, id])
    })

    it('makes ready what was running, for the next owner to take up', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({ status: 'running' }, { queue })
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null })
      expect(await world.pickAll(queue)).toEqual([id])
    })

    it('lets a parked row go, which nothing wakes', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({ status: 'parked', lastError: '"look"' }, { queue })
      await world.queue(id)
      expect(await world.pickAll(queue)).toEqual([])
      expect(await world.row(id)).toMatchObject({ status: 'parked', owner: null, lastError: '"look"' })
    })
  })

  describe('retry', () => {
    it('gives up the lease until then, and keeps the attempts and the error', async () => {
      const { id } = await world.asleep()
      await world.take(id)
      const before = (await world.lease.renew()).now
      const retry = acknowledgement({ id, version: 1 }, { retryInMs: HOUR_MS, lastError: '"down"' })
      expect(await world.commit(retry)).toEqual({ kind: 'committed', released: true, inboxSeq: 0 })
      const row = await world.row(id)
      expect(row).toMatchObject({ owner: null, status: 'waiting', attempt: 1, lastError: '"down"', version: 1 })
      expect(row.wakeAt).toBeGreaterThan(before + HOUR_MS - 1)
    })

    it('waits whatever status the commit names', async () => {
      const actor = await world.awake()
      await world.commit(acknowledgement(actor, { status: 'running', retryInMs: HOUR_MS }))
      expect(await world.row(actor.id)).toMatchObject({ status: 'waiting', owner: null })
    })

    it('keeps the journal that it names, with the snapshot before', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { journal: '[1,2]', journalNeedsBefore: true }))
      await world.commit(acknowledgement({ ...actor, version: 2 }, { journal: '[2]', retryInMs: HOUR_MS }))
      expect(await world.row(actor.id)).toMatchObject({ journal: '[2]', journalBefore: '{"turn":1}' })
    })

    it('gives up the lease though a signal is unseen, which waits with the row', async () => {
      const { id } = await world.asleep()
      await world.take(id)
      await world.queue(id, '"patient"')
      const result = await world.commit(acknowledgement({ id, version: 1 }, { retryInMs: HOUR_MS }))
      expect(result).toMatchObject({ kind: 'committed', released: true })
      expect(await world.inboxEvents(id)).toEqual(['"patient"'])
    })

    it('is not hurried by a signal', async () => {
      const { id } = await world.asleep()
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 1 }, { retryInMs: HOUR_MS }))
      await world.queue(id)
      expect(await world.row(id)).toMatchObject({ status: 'waiting' })
      expect(await world.claim(id)).toMatchObject({ kind: 'held' })
    })

    it('is picked once it is due, with the next attempt counted', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({}, { queue })
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 1 }, { retryInMs: 0 }))
      await world.passTime()
      const { rows } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 1 })
      expect(rows).toMatchObject([{ id, attempt: 2 }])
    })

    it('counts failed attempts until a transition is committed', async () => {
      const { id } = await world.asleep()
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        expect(await world.take(id)).toMatchObject({ attempt })
        await world.commit(acknowledgement({ id, version: 1 }, { retryInMs: 0 }))
        await world.passTime()
      }
      await world.take(id)
      await world.commit(transition({ id, version: 1 }))
      expect(await world.row(id)).toMatchObject({ attempt: 0 })
    })
  })

  describe('a terminal status', () => {
    it('ends the lease though a signal is unseen, and leaves the signal with the row', async () => {
      const actor = await world.awake()
      await world.queue(actor.id, '"too late"')
      const result = await world.commit(transition(actor, { status: 'done' }))
      expect(result).toMatchObject({ kind: 'committed', released: true })
      expect(await world.inboxEvents(actor.id)).toEqual(['"too late"'])
    })

    it('takes with it the signals that it consumed', async () => {
      const actor = await world.awake()
      const [taken, left] = [await world.queue(actor.id, '"taken"'), await world.queue(actor.id, '"left"')]
      await world.commit(transition(actor, { status: 'done', consumed: [taken], inboxSeen: left }))
      expect(await world.inboxEvents(actor.id)).toEqual(['"left"'])
    })

    it('leaves nothing to wake for', async () => {
      const queue = uniqueId()
      const actor = await world.awake({ queue })
      await world.commit(transition(actor, { status: 'stopped', timerAt: LONG_AGO }))
      expect(await world.row(actor.id)).toMatchObject({ wakeAt: null })
      expect(await world.pickAll(queue)).toEqual([])
    })
  })
}

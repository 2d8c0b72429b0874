/** Dedup keys: a key is applied once per actor, however it arrives, until it is purged. */
import { describe, expect, it } from 'vitest'
import { HOUR_MS, transition } from './world.ts'
import type { World } from './world.ts'

const ALL = 1_000_000

export function dedupRules(world: World): void {
  describe('dedup keys of a commit', () => {
    it('are known from then on', async () => {
      const actor = await world.awake()
      const deferred = [{ event: '1', dedupKey: 'deferred' }]
      await world.commit(transition(actor, { dedupKeys: ['applied'], deferred }))
      const pairs = ['deferred', 'other', 'applied'].map((dedupKey) => ({ actorId: actor.id, dedupKey }))
      expect(await world.store.knownDedup(pairs)).toEqual([true, false, true])
    })

    it('leave out the commit where one is known, and name it', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { dedupKeys: ['old'] }))
      const before = await world.row(actor.id)
      const again = transition({ ...actor, version: 2 }, { dedupKeys: ['new', 'old'], status: 'done' })
      expect(await world.commit(again)).toEqual({ kind: 'duplicate', keys: ['old'] })
      expect(await world.row(actor.id)).toEqual(before)
      expect(await world.store.knownDedup([{ actorId: actor.id, dedupKey: 'new' }])).toEqual([false])
    })

    it('count for events that are deferred as well', async () => {
      const actor = await world.awake()
      await world.queue(actor.id, '"queued"', 'old')
      const deferred = [
        { event: '1', dedupKey: 'old' },
        { event: '2', dedupKey: null }
      ]
      const result = await world.commit(transition(actor, { deferred, inboxSeen: 1 }))
      expect(result).toEqual({ kind: 'duplicate', keys: ['old'] })
      expect(await world.inboxEvents(actor.id)).toEqual(['"queued"'])
    })

    it('leave out only the row that they belong to', async () => {
      const [one, two, three] = [await world.awake(), await world.awake(), await world.awake()]
      await world.queue(two.id, '1', 'known')
      const batch = [one, two, three].map((actor) => transition(actor, { dedupKeys: ['known'] }))
      const results = await world.store.commit(world.node, batch)
      expect(results.map((result) => result.kind)).toEqual(['committed', 'duplicate', 'committed'])
    })

    it('commit a batch of known, stale and new ones, each by itself', async () => {
      const [known, stale, fresh] = [await world.awake(), await world.awake(), await world.awake()]
      await world.queue(known.id, '1', 'key')
      const deferred = [{ event: '2', dedupKey: 'key' }]
      const results = await world.store.commit(world.node, [
        transition(known, { deferred }),
        transition({ ...stale, version: 9 }, { deferred }),
        transition(fresh, { deferred })
      ])
      expect(results.map((result) => result.kind)).toEqual(['duplicate', 'stale', 'committed'])
      expect(await world.inboxEvents(known.id)).toEqual(['1'])
      expect(await world.inboxEvents(stale.id)).toEqual([])
      expect(await world.inboxEvents(fresh.id)).toEqual(['2'])
    })
  })

  describe('dedup keys of a signal', () => {
    it('make a repeated signal a duplicate, while one without a key is queued again', async () => {
      const { id } = await world.awake()
      await world.queue(id, '1', 'key')
      expect(await world.signal(id, '1', 'key')).toEqual({ kind: 'duplicate' })
      await world.queue(id, '2')
      await world.queue(id, '2')
      expect(await world.inboxEvents(id)).toEqual(['1', '2', '2'])
    })

    it('are found within one batch', async () => {
      const [one, two] = [await world.awake(), await world.awake()]
      const signals = [one, one, two].map(({ id }) => ({ actorId: id, machine: null, event: '1', dedupKey: 'key' }))
      const results = await world.store.signal(signals, 10)
      expect(results.map((result) => result.kind)).toEqual(['queued', 'duplicate', 'queued'])
    })

    it('outlive the signal that they came with', async () => {
      const actor = await world.awake()
      const seq = await world.queue(actor.id, '1', 'key')
      await world.commit(transition(actor, { consumed: [seq], inboxSeen: seq }))
      expect(await world.signal(actor.id, '1', 'key')).toEqual({ kind: 'duplicate' })
    })

    it('are known where a commit brought them', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { dedupKeys: ['key'] }))
      expect(await world.signal(actor.id, '1', 'key')).toEqual({ kind: 'duplicate' })
    })

    it('answer duplicate even where the actor has ended', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { dedupKeys: ['key'], status: 'done' }))
      expect(await world.signal(actor.id, '1', 'key')).toEqual({ kind: 'duplicate' })
      expect(await world.signal(actor.id, '1', 'new')).toEqual({ kind: 'terminated', status: 'done' })
    })

    it('answer duplicate even where the inbox is full', async () => {
      const { id } = await world.awake()
      const signal = { actorId: id, machine: null, event: '1', dedupKey: 'key' }
      await world.store.signal([signal], 1)
      expect(await world.store.signal([signal], 1)).toEqual([{ kind: 'duplicate' }])
    })

    it('are not remembered of a signal that was refused', async () => {
      const { id } = await world.awake()
      const signal = { actorId: id, machine: null, event: '1', dedupKey: 'key' }
      expect(await world.store.signal([signal, signal], 0)).toEqual([{ kind: 'full' }, { kind: 'full' }])
      expect(await world.signal(id, '1', 'key')).toMatchObject({ kind: 'queued' })
    })
  })

  describe('purgeDedup', () => {
    it('keeps keys that are younger', async () => {
      const { id } = await world.awake()
      await world.queue(id, '1', 'young')
      await world.store.purgeDedup(HOUR_MS, ALL)
      expect(await world.store.knownDedup([{ actorId: id, dedupKey: 'young' }])).toEqual([true])
    })

    it('forgets older keys, and leaves the signals that came with them', async () => {
      const { id } = await world.awake()
      await world.queue(id, '1', 'old')
      await world.passTime()
      await world.store.purgeDedup(0, ALL)
      expect(await world.store.knownDedup([{ actorId: id, dedupKey: 'old' }])).toEqual([false])
      expect(await world.inboxEvents(id)).toEqual(['1'])
    })

    it('forgets no more than its limit at once, and tells how many', async () => {
      const { id } = await world.awake()
      await world.store.purgeDedup(0, ALL)
      for (const key of ['a', 'b', 'c']) await world.queue(id, '1', key)
      await world.passTime()
      expect(await world.store.purgeDedup(0, 2)).toBe(2)
      expect(await world.store.purgeDedup(0, 2)).toBe(1)
      expect(await world.store.purgeDedup(0, 2)).toBe(0)
    })
  })
}

/** `claim`: who may lease a row, and what a lease shows. */
import { describe, expect, it } from 'vitest'
import { acknowledgement, HOUR_MS, LONG_AGO, MACHINES, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function claimRules(world: World): void {
  describe('claim', () => {
    it('leases a row that nobody owns, and counts the attempt', async () => {
      const { id } = await world.insert({ input: '{"a":1}' })
      const row = await world.take(id)
      expect(row).toMatchObject({ id, owner: world.node, attempt: 1, status: 'ready', input: '{"a":1}', inbox: [] })
      expect(await world.row(id)).toMatchObject({ owner: world.node, attempt: 1 })
    })

    it('brings back snapshot, journal and error of the row', async () => {
      const journal = '[{"kind":"action"}]'
      const { id } = await world.asleep({ snapshot: '{"v":1}', journal, lastError: '"once"' })
      expect(await world.take(id)).toMatchObject({
        snapshot: '{"v":1}',
        journal,
        lastError: '"once"',
        version: 1,
        status: 'waiting'
      })
    })

    it('brings the inbox in order of arrival', async () => {
      const { id } = await world.asleep()
      await world.queue(id, '"first"', 'key-1')
      await world.queue(id, '"second"')
      const { inbox, inboxSeq } = await world.take(id)
      expect(inbox).toMatchObject([
        { event: '"first"', dedupKey: 'key-1' },
        { event: '"second"', dedupKey: null }
      ])
      expect(inboxSeq).toBe(inbox[1]?.seq)
    })

    it('brings an inbox of hundreds whole, and so does a pick', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({}, { queue })
      const event = (n: number): string => JSON.stringify({ type: 'WAIT', n })
      const sent = Array.from({ length: 230 }, (_, n) => event(n))
      await world.store.signal(
        sent.map((event) => ({ actorId: id, machine: null, event, dedupKey: null })),
        1_000
      )
      const { inbox, inboxSeq, version } = await world.take(id)
      expect(inbox.map(({ event }) => event)).toEqual(sent)
      expect(inbox.at(-1)?.seq).toBe(inboxSeq)
      await world.commit(acknowledgement({ id, version }, { release: true, status: 'ready', inboxSeen: inboxSeq }))
      const { rows } = await world.store.pick({ node: world.node, queue, machines: MACHINES, limit: 1 })
      expect(rows[0]?.inbox.map(({ event }) => event)).toEqual(sent)
    })

    it('answers in the order asked, each row for itself', async () => {
      const [ready, ended] = [await world.insert(), await world.ended('stopped')]
      const later = await world.insert({ startInMs: HOUR_MS })
      const results = await world.store.claim(world.node, [later.id, uniqueId(), ready.id, ended])
      expect(results).toMatchObject([
        { kind: 'held', status: 'waiting', owner: null },
        { kind: 'missing' },
        { kind: 'claimed', row: { id: ready.id } },
        { kind: 'terminated', status: 'stopped' }
      ])
    })

    it('gives a node the row that it owns already, as it stands', async () => {
      const { id } = await world.awake()
      await world.queue(id, '"missed"')
      expect(await world.take(id)).toMatchObject({ version: 1, attempt: 0, inbox: [{ event: '"missed"' }] })
      expect(await world.take(id)).toMatchObject({ version: 1, attempt: 0, inbox: [{ event: '"missed"' }] })
    })

    it('gives a node the row that it owns already, though its timer lies ahead', async () => {
      const { id } = await world.asleep({ timerAt: Date.UTC(2100, 0, 1) })
      await world.take(id)
      expect(await world.claim(id)).toMatchObject({ kind: 'claimed' })
    })

    it('refuses a row that another live node owns', async ({ skip }) => {
      const second = await world.second(skip)
      const [other, { id }] = [uniqueId(), await world.awake()]
      const lease = await second.join(other, 'other', HOUR_MS)
      expect(await second.claim(other, [id])).toEqual([{ kind: 'held', status: 'waiting', owner: world.node }])
      expect(await world.row(id)).toMatchObject({ owner: world.node, attempt: 0 })
      await lease.leave(true)
    })

    it('takes a row from an owner that never joined', async () => {
      const { id } = await world.insert({ owner: uniqueId() })
      expect(await world.take(id)).toMatchObject({ owner: world.node })
    })

    it('takes a row from an owner whose lease ran out', async ({ skip }) => {
      const second = await world.second(skip)
      const dead = uniqueId()
      const lease = await second.join(dead, 'dead', 0)
      const { id } = await world.insert({ owner: dead })
      await world.passTime()
      expect(await world.take(id)).toMatchObject({ owner: world.node })
      await lease.leave(true)
    })

    it('takes a row from a dead owner that had claimed it before its timer', async () => {
      const { id } = await world.asleep({ timerAt: Date.UTC(2100, 0, 1) })
      await world.deadNode((node) => world.take(id, node))
      expect(await world.take(id)).toMatchObject({ owner: world.node, attempt: 2 })
    })

    it('refuses a retry that lies ahead, and gives it once it is due', async () => {
      const { id } = await world.insert()
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 0 }, { retryInMs: HOUR_MS }))
      expect(await world.claim(id)).toEqual({ kind: 'held', status: 'waiting', owner: null })

      const due = await world.insert()
      await world.take(due.id)
      await world.commit(acknowledgement({ id: due.id, version: 0 }, { retryInMs: 0 }))
      await world.passTime()
      expect(await world.take(due.id)).toMatchObject({ attempt: 2 })
    })

    it('gives a delayed start once it is due', async () => {
      const { id } = await world.insert({ startAt: LONG_AGO })
      expect(await world.claim(id)).toMatchObject({ kind: 'claimed' })
    })

    it('gives nothing to a node that is dead itself', async () => {
      const { id } = await world.insert()
      for (const dead of [uniqueId(), await world.deadNode()]) {
        expect(await world.claim(id, dead)).toEqual({ kind: 'held', status: 'ready', owner: null })
      }
      expect(await world.row(id)).toMatchObject({ owner: null, attempt: 0 })
    })

    it('refuses a parked row', async () => {
      const { id } = await world.asleep({ status: 'parked' })
      expect(await world.claim(id)).toEqual({ kind: 'held', status: 'parked', owner: null })
    })

    it('shuts out the owner before it', async () => {
      const before = uniqueId()
      const { id } = await world.insert({ owner: before })
      await world.take(id)
      expect(await world.commit(transition({ id, version: 0 }), before)).toEqual({ kind: 'stale' })
    })

    it('leases two thousand rows at once', async () => {
      const actors = Array.from({ length: 2_000 }, () => newActor())
      await world.store.insert(actors)
      const ids = actors.map(({ id }) => id)
      const results = await world.store.claim(world.node, ids)
      expect(results.map((result) => (result.kind === 'claimed' ? result.row.id : result))).toEqual(ids)
    })

    it('does nothing for an empty batch', async () => {
      expect(await world.store.claim(world.node, [])).toEqual([])
    })
  })
}

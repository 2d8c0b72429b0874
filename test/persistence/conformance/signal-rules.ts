/** `signal`, `inbox` and `unseen`: the durable inbox (S3, S5). */
import { describe, expect, it } from 'vitest'
import { HOUR_MS, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function signalRules(world: World): void {
  describe('signal', () => {
    it('puts events into the inbox in the order sent', async () => {
      const { id } = await world.awake()
      const signals = ['"a"', '"b"', '"c"'].map((event) => ({ actorId: id, machine: null, event, dedupKey: null }))
      await world.store.signal(signals, 10)
      await world.queue(id, '"d"')
      const inbox = await world.store.inbox(id, 0)
      expect(inbox.map(({ event }) => event)).toEqual(['"a"', '"b"', '"c"', '"d"'])
      const seqs = inbox.map(({ seq }) => seq)
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
      expect(new Set(seqs).size).toBe(4)
    })

    it('answers with the arrival number and the owner', async () => {
      const [awake, asleep] = [await world.awake(), await world.asleep()]
      const signals = [awake, asleep].map(({ id }) => ({ actorId: id, machine: null, event: '1', dedupKey: null }))
      const [toOwned, toUnowned] = await world.store.signal(signals, 10)
      expect(toOwned).toEqual({ kind: 'queued', seq: (await world.row(awake.id)).inboxSeq, owner: world.node })
      expect(toUnowned).toEqual({ kind: 'queued', seq: (await world.row(asleep.id)).inboxSeq, owner: null })
    })

    it('tells when it arrived', async () => {
      const { id } = await world.awake()
      const before = (await world.lease.renew()).now
      await world.queue(id)
      const [signal] = await world.store.inbox(id, 0)
      expect(signal?.sentAt).toBeGreaterThan(before - 1)
      expect(signal?.sentAt).toBeLessThan((await world.lease.renew()).now + 1)
    })

    it('wakes a row that waits and that nobody owns', async () => {
      const queue = uniqueId()
      const { id } = await world.asleep({ timerAt: Date.UTC(2100, 0, 1) }, { queue })
      await world.queue(id)
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: null })
      expect(await world.pickAll(queue)).toEqual([id])
    })

    it('leaves an owned row to its owner', async () => {
      const { id } = await world.awake()
      await world.queue(id)
      expect(await world.row(id)).toMatchObject({ status: 'waiting', owner: world.node })
    })

    it('does not hurry a start that lies ahead, but waits for it', async () => {
      const { id } = await world.insert({ startInMs: HOUR_MS })
      expect(await world.signal(id, '"early"')).toMatchObject({ kind: 'queued', owner: null })
      expect(await world.row(id)).toMatchObject({ status: 'waiting' })
      expect(await world.claim(id)).toMatchObject({ kind: 'held' })
      expect(await world.inboxEvents(id)).toEqual(['"early"'])
    })

    it('is taken, and wakes nothing, where the actor is parked', async () => {
      const { id } = await world.asleep({ status: 'parked' })
      expect(await world.signal(id)).toMatchObject({ kind: 'queued' })
      expect(await world.row(id)).toMatchObject({ status: 'parked' })
    })

    it('refuses ended and missing actors, each by itself', async () => {
      const [ended, awake] = [await world.ended('failed'), await world.awake()]
      const signals = [ended, uniqueId(), awake.id].map((actorId) => ({
        actorId,
        machine: null,
        event: '1',
        dedupKey: null
      }))
      expect(await world.store.signal(signals, 10)).toMatchObject([
        { kind: 'terminated', status: 'failed' },
        { kind: 'missing' },
        { kind: 'queued' }
      ])
      expect(await world.inboxEvents(ended)).toEqual([])
    })

    it('refuses more than the inbox holds, within one batch too', async () => {
      const [crowded, other] = [await world.awake(), await world.awake()]
      const actorIds = [crowded.id, crowded.id, other.id, crowded.id]
      const signals = actorIds.map((actorId, n) => ({ actorId, machine: null, event: `${n}`, dedupKey: null }))
      const results = await world.store.signal(signals, 2)
      expect(results.map((result) => result.kind)).toEqual(['queued', 'queued', 'queued', 'full'])
      expect(await world.store.signal(signals.slice(0, 1), 2)).toEqual([{ kind: 'full' }])
      expect(await world.inboxEvents(crowded.id)).toEqual(['0', '1'])
    })

    it('counts only what is in the inbox now', async () => {
      const actor = await world.awake()
      const signal = { actorId: actor.id, machine: null, event: '1', dedupKey: null }
      await world.store.signal([signal, signal], 2)
      await world.commit(transition(actor, { consumed: [1], inboxSeen: 2 }))
      expect(await world.store.signal([signal], 2)).toMatchObject([{ kind: 'queued' }])
    })

    it('takes two thousand signals at once, in order', async () => {
      const [one, two] = [await world.awake(), await world.awake()]
      const signals = Array.from({ length: 2_000 }, (_, n) => ({
        actorId: n % 2 === 0 ? one.id : two.id,
        machine: null,
        event: `${n}`,
        dedupKey: `key-${n}`
      }))
      const results = await world.store.signal(signals, 1_000)
      expect(results.filter((result) => result.kind === 'queued')).toHaveLength(2_000)
      const odd = Array.from({ length: 1_000 }, (_, n) => `${2 * n + 1}`)
      expect(await world.inboxEvents(two.id)).toEqual(odd)
    })

    it('takes what is for its machine only if the actor is of that machine', async () => {
      const actor = await world.awake()
      const signals = ['order', 'lamp', null].map((machine) => ({
        actorId: actor.id,
        machine,
        event: '1',
        dedupKey: null
      }))
      const [own, other, any] = await world.store.signal(signals, 10)
      expect([own?.kind, any?.kind]).toEqual(['queued', 'queued'])
      expect(other).toEqual({ kind: 'otherMachine', machine: 'order' })
      expect(await world.inboxEvents(actor.id)).toHaveLength(2)
    })

    it('remembers no dedup key of what was for another machine, and takes the same key for its own', async () => {
      const actor = await world.awake()
      const send = (machine: string) => ({ actorId: actor.id, machine, event: '1', dedupKey: 'key' })
      const results = await world.store.signal([send('lamp'), send('order'), send('order')], 10)
      expect(results.map(({ kind }) => kind)).toEqual(['otherMachine', 'queued', 'duplicate'])
      expect(await world.store.signal([send('lamp')], 10)).toMatchObject([{ kind: 'otherMachine' }])
    })

    it('does nothing for an empty batch', async () => {
      expect(await world.store.signal([], 10)).toEqual([])
    })
  })

  describe('the inbox', () => {
    it('loses exactly the signals that a commit consumed', async () => {
      const actor = await world.awake()
      const seqs = [
        await world.queue(actor.id, '1'),
        await world.queue(actor.id, '2'),
        await world.queue(actor.id, '3')
      ]
      const consumed = [seqs[0] ?? 0, seqs[2] ?? 0]
      await world.commit(transition(actor, { consumed, inboxSeen: seqs[2] ?? 0 }))
      expect(await world.inboxEvents(actor.id)).toEqual(['2'])
    })

    it('loses nothing of a row that the batch leaves out, nor of a neighbour with the same numbers', async () => {
      const [stale, good] = [await world.awake(), await world.awake()]
      for (const { id } of [stale, good]) {
        await world.queue(id, '"one"')
        await world.queue(id, '"two"')
      }
      await world.store.commit(world.node, [
        transition({ ...stale, version: 5 }, { consumed: [1, 2], inboxSeen: 2 }),
        transition(good, { consumed: [1], inboxSeen: 2 })
      ])
      expect(await world.inboxEvents(stale.id)).toEqual(['"one"', '"two"'])
      expect(await world.inboxEvents(good.id)).toEqual(['"two"'])
    })

    it('takes deferred events after those that arrived, in order', async () => {
      const actor = await world.awake()
      const inboxSeen = await world.queue(actor.id, '"arrived"')
      const deferred = ['"x"', '"y"'].map((event) => ({ event, dedupKey: null }))
      const result = await world.commit(transition(actor, { deferred, inboxSeen }))
      const inbox = await world.store.inbox(actor.id, inboxSeen)
      expect(inbox.map(({ event }) => event)).toEqual(['"x"', '"y"'])
      expect(result).toMatchObject({ kind: 'committed', inboxSeq: inbox[1]?.seq })
      expect(await world.inboxEvents(actor.id)).toEqual(['"arrived"', '"x"', '"y"'])
    })

    it('gives higher numbers to what comes after a consumed signal', async () => {
      const actor = await world.awake()
      const seq = await world.queue(actor.id)
      await world.commit(transition(actor, { consumed: [seq], inboxSeen: seq }))
      expect(await world.queue(actor.id)).toBeGreaterThan(seq)
    })

    it('shows what arrived after a number', async () => {
      const { id } = await world.awake()
      const seq = await world.queue(id, '1')
      await world.queue(id, '2', 'key')
      expect(await world.store.inbox(id, seq)).toMatchObject([{ event: '2', dedupKey: 'key' }])
      expect(await world.store.inbox(uniqueId(), 0)).toEqual([])
    })
  })

  describe('unseen', () => {
    it('lists an actor until its owner has committed that it saw the signal', async () => {
      const actor = await world.awake()
      const inboxSeen = await world.queue(actor.id)
      expect(await world.store.unseen(world.node, 10_000)).toContain(actor.id)
      await world.commit(transition(actor, { inboxSeen }))
      expect(await world.store.unseen(world.node, 10_000)).not.toContain(actor.id)
    })

    it('does not list an actor for what its owner deferred itself', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { deferred: [{ event: '1', dedupKey: null }] }))
      expect(await world.store.unseen(world.node, 10_000)).not.toContain(actor.id)
    })

    it("lists only the node's own actors, no more than its limit", async () => {
      const [node, idle] = [uniqueId(), await world.awake()]
      const mine = [await world.insert({ owner: node }), await world.insert({ owner: node })]
      for (const id of [idle.id, ...mine.map((actor) => actor.id)]) await world.queue(id)
      expect((await world.store.unseen(node, 10)).toSorted()).toEqual(mine.map(({ id }) => id).toSorted())
      expect(await world.store.unseen(node, 1)).toHaveLength(1)
    })

    it('goes on from an actor, so that a limit hides none', async () => {
      const node = uniqueId()
      const mine: string[] = []
      for (let n = 0; n < 5; n++) mine.push((await world.insert({ owner: node })).id)
      for (const id of mine) await world.queue(id)
      const [first, second] = [await world.store.unseen(node, 3), await world.store.unseen(node, 2)]
      const rest = await world.store.unseen(node, 3, first.at(-1))
      expect([...first, ...rest]).toEqual(mine.toSorted())
      expect(second).toEqual(first.slice(0, 2))
      expect(await world.store.unseen(node, 3, rest.at(-1))).toEqual([])
    })
  })
}

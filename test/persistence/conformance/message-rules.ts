/** Events that a commit puts into the inboxes of other actors. */
import { describe, expect, it } from 'vitest'
import { childOf, Family, outgoing } from './family.ts'
import { HOUR_MS, transition, uniqueId, type World } from './world.ts'

export function messageRules(world: World): void {
  const family = new Family(world)
  const toId = (id: string, event: string) => ({ to: { id }, event })

  describe('messages', () => {
    it('arrive with the commit, by id and by key, in order', async () => {
      const key = uniqueId()
      const [sender, target] = [await world.awake(), await world.asleep({}, { key })]
      const messages = [toId(target.id, '1'), { to: { key }, event: '2' }, toId(target.id, '3')]
      const result = await family.go(sender, { messages })
      expect(result).toMatchObject({ kind: 'committed', outgoing: { owners: [], wakesRows: true, undelivered: [] } })
      expect(await world.inboxEvents(target.id)).toEqual(['1', '2', '3'])
      expect(await world.row(target.id)).toMatchObject({ status: 'ready', inboxSeq: 3 })
    })

    it('stay out where the commit is stale', async () => {
      const [sender, target] = [await world.awake(), await world.asleep()]
      await family.go({ ...sender, version: 9 }, { messages: [toId(target.id, '1')] })
      expect(await world.inboxEvents(target.id)).toEqual([])
      expect(await world.row(target.id)).toMatchObject({ status: 'waiting' })
    })

    it('tell whose owner is to be told, each actor once', async () => {
      const [sender, target] = [await world.awake(), await world.awake()]
      const result = await family.go(sender, { messages: [toId(target.id, '1'), toId(target.id, '2')] })
      const owners = [{ node: world.node, id: target.id }]
      expect(result).toMatchObject({ outgoing: { owners, wakesRows: false } })
    })

    it('that find nobody, or one that has ended, are told, and nothing else fails', async () => {
      const [sender, target, ended] = [await world.awake(), await world.awake(), await world.ended('done')]
      const [nobody, key] = [uniqueId(), uniqueId()]
      const messages = [toId(nobody, '1'), toId(ended, '2'), { to: { key }, event: '3' }, toId(target.id, '4')]
      expect(await family.go(sender, { messages })).toMatchObject({
        kind: 'committed',
        outgoing: {
          undelivered: expect.arrayContaining([
            { to: { id: nobody }, reason: 'missing' },
            { to: { id: ended }, reason: 'terminated' },
            { to: { key }, reason: 'missing' }
          ])
        }
      })
      expect(await world.inboxEvents(target.id)).toEqual(['4'])
    })

    it('by a key that the sender gives up with its end go to the newest that had it, which may have ended', async () => {
      const [taken, free] = [uniqueId(), uniqueId()]
      const sender = await world.awake({ key: taken })
      await world.ended('done', { key: taken, keyScope: [] })
      const messages = [{ to: { key: taken }, event: '1' }]
      const result = await family.go(sender, { messages }, { status: 'done' })
      expect(result).toMatchObject({ outgoing: { undelivered: [{ to: { key: taken }, reason: 'terminated' }] } })

      const other = await world.awake({ key: free })
      const { id } = await world.insert({ key: free, keyScope: [] })
      await family.go(other, { messages: [{ to: { key: free }, event: '2' }] }, { status: 'done' })
      expect(await world.inboxEvents(id)).toEqual(['2'])
    })

    it('by key go to the actor that has it now, not to one that had it', async () => {
      const key = uniqueId()
      await world.ended('done', { key })
      const { id } = await world.insert({ key })
      await family.go(await world.awake(), { messages: [{ to: { key }, event: '1' }] })
      expect(await world.inboxEvents(id)).toEqual(['1'])
    })

    it('to the actor itself come into its own inbox, and keep it from going to rest unseen', async () => {
      const sender = await world.awake()
      const result = await family.go(sender, { messages: [toId(sender.id, '1')] })
      expect(result).toMatchObject({ kind: 'committed', released: false, inboxSeq: 1 })
      await family.go({ ...sender, version: 2 }, { messages: [toId(sender.id, '2')] }, { release: true, inboxSeen: 1 })
      expect(await world.row(sender.id)).toMatchObject({ status: 'ready', owner: null, inboxSeq: 2 })
    })

    it('to the actor itself come in after what its commit defers, and the commit tells both numbers', async () => {
      const sender = await world.awake()
      const deferred = [{ event: '"waits"', dedupKey: null }]
      const result = await family.go(sender, { messages: [toId(sender.id, '"sent"')] }, { deferred })
      expect(result).toMatchObject({ kind: 'committed', deferredSeq: 1, inboxSeq: 2 })
      expect(await world.inboxEvents(sender.id)).toEqual(['"waits"', '"sent"'])
    })

    it('reach children that the same commit brings into being', async () => {
      const sender = await world.awake()
      const key = uniqueId()
      const child = childOf(sender, 1, null, { key })
      await family.go(sender, { births: [child], messages: [toId(child.id, '1'), { to: { key }, event: '2' }] })
      expect(await world.inboxEvents(child.id)).toEqual(['1', '2'])
    })

    it('are stored as they are, know no limit, and wake no start that lies ahead', async () => {
      const late = await world.insert({ startInMs: HOUR_MS })
      const messages = Array.from({ length: 1_001 }, () => toId(late.id, '{"b":1,  "a":"\\u0000"}'))
      expect(await family.go(await world.awake(), { messages })).toMatchObject({ outgoing: { undelivered: [] } })
      expect(await world.signal(late.id)).toEqual({ kind: 'full' })
      expect((await world.inboxEvents(late.id))[0]).toBe('{"b":1,  "a":"\\u0000"}')
      expect(await world.row(late.id)).toMatchObject({ status: 'waiting' })
    })

    it('between actors of one batch all arrive, each behind what its sender sent before', async () => {
      const actors = [await world.awake(), await world.awake(), await world.awake()]
      for (const round of [1, 2]) {
        const commits = actors.map(({ id }, n) => {
          const messages = actors.map((to) => toId(to.id, `{"from":${n},"round":${round}}`))
          return transition({ id, version: round }, { outgoing: outgoing({ messages }) })
        })
        const results = await world.store.commit(world.node, commits)
        expect(results.map(({ kind }) => kind)).toEqual(['committed', 'committed', 'committed'])
      }
      for (const { id } of actors) {
        const events = (await world.inboxEvents(id)).map(
          (event) => JSON.parse(event) as { from: number; round: number }
        )
        expect(events.filter(({ from }) => from === 1).map(({ round }) => round)).toEqual([1, 2])
        expect(events).toHaveLength(6)
      }
    })
  })
}

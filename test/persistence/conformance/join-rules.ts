/** Joins: the children that a parent waits for together. */
import { describe, expect, it } from 'vitest'
import { childOf, Family, joinOf } from './family.ts'
import { transition, uniqueId, type World } from './world.ts'

const STOP = '{"type":"xstate.stop"}'
const done = (output: unknown) => ({ status: 'done', output })

export function joinRules(world: World): void {
  const family = new Family(world)
  const cancel = (id: string) => world.store.cancel({ id, request: STOP, reason: null })

  describe('a join', () => {
    const children = (need: number | null, ...outcomes: (object | null)[]) => ({
      type: 'perdure.children',
      session: 1,
      need,
      outcomes
    })

    it('of nobody is released at once, in the very commit', async () => {
      const { parent, result } = await family.withJoin(0)
      expect(result).toMatchObject({ kind: 'committed', inboxSeq: 1 })
      expect(await family.told(parent.id)).toEqual([children(null)])
    })

    it('is released once all have ended, with their outcomes in the order of their places', async () => {
      const { parent, children: ids } = await family.withJoin(3)
      await family.end(ids[2] as string, 'failed', { lastError: '"broken"' })
      await family.end(ids[0] as string, 'done', { output: '1' })
      expect(await family.told(parent.id)).toEqual([])
      await cancel(ids[1] as string)
      const outcomes = [done(1), { status: 'stopped', error: null }, { status: 'failed', error: 'broken' }]
      expect(await family.told(parent.id)).toEqual([children(null, ...outcomes)])
    })

    it('counts all that end in one batch, and releases once', async () => {
      const { parent, children: ids } = await family.withJoin(10)
      for (const id of ids) await world.take(id)
      const out = { births: [], joins: [], messages: [], cancels: [], tellsParent: true }
      const commits = ids.map((id, n) =>
        transition({ id, version: 0 }, { status: 'done', output: String(n), outgoing: out })
      )
      await world.store.commit(world.node, commits)
      expect(await family.told(parent.id)).toEqual([children(null, ...ids.map((_, n) => done(n)))])
    })

    it('that needs some is released by them, and the rest is cancelled', async () => {
      const { parent, children: ids } = await family.withJoin(4, { need: 2 })
      await world.take(ids[3] as string)
      await family.end(ids[0] as string, 'failed')
      await family.end(ids[1] as string)
      expect(await family.told(parent.id)).toEqual([])
      await family.end(ids[2] as string)
      const failed = { status: 'failed', error: null }
      expect(await family.told(parent.id)).toEqual([children(2, failed, done(null), done(null), null)])
      expect(await world.inboxEvents(ids[3] as string)).toEqual([STOP])
      await family.go({ id: ids[3] as string, version: 0 }, { tellsParent: true }, { status: 'done' })
      expect(await family.told(parent.id)).toHaveLength(1)
    })

    it('that needs more than can still succeed is released at once', async () => {
      const { parent, children: ids } = await family.withJoin(3, { need: 2 })
      await family.end(ids[0] as string, 'failed')
      expect(await family.told(parent.id)).toEqual([])
      await family.end(ids[1] as string, 'stopped')
      const outcomes = [{ status: 'failed', error: null }, { status: 'stopped', error: null }, null]
      expect(await family.told(parent.id)).toEqual([children(2, ...outcomes)])
      expect(await family.statuses(ids)).toEqual(['failed', 'stopped', 'stopped'])
    })

    it('that needs all is released by the first that fails, and by the last that succeeds', async () => {
      const [lost, won] = [await family.withJoin(2, { need: 2 }), await family.withJoin(2, { need: 2 })]
      await family.end(lost.children[0] as string, 'failed')
      expect(await family.told(lost.parent.id)).toEqual([children(2, { status: 'failed', error: null }, null)])
      expect(await family.statuses(lost.children)).toEqual(['failed', 'stopped'])
      await family.end(won.children[0] as string)
      expect(await family.told(won.parent.id)).toEqual([])
      await family.end(won.children[1] as string)
      expect(await family.told(won.parent.id)).toEqual([children(2, done(null), done(null))])
    })

    it.each([[0], [2]])('that needs three of %i is released at once, without births', async (total) => {
      const parent = await world.awake()
      const result = await family.go(parent, { joins: [joinOf(total, { need: 3 })] })
      expect(result).toMatchObject({ kind: 'committed', inboxSeq: 1 })
      expect(await family.told(parent.id)).toEqual([children(3, ...Array.from({ length: total }, () => null))])
    })

    it('that needs all is released with its birth where the key of one is taken', async () => {
      const key = uniqueId()
      await world.insert({ key })
      const parent = await world.awake()
      const births = [childOf(parent, 1, 0), childOf(parent, 1, 1, { key })]
      await family.go(parent, { births, joins: [joinOf(2, { need: 2 })] })
      expect(await family.told(parent.id)).toMatchObject([{ outcomes: [null, { status: 'failed' }] }])
      expect(await family.statuses(births.map(({ id }) => id))).toEqual(['stopped', 'failed'])
    })

    it('lets some run at a time: each that ends lets the next one run, in order', async () => {
      const queue = uniqueId()
      const { parent, children: ids } = await family.withJoin(4, { concurrency: 2 }, { queue })
      expect(await world.pickAll(queue)).toHaveLength(2)
      expect(await family.statuses(ids)).toEqual(['ready', 'ready', 'waiting', 'waiting'])
      const out = { tellsParent: true }
      const end = (n: number) => family.go({ id: ids[n] as string, version: 0 }, out, { status: 'done' })
      expect(await end(1)).toMatchObject({ outgoing: { wakesRows: true } })
      expect(await world.pickAll(queue)).toEqual([ids[2]])
      await end(0)
      expect(await world.pickAll(queue)).toEqual([ids[3]])
      for (const n of [2, 3]) await end(n)
      expect(await family.told(parent.id)).toEqual([children(null, ...ids.map(() => done(null)))])
    })

    it('keeps a child that waits for its turn from everybody, and knows no time for it', async () => {
      const queue = uniqueId()
      const { children: ids } = await family.withJoin(2, { concurrency: 1 }, { queue })
      const waiting = ids[1] as string
      await world.pickAll(queue)
      await world.queue(waiting)
      expect(await world.claim(waiting)).toMatchObject({ kind: 'held' })
      expect(await world.row(waiting)).toMatchObject({ status: 'waiting', wakeAt: null, attempt: 0 })
      const machines = [{ name: 'order', version: null }]
      const look = await world.store.pick({ node: world.node, queue, machines, limit: 10 })
      expect(look).toEqual({ rows: [], nextDueInMs: null, contended: [] })
      const search = { machines: [], queues: [queue], waitedMs: 0, limit: 10 }
      expect(await world.store.findUnknown(search)).toEqual([])
    })

    it('counts one that is cancelled while it waits for its turn, and gives that turn to nobody', async () => {
      const queue = uniqueId()
      const { children: ids } = await family.withJoin(3, { concurrency: 1 }, { queue })
      await cancel(ids[1] as string)
      expect(await family.statuses(ids)).toEqual(['ready', 'stopped', 'waiting'])
      await family.end(ids[0] as string)
      expect(await family.statuses(ids)).toEqual(['done', 'stopped', 'ready'])
    })

    it('counts a child whose key was taken', async () => {
      const key = uniqueId()
      await world.insert({ key })
      const parent = await world.awake()
      const births = [childOf(parent, 1, 0, { key }), childOf(parent, 1, 1), childOf(parent, 1, 2)]
      await family.go(parent, { births, joins: [joinOf(3, { concurrency: 1 })] })
      expect(await family.statuses(births.map(({ id }) => id))).toEqual(['failed', 'ready', 'waiting'])
    })

    it('is forgotten with its session, and another one may follow under the next', async () => {
      const { parent } = await family.withJoin(2, { need: 1 })
      const births = [childOf(parent, 2, 0)]
      await family.go(parent, { cancels: [1], births, joins: [joinOf(1, { session: 2 })] })
      await family.end(births[0]?.id as string)
      expect(await family.told(parent.id)).toEqual([{ ...children(null, done(null)), session: 2 }])
    })
  })
}

/** Children: born, told of, joined and cancelled with the commits of others. */
import { describe, expect, it } from 'vitest'
import { childOf, Family, joinOf } from './family.ts'
import { HOUR_MS, transition, uniqueId, type World } from './world.ts'

const STOP = '{"type":"xstate.stop"}'
const done = (output: unknown) => ({ status: 'done', output })
const single = (outcome: object) => ({ type: 'perdure.child', session: 1, outcome })

export function childRules(world: World): void {
  const family = new Family(world)
  const cancel = (id: string) => world.store.cancel({ id, request: STOP, reason: null })

  describe('births', () => {
    it('bring children into being with the commit: ready, unowned, knowing their parent', async () => {
      const queue = uniqueId()
      const parent = await world.awake()
      const child = childOf(parent, 7, null, { queue, owner: world.node, input: '"hello"' })
      const result = await family.go(parent, { births: [child] })
      expect(result).toMatchObject({ kind: 'committed', outgoing: { owners: [], wakesRows: true, undelivered: [] } })
      const of = { id: parent.id, session: 7, index: null }
      expect(await world.row(child.id)).toMatchObject({ status: 'ready', owner: null, parent: of, input: '"hello"' })
      expect(await world.pickAll(queue)).toEqual([child.id])
    })

    it('honour a delayed start', async () => {
      const parent = await world.awake()
      const child = childOf(parent, 1, null, { startInMs: HOUR_MS })
      await family.go(parent, { births: [child] })
      expect(await world.row(child.id)).toMatchObject({ status: 'waiting' })
      expect(await world.claim(child.id)).toMatchObject({ kind: 'held' })
    })

    it('do not happen where the commit is stale, and others of the batch do', async () => {
      const [stale, fresh] = [await world.awake(), await world.awake()]
      const [unborn, born] = [childOf(stale, 1), childOf(fresh, 1)]
      const out = { joins: [], messages: [], cancels: [], tellsParent: false }
      const results = await world.store.commit(world.node, [
        transition({ ...stale, version: 9 }, { outgoing: { ...out, births: [unborn] } }),
        transition(fresh, { outgoing: { ...out, births: [born] } }),
        transition({ ...stale, version: 8 })
      ])
      expect(results.map(({ kind }) => kind)).toEqual(['stale', 'committed', 'stale'])
      expect(await family.statuses([unborn.id, born.id])).toEqual(['missing', 'ready'])
    })

    it('of a key that is taken fail, and the parent is told', async () => {
      const key = uniqueId()
      const { id: occupant } = await world.insert({ key })
      const { parent, child } = await family.withChild({ key })
      expect(await world.row(child)).toMatchObject({ status: 'failed', key: null })
      const error = { type: 'perdure.keyTaken', key, id: occupant }
      expect(await family.told(parent.id)).toEqual([single({ status: 'failed', error })])
    })
  })

  describe('the end of a child', () => {
    it.each([
      ['done', { output: '{"b":1,"a":2}' }, '{"status":"done","output":{"b":1,"a":2}}'],
      ['done', {}, '{"status":"done","output":null}'],
      ['failed', { lastError: '"broken"' }, '{"status":"failed","error":"broken"}'],
      ['stopped', {}, '{"status":"stopped","error":null}']
    ] as const)('is told to its parent in its own words: %s %o', async (status, fields, outcome) => {
      const { parent, child } = await family.withChild()
      expect(await family.end(child, status, fields)).toMatchObject({
        kind: 'committed',
        outgoing: { owners: [{ node: world.node, id: parent.id }] }
      })
      expect(await world.inboxEvents(parent.id)).toEqual([`{"type":"perdure.child","session":1,"outcome":${outcome}}`])
    })

    it('wakes a parent that rests, and keeps one from going to rest', async () => {
      const { parent, child } = await family.withChild()
      const other = childOf(parent, 2)
      await family.go(parent, { births: [other] }, { release: true })
      expect(await family.end(child)).toMatchObject({ outgoing: { owners: [], wakesRows: true } })
      expect(await world.row(parent.id)).toMatchObject({ status: 'ready' })
      const row = await world.take(parent.id)
      await family.end(other.id)
      expect(await world.commit(transition(row, { release: true, inboxSeen: 1 }))).toMatchObject({ released: false })
    })

    it('that is committed twice is told once', async () => {
      const { parent, child } = await family.withChild()
      const { version } = await world.take(child)
      const end = () => family.go({ id: child, version }, { tellsParent: true }, { status: 'done' })
      expect([await end(), await end()].map(({ kind }) => kind)).toEqual(['committed', 'stale'])
      expect(await family.told(parent.id)).toEqual([single(done(null))])
    })

    it('is told where an operator ends it', async () => {
      const { parent, child } = await family.withChild()
      const owners = [{ node: world.node, id: parent.id }]
      expect(await cancel(child)).toEqual({ kind: 'ended', reached: { owners, wakesRows: false } })
      expect(await cancel(child)).toEqual({ kind: 'ended' })
      expect(await family.told(parent.id)).toEqual([single({ status: 'stopped', error: null })])
    })

    it('is told to nobody where its parent has ended', async () => {
      const { parent, child } = await family.withChild()
      await world.take(child)
      await world.commit(transition(parent, { status: 'done' }))
      const result = await family.go({ id: child, version: 0 }, { tellsParent: true }, { status: 'done' })
      expect(result).toMatchObject({ kind: 'committed', outgoing: { owners: [], undelivered: [] } })
      expect(await world.inboxEvents(parent.id)).toEqual([])
    })

    it('leaves its row until its parent has ended', async () => {
      const machine = uniqueId()
      const { parent, child } = await family.withChild({ machine })
      await family.end(child)
      const collect = () => world.store.collect([{ machine, retentionMs: 0 }], 10)
      await world.passTime()
      expect(await collect()).toBe(0)
      await world.commit(transition(parent, { status: 'done' }))
      expect(await collect()).toBe(1)
    })
  })

  describe('cancels', () => {
    it('end what nobody owns and ask who is owned, with all that is below, and leave other sessions alone', async () => {
      const { parent, child } = await family.withChild()
      const { id: kept } = childOf(parent, 2)
      const [owned, below] = [childOf(parent, 1), childOf({ id: child, version: 0 }, 1)]
      await family.go(await world.take(child), { births: [below] }, { release: true })
      await family.go(parent, {
        births: [owned, { ...owned, id: kept, parent: { ...parent, session: 2, index: null } }]
      })
      await world.take(owned.id)
      const result = await family.go({ ...parent, version: 3 }, { cancels: [1] })
      expect(result).toMatchObject({ outgoing: { owners: [{ node: world.node, id: owned.id }] } })
      const ids = [child, below.id, owned.id, kept]
      expect(await family.statuses(ids)).toEqual(['stopped', 'stopped', 'ready', 'ready'])
      expect(await world.inboxEvents(owned.id)).toEqual([STOP])
      expect(await world.inboxEvents(parent.id)).toEqual([])
    })

    it('come with the end of an actor, for all its sessions', async () => {
      const { parent, child } = await family.withChild()
      await family.go(parent, {}, { status: 'done' })
      expect(await family.statuses([parent.id, child])).toEqual(['done', 'stopped'])
    })

    it('come with an operator, from the first generation to the last', async () => {
      const { parent, child } = await family.withChild()
      const below = childOf({ id: child, version: 0 }, 1)
      await family.go(await world.take(child), { births: [below] })
      const asked = { owners: [{ node: world.node, id: child }], wakesRows: false }
      expect(await cancel(parent.id)).toEqual({ kind: 'asked', owner: world.node, reached: asked })
      expect(await family.statuses([parent.id, child, below.id])).toEqual(['waiting', 'waiting', 'stopped'])
      expect(await world.inboxEvents(parent.id)).toEqual([STOP])
      expect(await world.inboxEvents(child)).toEqual([STOP])
    })

    it('ask once, and an owner that was asked ends its actor without harm', async () => {
      const { parent, child } = await family.withChild()
      await world.take(child)
      await family.go(parent, { cancels: [1] })
      await family.go({ ...parent, version: 3 }, { cancels: [1] })
      expect(await world.inboxEvents(child)).toEqual([STOP])
      const end = { status: 'stopped', consumed: [1], inboxSeen: 1 } as const
      expect(await family.go({ id: child, version: 0 }, { tellsParent: true }, end)).toMatchObject({
        kind: 'committed'
      })
    })

    it('and the end of a child: whichever is first, nobody is left over', async () => {
      const first = await family.withJoin(2)
      await family.end(first.children[0] as string)
      await family.go(first.parent, { cancels: [1] })
      expect(await family.statuses(first.children)).toEqual(['done', 'stopped'])

      const second = await family.withJoin(2)
      for (const child of second.children) await world.take(child)
      await family.go(second.parent, { cancels: [1] })
      for (const id of second.children) await family.go({ id, version: 0 }, { tellsParent: true }, { status: 'done' })
      expect(await family.statuses(second.children)).toEqual(['done', 'done'])
      for (const { parent } of [first, second]) expect(await family.told(parent.id)).toEqual([])
    })
  })

  describe('a join', () => {
    const children = (need: number, ...outcomes: (object | null)[]) => ({
      type: 'perdure.children',
      session: 1,
      need,
      outcomes
    })

    it('of nobody is released at once, in the very commit', async () => {
      const { parent, result } = await family.withJoin(0)
      expect(result).toMatchObject({ kind: 'committed', inboxSeq: 1 })
      expect(await family.told(parent.id)).toEqual([children(0)])
    })

    it('is released once all have ended, with their outcomes in the order of their places', async () => {
      const { parent, children: ids } = await family.withJoin(3)
      await family.end(ids[2] as string, 'failed', { lastError: '"broken"' })
      await family.end(ids[0] as string, 'done', { output: '1' })
      expect(await family.told(parent.id)).toEqual([])
      await cancel(ids[1] as string)
      const outcomes = [done(1), { status: 'stopped', error: null }, { status: 'failed', error: 'broken' }]
      expect(await family.told(parent.id)).toEqual([children(3, ...outcomes)])
    })

    it('counts all that end in one batch, and releases once', async () => {
      const { parent, children: ids } = await family.withJoin(10)
      for (const id of ids) await world.take(id)
      const out = { births: [], joins: [], messages: [], cancels: [], tellsParent: true }
      const commits = ids.map((id, n) =>
        transition({ id, version: 0 }, { status: 'done', output: String(n), outgoing: out })
      )
      await world.store.commit(world.node, commits)
      expect(await family.told(parent.id)).toEqual([children(10, ...ids.map((_, n) => done(n)))])
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
      expect(await family.told(parent.id)).toEqual([children(4, ...ids.map(() => done(null)))])
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
      expect(await family.told(parent.id)).toEqual([{ ...children(1, done(null)), session: 2 }])
    })
  })
}

/** Children: born, told of and cancelled with the commits of others. */
import { describe, expect, it } from 'vitest'
import { childOf, Family } from './family.ts'
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

    it('come before births: a child that nobody owns leaves its key to the next one', async () => {
      const key = uniqueId()
      const { parent, child } = await family.withChild({ key })
      const next = childOf(parent, 2, null, { key })
      await family.go(parent, { cancels: [1], births: [next] })
      expect(await family.statuses([child, next.id])).toEqual(['stopped', 'ready'])
      expect(await world.row(next.id)).toMatchObject({ key })
      expect(await family.told(parent.id)).toEqual([])
    })

    it('leave a child that is owned its key until it has ended', async () => {
      const key = uniqueId()
      const { parent, child } = await family.withChild({ key })
      await world.take(child)
      const [next, last] = [childOf(parent, 2, null, { key }), childOf(parent, 3, null, { key })]
      await family.go(parent, { cancels: [1], births: [next] })
      expect(await family.statuses([next.id])).toEqual(['failed'])
      await family.go({ id: child, version: 0 }, { tellsParent: true }, { status: 'stopped' })
      await family.go({ ...parent, version: 3 }, { births: [last] })
      expect(await family.statuses([last.id])).toEqual(['ready'])
    })

    it('ask behind what the same commit sends', async () => {
      const { parent, child } = await family.withChild()
      await world.take(child)
      await family.go(parent, { cancels: [1], messages: [{ to: { id: child }, event: '"bye"' }] })
      expect(await world.inboxEvents(child)).toEqual(['"bye"', STOP])
    })

    it('tell of what was sent to a child that they ended at once', async () => {
      const { parent, child } = await family.withChild()
      const to = { id: child }
      const result = await family.go(parent, { cancels: [1], messages: [{ to, event: '"bye"' }] })
      expect(result).toMatchObject({ outgoing: { undelivered: [{ to, reason: 'terminated' }] } })
    })

    it('end what the same commit brings into being, where it ends its actor', async () => {
      const parent = await world.awake()
      const child = childOf(parent, 1)
      await family.go(parent, { births: [child] }, { status: 'done' })
      expect(await family.statuses([child.id])).toEqual(['stopped'])
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
}

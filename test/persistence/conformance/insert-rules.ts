/** `insert`, `read` and `findKeys`: how actors are born, and how keys tell them apart. */
import { describe, expect, it } from 'vitest'
import { LIVE_STATUSES } from '../../../src/persistence/store.ts'
import type { ActorStatus } from '../../../src/persistence/store.ts'
import { HOUR_MS, LONG_AGO, newActor, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function insertRules(world: World): void {
  describe('insert', () => {
    it('stores every field of a new actor', async () => {
      const actor = await world.insert({
        machineVersion: '2',
        key: uniqueId(),
        priority: -32_768,
        partitionKey: 'tenant-7',
        input: '{"order":42}'
      })
      const { keyScope: _scope, startAt: _at, startInMs: _in, ...stored } = actor
      const empty = { snapshot: null, journal: null, journalBefore: null, output: null, lastError: null }
      expect(await world.row(actor.id)).toMatchObject({
        ...stored,
        ...empty,
        status: 'ready',
        version: 0,
        attempt: 0,
        inboxSeq: 0
      })
    })

    it('tells the time of birth by the clock that leases are told by', async () => {
      const before = (await world.lease.renew()).now
      const { id } = await world.insert()
      const after = (await world.lease.renew()).now
      const { createdAt } = await world.row(id)
      // One millisecond of rounding either way.
      expect(createdAt).toBeGreaterThan(before - 1)
      expect(createdAt).toBeLessThan(after + 1)
    })

    it('gives an actor that is born leased to its owner', async () => {
      const { id } = await world.insert({ owner: world.node })
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: world.node, version: 0 })
    })

    it('lets the owner that an actor is born to decide on its start', async () => {
      const { id } = await world.insert({ owner: world.node, startInMs: HOUR_MS })
      expect(await world.row(id)).toMatchObject({ status: 'ready', owner: world.node })
      expect(await world.claim(id)).toMatchObject({ kind: 'claimed' })
    })

    it('keeps an actor waiting whose start lies ahead', async () => {
      const soon = await world.insert({ startInMs: HOUR_MS })
      const at = await world.insert({ startAt: Date.UTC(2100, 0, 1) })
      expect(await world.row(soon.id)).toMatchObject({ status: 'waiting', owner: null })
      expect(await world.row(at.id)).toMatchObject({ status: 'waiting', wakeAt: Date.UTC(2100, 0, 1) })
    })

    it('answers a repeated insert with the actor that is there, key or not, and changes nothing', async () => {
      const plain = await world.insert({ input: '1' })
      const keyed = await world.insert({ key: uniqueId() })
      expect(await world.insertOne({ ...plain, input: '2' })).toEqual({
        kind: 'duplicate',
        by: 'id',
        id: plain.id,
        machine: 'order'
      })
      expect(await world.insertOne(keyed)).toEqual({ kind: 'duplicate', by: 'id', id: keyed.id, machine: 'order' })
      expect(await world.row(plain.id)).toMatchObject({ input: '1' })
    })

    it('answers with the machine of the actor that is there, not with that of the one to be born', async () => {
      const [key, id] = [uniqueId(), uniqueId()]
      const lamp = await world.insert({ machine: 'lamp', key })
      const batch = [newActor({ id: lamp.id }), newActor({ key }), newActor({ id, machine: 'lamp' }), newActor({ id })]
      expect(await world.store.insert(batch)).toEqual([
        { kind: 'duplicate', by: 'id', id: lamp.id, machine: 'lamp' },
        { kind: 'duplicate', by: 'key', id: lamp.id, machine: 'lamp' },
        { kind: 'inserted' },
        { kind: 'duplicate', by: 'id', id, machine: 'lamp' }
      ])
    })

    it('answers a taken key with its occupant', async () => {
      const key = uniqueId()
      const occupant = await world.insert({ key })
      const late = newActor({ key })
      expect(await world.insertOne(late)).toEqual({ kind: 'duplicate', by: 'key', id: occupant.id, machine: 'order' })
      expect(await world.store.read([late.id])).toEqual([null])
    })

    it('finds duplicates within one batch and against existing rows, and inserts the rest', async () => {
      const [key, taken] = [uniqueId(), uniqueId()]
      const occupant = await world.insert({ key: taken })
      const first = newActor({ key })
      const batch = [newActor(), first, newActor({ key }), newActor({ key: taken }), newActor()]
      expect(await world.store.insert(batch)).toEqual([
        { kind: 'inserted' },
        { kind: 'inserted' },
        { kind: 'duplicate', by: 'key', id: first.id, machine: 'order' },
        { kind: 'duplicate', by: 'key', id: occupant.id, machine: 'order' },
        { kind: 'inserted' }
      ])
    })

    it('inserts an id once that a batch names twice', async () => {
      const actor = newActor()
      const results = await world.store.insert([actor, { ...actor, input: '2' }])
      expect(results).toEqual([{ kind: 'inserted' }, { kind: 'duplicate', by: 'id', id: actor.id, machine: 'order' }])
      expect(await world.row(actor.id)).toMatchObject({ input: null })
    })

    it('never lets actors without a key conflict', async () => {
      const results = await world.store.insert([newActor(), newActor(), newActor()])
      expect(results.map((result) => result.kind)).toEqual(['inserted', 'inserted', 'inserted'])
    })

    it('inserts two thousand actors at once', async () => {
      const batch = Array.from({ length: 2_000 }, () => newActor({ startInMs: HOUR_MS }))
      const results = await world.store.insert(batch)
      expect(results.filter((result) => result.kind === 'inserted')).toHaveLength(2_000)
    })

    it('does nothing for an empty batch', async () => {
      expect(await world.store.insert([])).toEqual([])
    })
  })

  describe('keys', () => {
    it('frees a key once its actor has ended', async () => {
      const key = uniqueId()
      await world.ended('failed', { key })
      await world.insert({ key })
    })

    it('keeps a key taken through every live status', async () => {
      const key = uniqueId()
      const actor = await world.asleep({ status: 'parked' }, { key })
      expect(await world.insertOne(newActor({ key }))).toEqual({
        kind: 'duplicate',
        by: 'key',
        id: actor.id,
        machine: 'order'
      })
    })

    it.each(['done', 'failed', 'stopped'] as const)('keeps a key reserved by an actor that is %s', async (status) => {
      const key = uniqueId()
      const keyScope: ActorStatus[] = [...LIVE_STATUSES, status]
      const id = await world.ended(status, { key, keyScope })
      expect(await world.insertOne(newActor({ key, keyScope }))).toEqual({
        kind: 'duplicate',
        by: 'key',
        id,
        machine: 'order'
      })
    })

    it('does not give a key to an actor whose scope is empty', async () => {
      const key = uniqueId()
      const occupant = await world.insert({ key })
      await world.insert({ key, keyScope: [] })
      expect(await world.findKey(key)).toBe(occupant.id)
    })

    it('looks at the scope that the occupant was born with', async () => {
      const key = uniqueId()
      await world.ended('done', { key, keyScope: [...LIVE_STATUSES, 'failed'] })
      await world.insert({ key, keyScope: [...LIVE_STATUSES, 'done'] })
    })

    it('finds the live occupant of each key, in the order asked', async () => {
      const [one, two] = [uniqueId(), uniqueId()]
      await world.ended('done', { key: one })
      const first = await world.insert({ key: one })
      const second = await world.insert({ key: two })
      expect(await world.store.findKeys([two, uniqueId(), one])).toEqual([second.id, null, first.id])
    })

    it('finds the newest actor of a key where all have ended', async () => {
      const key = uniqueId()
      await world.ended('done', { key })
      await world.passTime()
      const newest = await world.ended('stopped', { key })
      expect(await world.findKey(key)).toBe(newest)
    })
  })

  describe('read', () => {
    it('answers in the order asked, null for what does not exist', async () => {
      const [one, two] = [await world.insert(), await world.insert()]
      const rows = await world.store.read([two.id, uniqueId(), one.id])
      expect(rows.map((row) => row?.id)).toEqual([two.id, undefined, one.id])
    })

    it('answers in whole milliseconds what was stored in them', async () => {
      const { id } = await world.insert({ startAt: LONG_AGO + 1 })
      expect((await world.row(id)).wakeAt).toBe(LONG_AGO + 1)
    })
  })
}

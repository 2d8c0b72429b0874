/** What a janitor may delete, and what it is told of rows that nobody takes. */
import { describe, expect, it } from 'vitest'
import { LIVE_STATUSES } from '../../../src/persistence/store.ts'
import { acknowledgement, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const AT_ONCE = 0
const ALL = 1_000

export function collectRules(world: World): void {
  /** Machines of a rule's own: the suite shares one store. */
  const collect = (machine: string, retentionMs = AT_ONCE, limit = ALL): Promise<number> =>
    world.store.collect([{ machine, retentionMs }], limit)

  const exists = async (id: string): Promise<boolean> => (await world.store.read([id]))[0] !== null

  describe('collect', () => {
    it('deletes what has ended, however it ended, and nothing that has not', async () => {
      const machine = uniqueId()
      for (const status of ['done', 'failed', 'stopped'] as const) await world.ended(status, { machine })
      const parked = await world.asleep({ status: 'parked' }, { machine })
      const asleep = await world.asleep({}, { machine })
      await world.passTime()
      expect(await collect(machine)).toBe(3)
      expect(await Promise.all([exists(parked.id), exists(asleep.id)])).toEqual([true, true])
    })

    it('keeps what ended lately, and other machines', async () => {
      const machine = uniqueId()
      const [fresh, other] = [
        await world.ended('done', { machine }),
        await world.ended('done', { machine: uniqueId() })
      ]
      await world.passTime()
      expect(await collect(machine, 3_600_000)).toBe(0)
      expect(await world.store.collect([], ALL)).toBe(0)
      expect(await Promise.all([exists(fresh), exists(other)])).toEqual([true, true])
    })

    it('deletes no more than its limit at once', async () => {
      const machine = uniqueId()
      for (let n = 0; n < 3; n++) await world.ended('done', { machine })
      await world.passTime()
      expect([await collect(machine, 0, 2), await collect(machine, 0, 2), await collect(machine, 0, 2)]).toEqual([
        2, 1, 0
      ])
    })

    it('takes the inbox and the dedup keys with the actor, and frees its key and id', async () => {
      const [machine, key] = [uniqueId(), uniqueId()]
      const actor = await world.awake({ machine, key })
      await world.queue(actor.id, '1', 'once')
      await world.commit(acknowledgement(actor, { status: 'done' }))
      await world.passTime()
      expect(await collect(machine)).toBe(1)
      expect(await world.inboxEvents(actor.id)).toEqual([])
      expect(await world.store.knownDedup([{ actorId: actor.id, dedupKey: 'once' }])).toEqual([false])
      expect(await world.signal(actor.id)).toEqual({ kind: 'missing' })
      expect(await world.findKey(key)).toBeNull()
      await world.insert({ id: actor.id, machine, key })
    })

    it('leaves an actor that keeps its key beyond its end', async () => {
      const [machine, key] = [uniqueId(), uniqueId()]
      const id = await world.ended('done', { machine, key, keyScope: [...LIVE_STATUSES, 'done'] })
      await world.passTime()
      expect(await collect(machine)).toBe(0)
      expect(await world.findKey(key)).toBe(id)
    })
  })

  describe('findUnknown', () => {
    const search = { waitedMs: 0, limit: ALL }

    it('counts what waits in a queue and is of no machine that is asked for', async () => {
      const queue = uniqueId()
      const news = [null, '2', '2'].map((machineVersion) => ({ machine: 'new', machineVersion, queue }))
      for (const actor of [...news, { queue }]) await world.insert(actor)
      await world.passTime()
      const machines = [{ name: 'order', version: null }]
      const found = await world.store.findUnknown({ ...search, machines, queues: [queue] })
      expect(found).toHaveLength(2)
      expect(found).toContainEqual({ machine: 'new', version: null, count: 1 })
      expect(found).toContainEqual({ machine: 'new', version: '2', count: 2 })
    })

    it('leaves out other queues, what rests, what is owned, and what has not waited so long', async () => {
      const queue = uniqueId()
      await world.insert({ queue: uniqueId() })
      await world.asleep({}, { queue })
      await world.awake({ queue })
      await world.insert({ queue, startInMs: 3_600_000 })
      expect(await world.store.findUnknown({ ...search, machines: [], queues: [queue] })).toEqual([])
      await world.insert({ queue })
      const patient = { ...search, waitedMs: 3_600_000, machines: [], queues: [queue] }
      expect(await world.store.findUnknown(patient)).toEqual([])
    })
  })

  describe('a commit with a version of the machine', () => {
    it('moves the actor to it, together with its snapshot', async () => {
      const actor = await world.awake({ machineVersion: '1' })
      const move = transition(actor, { status: 'ready', machineVersion: '2' })
      expect(await world.commit(move)).toMatchObject({ kind: 'committed', released: false })
      expect(await world.row(actor.id)).toMatchObject({ machineVersion: '2', snapshot: move.snapshot, version: 2 })
    })

    it('changes nothing where it is stale, and no other commit changes the version', async () => {
      const actor = await world.awake({ machineVersion: '1' })
      const stale = transition({ ...actor, version: 7 }, { status: 'ready', machineVersion: '2' })
      expect(await world.commit(stale)).toEqual({ kind: 'stale' })
      await world.commit(transition(actor))
      expect(await world.row(actor.id)).toMatchObject({ machineVersion: '1', version: 2 })
    })
  })
}

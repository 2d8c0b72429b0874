/** Partitions: of the actors that share a key one at a time is leased, in order, whoever asks for which (S8). */
import { describe, expect, it } from 'vitest'
import { acknowledgement, LONG_AGO, MACHINES, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function partitionRules(world: World): void {
  const look = (queue: string, limit = 10) => world.store.pick({ node: world.node, queue, machines: MACHINES, limit })

  /** Ready rows, the first of them first in line. */
  async function line(count: number, partitionKey: string | null = uniqueId(), queue = uniqueId()) {
    const actors = Array.from({ length: count }, (_, n) => newActor({ queue, partitionKey, startAt: LONG_AGO + n }))
    await world.store.insert(actors)
    return { queue, ids: actors.map(({ id }) => id) as [string, string, string] }
  }

  const rest = (id: string, version = 0) => world.commit(transition({ id, version }, { release: true }))

  describe('a partition', () => {
    it('gives a pick its first row, and the next one when that rests', async () => {
      const { queue, ids } = await line(3)
      expect(await world.pickAll(queue)).toEqual([ids[0]])
      expect(await world.pickAll(queue)).toEqual([])
      await rest(ids[0])
      expect(await world.pickAll(queue)).toEqual([ids[1]])
    })

    it('goes by priority, then by time, those among it that were put aside before', async () => {
      const { queue, ids } = await line(2, 'by priority')
      await world.pickAll(queue)
      const urgent = await world.insert({ queue, partitionKey: 'by priority', priority: -1 })
      await rest(ids[0])
      expect(await world.pickAll(queue)).toEqual([urgent.id])
      await rest(urgent.id)
      expect(await world.pickAll(queue)).toEqual([ids[1]])
    })

    it('hinders no other partition, nor rows of none', async () => {
      const { queue, ids } = await line(2)
      const other = await line(2, uniqueId(), queue)
      const free = await line(2, null, queue)
      expect(new Set(await world.pickAll(queue))).toEqual(new Set([ids[0], other.ids[0], ...free.ids]))
    })

    it('hinders nobody who stands behind its rows', async () => {
      const { queue } = await line(20)
      const other = await world.insert({ queue })
      const found: string[] = []
      for (let looks = 0; looks < 3; looks += 1) found.push(...(await world.pickAll(queue, 2)))
      expect(found).toContain(other.id)
    })

    it('tells once of each row that has to wait', async () => {
      const { queue, ids } = await line(3)
      const { contended } = await look(queue)
      expect(contended.map(({ id }) => id).toSorted()).toEqual(ids.slice(1).toSorted())
      expect(contended[0]).toEqual({ id: expect.any(String), machine: 'order' })
      expect((await look(queue)).contended).toEqual([])
    })

    it('keeps a timer that is due from nobody, and does not have it asked for again and again', async () => {
      const [queue, partitionKey] = [uniqueId(), uniqueId()]
      const sleeper = await world.insert({ queue, partitionKey })
      await world.take(sleeper.id)
      await world.commit(transition({ id: sleeper.id, version: 0 }, { release: true, timerAt: LONG_AGO }))
      const holder = await world.insert({ queue, partitionKey, priority: -1 })
      expect(await world.pickAll(queue)).toEqual([holder.id])
      expect(await look(queue)).toMatchObject({ rows: [], nextDueInMs: null })
      await rest(holder.id)
      expect(await world.pickAll(queue)).toEqual([sleeper.id])
    })

    it('refuses a claim while another row of it is leased', async () => {
      const { queue, ids } = await line(1, 'claimed')
      const sleeper = await world.insert({ queue, partitionKey: 'claimed', priority: -1 })
      await world.take(sleeper.id)
      await rest(sleeper.id)
      await world.pickAll(queue)
      expect(await world.claim(sleeper.id)).toEqual({ kind: 'held', status: 'waiting', owner: null })
      expect(await world.row(sleeper.id)).toMatchObject({ owner: null, attempt: 0 })
      await rest(ids[0])
      expect(await world.claim(sleeper.id)).toMatchObject({ kind: 'claimed' })
    })

    it('refuses a claim while another row of it is ready and comes first', async () => {
      const { ids } = await line(2, 'ready')
      expect(await world.claim(ids[1])).toMatchObject({ kind: 'held' })
      const urgent = await world.insert({ partitionKey: 'ready', priority: -1 })
      expect(await world.claim(ids[0])).toMatchObject({ kind: 'held' })
      expect(await world.claim(urgent.id)).toMatchObject({ kind: 'claimed' })
    })

    it('gives one of the rows of a batch that claims several', async () => {
      const partitionKey = uniqueId()
      const sleepers = [await world.insert({ partitionKey }), await world.insert({ partitionKey, priority: 1 })]
      for (const { id } of sleepers) {
        await world.take(id)
        await rest(id)
      }
      const results = await world.store.claim(
        world.node,
        sleepers.map(({ id }) => id)
      )
      expect(results.map(({ kind }) => kind).toSorted()).toEqual(['claimed', 'held'])
    })

    it('lets its owner claim a row again', async () => {
      const { queue, ids } = await line(2)
      await world.pickAll(queue)
      expect(await world.claim(ids[0])).toMatchObject({ kind: 'claimed', row: { attempt: 1 } })
    })

    it('has nobody born into it leased', async () => {
      const queue = uniqueId()
      const { id } = await world.insert({ queue, partitionKey: uniqueId(), owner: world.node })
      expect(await world.row(id)).toMatchObject({ owner: null, status: 'ready' })
      expect(await world.pickAll(queue)).toEqual([id])
    })

    it.for(['done', 'failed', 'stopped', 'parked'] as const)('is free when its actor is %s', async (status) => {
      const { queue, ids } = await line(2)
      await world.pickAll(queue)
      await world.commit(transition({ id: ids[0], version: 0 }, { status }))
      expect(await world.pickAll(queue)).toEqual([ids[1]])
    })

    it('is free while its actor waits for its next attempt', async () => {
      const { queue, ids } = await line(2)
      await world.pickAll(queue)
      await world.commit(acknowledgement({ id: ids[0], version: 0 }, { status: 'ready', retryInMs: 60_000 }))
      expect(await world.pickAll(queue)).toEqual([ids[1]])
    })

    it('is free when the node of its actor is dead and reaped', async () => {
      const { queue, ids } = await line(2)
      await world.deadNode((node) => world.store.claim(node, [ids[0]]))
      expect(await world.pickAll(queue)).toEqual([])
      await world.reapAll()
      expect(await world.pickAll(queue)).toHaveLength(1)
    })
  })

  describe('nodes that race for partitions', () => {
    it('never have two actors of one at once, and each has its turn', async ({ skip }) => {
      const stores = [world.store, await world.second(skip)] as const
      const queue = uniqueId()
      const keys = Array.from({ length: 5 }, uniqueId)
      await world.store.insert(
        Array.from({ length: 60 }, (_, n) => newActor({ queue, partitionKey: keys[n % 5] as string }))
      )
      const leased = new Set<string | null>()
      const done: string[] = []
      const run = async (n: number): Promise<void> => {
        const store = stores[n % 2] as (typeof stores)[0]
        while (done.length < 60) {
          const { rows } = await store.pick({ node: world.node, queue, machines: MACHINES, limit: 3 })
          for (const { partitionKey } of rows) {
            expect(leased).not.toContain(partitionKey)
            leased.add(partitionKey)
          }
          for (const { id, partitionKey } of rows) {
            leased.delete(partitionKey)
            await store.commit(world.node, [transition({ id, version: 0 }, { status: 'done' })])
            done.push(id)
          }
        }
      }
      await Promise.all([0, 1, 2, 3].map(run))
      expect(new Set(done).size).toBe(60)
    })
  })
}

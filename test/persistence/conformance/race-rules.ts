/**
 * What must hold whatever the order in which calls land. Each rule sends calls at once, many times over; stores that
 * are open twice get them through both.
 */
import { describe, expect, it } from 'vitest'
import { MACHINES, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const ROUNDS = 8

export function raceRules(world: World): void {
  describe('calls that race', () => {
    it('commit a version once (S1)', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < ROUNDS; round += 1) {
        const actor = await world.awake()
        const rivals = Array.from({ length: 6 }, (_, n) => transition(actor, { snapshot: `${n}` }))
        const results = await Promise.all(rivals.map((rival, n) => store(n).commit(world.node, [rival])))
        const won = results.flat().flatMap((result, n) => (result.kind === 'committed' ? [`${n}`] : []))
        expect(won).toEqual([(await world.row(actor.id)).snapshot])
      }
    })

    it('queue a dedup key once', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id } = await world.awake()
        const signal = { actorId: id, machine: null, event: '1', dedupKey: 'key' }
        const results = await Promise.all(Array.from({ length: 6 }, (_, n) => store(n).signal([signal], 10)))
        const kinds = results.flat().map((result) => result.kind)
        expect(kinds.toSorted()).toEqual([...Array<string>(5).fill('duplicate'), 'queued'])
        expect(await world.inboxEvents(id)).toHaveLength(1)
      }
    })

    it('apply a dedup key once that comes by a signal and by a commit', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < ROUNDS; round += 1) {
        const actor = await world.awake()
        const [[signalled], [committed]] = await Promise.all([
          store(0).signal([{ actorId: actor.id, machine: null, event: '1', dedupKey: 'key' }], 10),
          store(1).commit(world.node, [transition(actor, { dedupKeys: ['key'] })])
        ])
        expect([signalled?.kind, committed?.kind]).toBeOneOf([
          ['queued', 'duplicate'],
          ['duplicate', 'committed']
        ])
      }
    })

    it('give a key to one actor', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < ROUNDS; round += 1) {
        const rivals = Array.from({ length: 6 }, () => newActor({ key: `race-${round}-${world.node}` }))
        const results = (await Promise.all(rivals.map((rival, n) => store(n).insert([rival])))).flat()
        const winner = rivals[results.findIndex((result) => result.kind === 'inserted')]
        const losers = results.filter((result) => result.kind === 'duplicate')
        expect(losers).toEqual(losers.map(() => ({ kind: 'duplicate', by: 'key', id: winner?.id, machine: 'order' })))
        expect(losers).toHaveLength(5)
      }
    })

    it('lease a row to one picker', async () => {
      const store = await world.dealStores()
      const queue = uniqueId()
      const actors = Array.from({ length: 40 }, () => newActor({ queue }))
      await world.store.insert(actors)
      const pick = { node: world.node, queue, machines: MACHINES, limit: 10 }
      const picks = await Promise.all(Array.from({ length: 6 }, (_, n) => store(n).pick(pick)))
      const rest = await world.pickAll(queue)
      const picked = [...picks.flatMap(({ rows }) => rows.map(({ id }) => id)), ...rest]
      expect(picked.toSorted()).toEqual(actors.map(({ id }) => id).toSorted())
    })

    it('never put an actor to sleep beside a signal that it did not see (S4)', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < 3 * ROUNDS; round += 1) {
        const actor = await world.awake()
        const [[released]] = await Promise.all([
          store(0).commit(world.node, [transition(actor, { release: true })]),
          store(1).signal([{ actorId: actor.id, machine: null, event: '1', dedupKey: null }], 10)
        ])
        const { status, owner } = await world.row(actor.id)
        const asleep = released?.kind === 'committed' && released.released
        expect({ status, owner }).toEqual(
          asleep ? { status: 'ready', owner: null } : { status: 'waiting', owner: world.node }
        )
      }
    })

    it('refuse a signal, or keep it with the row that ended (S5)', async () => {
      const store = await world.dealStores()
      for (let round = 0; round < ROUNDS; round += 1) {
        const actor = await world.awake()
        const [[sent]] = await Promise.all([
          store(0).signal([{ actorId: actor.id, machine: null, event: '"kept"', dedupKey: null }], 10),
          store(1).commit(world.node, [transition(actor, { status: 'done' })])
        ])
        expect(await world.inboxEvents(actor.id)).toEqual(sent?.kind === 'queued' ? ['"kept"'] : [])
      }
    })

    it('number the signals of one actor without a gap that a reader could miss (S3)', async () => {
      const store = await world.dealStores()
      const { id } = await world.awake()
      const signal = { actorId: id, machine: null, event: '1', dedupKey: null }
      const seen: number[] = []
      const sending = Promise.all(Array.from({ length: 20 }, (_, n) => store(n).signal([signal], 100)))
      for (let reads = 0; reads < 10; reads += 1) {
        seen.push(...(await world.store.inbox(id, seen.at(-1) ?? 0)).map(({ seq }) => seq))
      }
      await sending
      seen.push(...(await world.store.inbox(id, seen.at(-1) ?? 0)).map(({ seq }) => seq))
      expect(seen).toEqual((await world.store.inbox(id, 0)).map(({ seq }) => seq))
      expect(seen).toHaveLength(20)
    })

    it('deadlock nowhere, though batches name the same actors in other orders', async () => {
      const store = await world.dealStores()
      const actors = await Promise.all(Array.from({ length: 20 }, () => world.awake()))
      const ids = actors.map(({ id }) => id)
      const batch = ids.map((actorId) => ({ actorId, machine: null, event: '1', dedupKey: null }))
      await Promise.all([
        ...Array.from({ length: 6 }, (_, n) => store(n).signal(n % 2 === 0 ? batch : batch.toReversed(), 100)),
        store(0).commit(
          world.node,
          actors.map((actor) => transition(actor))
        ),
        store(1).claim(world.node, ids.toReversed())
      ])
      const rows = await world.store.read(ids)
      expect(rows.every((row) => row?.version === 2 && row.inboxSeq === 6)).toBe(true)
    })
  })
}

import { expect, it } from 'vitest'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import { MACHINES, HOUR_MS, newActor } from './conformance/world.ts'
import { storeConformance } from './store-conformance.ts'

class ManualClock {
  #now = Date.UTC(2030, 0, 1)
  now(): number {
    return this.#now
  }
  advance(ms: number): void {
    this.#now += ms
  }
}

storeConformance('the memory store', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  return {
    store,
    second: async () => store,
    // The node joins once more, with a lease that is over at once.
    expire: async (node) => void (await store.join(node, node, 0)),
    advance: async (ms) => clock.advance(ms),
    close: () => store.close()
  }
})

it('a caller who changes an answer changes no row', async () => {
  const store = new MemoryStore(new ManualClock())
  const actor = newActor()
  await store.join('node', 'node', HOUR_MS)
  await store.insert([actor])
  await store.signal([{ actorId: actor.id, machine: null, event: '"kept"', dedupKey: null }], 10)
  const [claimed] = await store.claim('node', [actor.id])
  if (claimed?.kind !== 'claimed') throw new Error('the row is not to be had')
  Object.assign(claimed.row, { version: 99 })
  Object.assign(claimed.row.inbox, { length: 0 })
  expect(await store.read([actor.id])).toMatchObject([{ version: 0 }])
  expect(await store.inbox(actor.id, 0)).toMatchObject([{ event: '"kept"' }])
})

it('a timer fires when the clock that was given reaches it, and not before', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  const actor = newActor({ queue: 'timers', startInMs: 60_000 })
  await store.join('node', 'node', HOUR_MS)
  await store.insert([actor])
  const pick = { node: 'node', queue: 'timers', machines: MACHINES, limit: 1 }
  expect(await store.pick(pick)).toMatchObject({ rows: [], nextDueInMs: 60_000 })
  clock.advance(59_999)
  expect(await store.pick(pick)).toMatchObject({ rows: [], nextDueInMs: 1 })
  clock.advance(1)
  expect(await store.pick(pick)).toMatchObject({ rows: [{ id: actor.id }], nextDueInMs: null })
})

it('a node is dead from the moment that its lease runs out', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  const actor = newActor({ owner: 'first' })
  await store.join('first', 'first', 1_000)
  await store.join('second', 'second', HOUR_MS)
  await store.insert([actor])
  clock.advance(999)
  expect(await store.claim('second', [actor.id])).toMatchObject([{ kind: 'held', owner: 'first' }])
  clock.advance(1)
  expect(await store.claim('second', [actor.id])).toMatchObject([{ kind: 'claimed' }])
})

it('a node that was reaped is not revived by a renewal that comes late', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  const lease = await store.join('late', 'late', 1_000)
  await store.join('other', 'other', HOUR_MS)
  clock.advance(1_000)
  await store.reap('other', 10)
  expect(await lease.renew()).toMatchObject({ held: false, now: clock.now() })
  const actor = newActor({ owner: 'late' })
  await store.insert([actor])
  expect(await store.claim('other', [actor.id])).toMatchObject([{ kind: 'claimed' }])
})

it('a store without clients refuses transactions, by a typed error', async () => {
  const refusal = new MemoryStore(new ManualClock()).transact()
  await expect(refusal).rejects.toMatchObject({ _tag: 'InvalidArgumentError' })
})

/** Permits under contention: several nodes that ask for the same limits crosswise, release, die and are reaped meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPostgresStore, type PostgresStore } from '../../src/persistence/postgres-store.ts'
import type { PermitRequest } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()
const nodes = [uniqueId(), uniqueId(), uniqueId()]
const CONCURRENCY = 3
const TOKENS = 40
const stores: PostgresStore[] = []
const leaves: (() => Promise<void>)[] = []

beforeAll(async () => {
  for (const node of nodes) {
    const store = await openPostgresStore(url)
    await store.migrate()
    const lease = await store.join(node, node, HOUR_MS)
    stores.push(store)
    leaves.push(() => lease.leave(true))
  }
})
afterAll(async () => {
  for (const leave of leaves) await leave()
  for (const store of stores) await store.close()
})

const request = (limit: string, fields: Partial<PermitRequest>): PermitRequest => ({
  limit,
  partition: '',
  weight: 1,
  holder: uniqueId(),
  rate: null,
  concurrency: null,
  ...fields
})

/** The same limits in another order for each node: two of slots, one of tokens, one of both. */
function draw(round: number, at: number, withTokens: boolean): readonly PermitRequest[] {
  const rate = { tokensPerMs: 1 / (1_000 * HOUR_MS), burst: TOKENS }
  const asked = [
    request('a', { concurrency: CONCURRENCY }),
    request('b', { concurrency: CONCURRENCY }),
    ...(withTokens ? [request('tokens', { rate }), request('both', { rate, concurrency: CONCURRENCY })] : [])
  ]
  const first = (round + at) % asked.length
  const turned = [...asked.slice(first), ...asked.slice(0, first)]
  return at === 1 ? turned.toReversed() : turned
}

// Buckets are locked first, and line up all who want some: slots alone race harder.
test.each([
  ['of slots and tokens', 60, true],
  ['of slots alone', 200, false]
] as const)(
  '%s none is exceeded and no deadlock shows, whoever asks and releases at once',
  async (_, rounds, withTokens) => {
    const [inside, most, granted] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
    const add = (counts: Map<string, number>, limit: string, by: number): number => {
      const count = (counts.get(limit) ?? 0) + by
      counts.set(limit, count)
      return count
    }
    const work = async (store: PostgresStore, at: number): Promise<void> => {
      const node = nodes[at] as string
      for (let round = 0; round < rounds; round++) {
        const asked = draw(round, at, withTokens)
        const answers = await store.permits.take(node, asked)
        const had = asked.filter((_, n) => answers[n]?.kind === 'granted')
        for (const { limit } of had) {
          add(granted, limit, 1)
          most.set(limit, Math.max(most.get(limit) ?? 0, add(inside, limit, 1)))
        }
        await new Promise((resolve) => setImmediate(resolve))
        for (const { limit } of had) add(inside, limit, -1)
        await store.permits.release(node, had.toReversed())
        if (withTokens && round % 10 === at) await store.permits.forget(0, 10)
      }
    }
    await Promise.all(stores.flatMap((store, at) => [work(store, at), work(store, at)]))
    for (const limit of ['a', 'b', 'both']) expect(most.get(limit) ?? 0).toBeLessThanOrEqual(CONCURRENCY)
    expect(granted.get('tokens') ?? 0).toBe(withTokens ? TOKENS : 0)
    expect(granted.get('both') ?? 0).toBeLessThanOrEqual(TOKENS)
    expect(granted.get('a')).toBeGreaterThan(CONCURRENCY)
    expect(await sql('select from perdure.slot where node is not null')).toEqual([])
  }
)

test('nodes that are reaped while they ask, and while others take over their work, leave no slot behind', async () => {
  const [store, reaper] = stores as [PostgresStore, PostgresStore]
  for (let round = 0; round < 15; round++) {
    const [dying, heir] = [uniqueId(), nodes[1] as string]
    const lease = await store.join(dying, 'dying', HOUR_MS)
    const limits = ['p', 'q', 'r'].map((limit) => request(limit, { concurrency: 1 }))
    await store.permits.take(dying, limits)
    await sql('update perdure.node set expires_at = now() where id = $1', [dying])
    const others = limits.map(({ limit }) => request(limit, { concurrency: 1 }))
    await Promise.all([
      store.permits.take(dying, others),
      reaper.reap(heir, 100),
      reaper.permits.take(heir, limits.toReversed()),
      store.permits.release(dying, limits)
    ])
    // Who took over has it; nobody else does.
    const held = await sql('select holder, node from perdure.slot where node is not null')
    expect(held.every(({ node }) => node === heir)).toBe(true)
    await reaper.permits.release(heir, limits)
    expect((await reaper.permits.take(heir, others)).map(({ kind }) => kind)).toEqual(Array(3).fill('granted'))
    await reaper.permits.release(heir, others)
    await lease.leave(true)
  }
})

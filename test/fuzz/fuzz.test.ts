/** A few cases; many: `npm run test:fuzz`. A failure names its seed: `npm run test:fuzz -- --runs 1 --seed …` */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { tryAllRows, tryCalls } from './campaign.ts'
import { openWorld } from './world.ts'

/** For machines that are busy. */
const timeout = 120_000
const seed = Number(process.env['PERDURE_SEED'] ?? 1)
const runs = Number(process.env['PERDURE_FUZZ'] ?? 200)

const db = await testDatabase()
const world = await openWorld(db.url)
afterAll(() => world.close())

test('whatever a call is handed, it is refused by name or stored as it is', { timeout }, async () => {
  const { wrong, counts } = await tryCalls(world, { seed, runs })
  expect(wrong).toEqual([])
  expect(counts.size).toBeGreaterThan(50)
})

test('whatever a row holds, its actor is parked by name or goes on, and its neighbours do', { timeout }, async () => {
  const { wrong, counts } = await tryAllRows(world, { seed, runs: Math.ceil(runs / 5) })
  expect(wrong).toEqual([])
  expect(counts.get('rows: parked')).toBeGreaterThan(5)
})

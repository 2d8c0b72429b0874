/** Machines that nobody wrote. A failure names its seed: `npm run test:equivalence -- --group random --random 1 --seed …` */
import { expect, test } from 'vitest'
import { compareAll, type Comparison } from './compare.ts'
import { compareRandom } from './random/campaign.ts'
import { foundCases } from './random/found.ts'
import { steeredDatabase } from './stage.ts'
import { judge, toFinding } from './verdict.ts'

const database = await steeredDatabase()

test('random machines with random schedules: no difference that is not documented', async () => {
  const seed = Number(process.env['PERDURE_SEED'] ?? 1)
  const count = Number(process.env['PERDURE_RANDOM'] ?? 150)
  const comparisons = await compareRandom(database, { seed, count })
  expect(comparisons.map(toFinding).filter(({ verdict }) => verdict.kind === 'different')).toEqual([])
}, 60_000)

test('a seed stands for one machine and one schedule', async () => {
  const hear = async (seed: number): Promise<readonly unknown[]> => {
    const comparisons = await compareRandom(database, { seed, count: 1 })
    return comparisons.flatMap(({ plain }) => plain)
  }
  const once = await hear(42)
  expect(await hear(42)).toEqual(once)
  expect(await hear(43)).not.toEqual(once)
})

test.each(foundCases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
  const [comparison] = await compareAll(database, [each])
  expect(judge(comparison as Comparison).told).toBe('')
})

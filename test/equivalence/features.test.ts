/** Every feature of XState, by a machine of its own: no difference from plain XState, or one that is documented. */
import { beforeAll, expect, test } from 'vitest'
import { compareAll, type Comparison } from './compare.ts'
import { featureCases } from './features/index.ts'
import { steeredDatabase } from './stage.ts'
import { judge } from './verdict.ts'

const database = await steeredDatabase()

let comparisons: readonly Comparison[]
beforeAll(async () => {
  comparisons = await compareAll(database, featureCases)
})

test.each(featureCases.map(({ group, name }, index) => [group, name, index] as const))('%s: %s', (_, __, index) => {
  expect(judge(comparisons[index] as Comparison).told).toBe(featureCases[index]?.differsBy ?? '')
})

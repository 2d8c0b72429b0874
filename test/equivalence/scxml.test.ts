/** SCXML's own test documents as machines: no difference from plain XState. */
import { beforeAll, expect, test } from 'vitest'
import { compareAll, type Comparison } from './compare.ts'
import { loadScxmlCases } from './scxml/index.ts'
import { steeredDatabase } from './stage.ts'
import { judge } from './verdict.ts'

const database = await steeredDatabase()

const cases = loadScxmlCases()
let comparisons: readonly Comparison[]
beforeAll(async () => {
  comparisons = await compareAll(database, cases)
})

test.each(cases.map(({ name }, index) => [name, index] as const))('%s', (_, index) => {
  expect(judge(comparisons[index] as Comparison).told).toBe(cases[index]?.differsBy ?? '')
})

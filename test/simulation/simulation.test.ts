/** A few runs; many: `npm run test:sim`. */
import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import { found } from './found.ts'
import { drawPlan } from './plan.ts'
import { simulate } from './simulation.ts'

/** For machines that are busy. */
const timeout = 120_000

test(
  'whatever goes wrong, nothing is lost, nothing done twice, nothing shown too early, nothing left',
  { timeout },
  async () => {
    const { failures, accepted, faults } = await runCampaign({ seed: 1, runs: 15 })
    expect(failures.map(({ plan, run }) => ({ seed: plan.seed, ...run }))).toEqual([])
    expect(accepted).toBeGreaterThan(200)
    expect(faults.size).toBeGreaterThan(10)
  }
)

test('a seed makes one run, byte for byte, whatever has run before it', { timeout }, async () => {
  const run = (seed: number) => simulate(drawPlan(seed), { keepsTrace: true })
  const [first, other, again] = [await run(7), await run(8), await run(7)]
  expect(again.trace).toEqual(first.trace)
  expect(again.hash).toBe(first.hash)
  expect(other.hash).not.toBe(first.hash)
})

test('a run hands back the clocks, timers and chance that it was given', { timeout }, async () => {
  const before = [setTimeout, setImmediate, Date.now, performance.now, Math.random]
  await simulate(drawPlan(1))
  expect([setTimeout, setImmediate, Date.now, performance.now, Math.random]).toEqual(before)
  expect(Date.now()).toBeLessThan(Date.UTC(2100, 0))
})

test.each(found.map(({ says, plan }) => [says, plan] as const))('%s', { timeout }, async (_, plan) => {
  const { violations, accepted } = await simulate(plan)
  expect(violations).toEqual([])
  expect(accepted).toBe(plan.steps.filter(({ kind }) => kind === 'send').length)
})

/** A short campaign, of faults that no other test of this folder is about. All of them: `npm run test:chaos`. */
import { expect, test } from 'vitest'
import { runBout, tabulate, type Bout } from './campaign.ts'
import { faults } from './faults.ts'
import { seeded } from '../support/random.ts'
import { openClusterStage } from './stage.ts'

const stage = await openClusterStage()
const timeout = 120_000

test.for([
  'commits hang',
  'answers to commits are lost',
  'answers to signals and claims are lost',
  'all nodes are killed'
])(
  'where %s, nothing is lost, nothing done twice, nothing shown too early, nothing left',
  { timeout },
  async (name) => {
    const fault = faults.find((fault) => fault.name === name)
    if (fault === undefined) throw new Error(`there is no fault '${name}'`)
    const bout = await runBout(await stage.open(), fault, 1, seeded(name.length))
    expect(bout.violations).toEqual([])
    expect(bout.acknowledged).toBeGreaterThan(20)
  }
)

test('the table of a campaign counts by fault', () => {
  const bout: Bout = { fault: 'rain', times: 2, acknowledged: 10, violations: [], longestRecoveryMs: 1_000 }
  const lost = { check: 'b', kind: 'lost', actor: '', says: '' } as const
  expect(tabulate([bout, { ...bout, violations: [lost], longestRecoveryMs: 1_500 }])).toEqual([
    'fault  times  acknowledged  lost  doubled  uncommitted  stranded  other  recovery',
    'rain       4            20     1        0            0         0      0     1.5 s'
  ])
})

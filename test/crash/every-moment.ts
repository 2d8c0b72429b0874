/**
 * A scenario, again and again, with an accident one moment later each time, until there is no moment left for it.
 *
 * Owns: the loop, and the lost connection. Does not own: what is a moment, what a kill is (life.ts), what must be so (promises.ts).
 */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { openProxy } from '../support/proxy.ts'
import type { TestDatabase } from '../support/database.ts'
import { createNode, make } from './calls.ts'
import { expectFamilyEnd, expectFamilyTruth, isAtRest, readFamily } from './family-record.ts'
import { isMoment, live, takeOver, type Answer, type Life } from './life.ts'
import type { Report } from './order.ts'
import { expectCompleteness, expectPassage, expectTruth, tellMoments } from './promises.ts'
import { readRecord } from './record.ts'
import type { Scenario } from './scenarios.ts'
import type { Workers } from './workers.ts'

/** `kill -9` at every moment; another node takes over what is left. */
export async function dieAtEveryMoment(workers: Workers, database: TestDatabase, scenario: Scenario): Promise<void> {
  for (let last = 1; ; last++) {
    const life = await live(workers, database.url, scenario, (moments) => moments.length === last)
    await tellMoments(life, async () => {
      const left = await readRecord(database, life.id)
      expectTruth(life, left, scenario)
      expectFamilyTruth(life, left, await readFamily(database, life.id))
      await expectSuccession(database, life, scenario)
    })
    if (!life.isKilled) return expectPassage(life, scenario.passes)
  }
}

/** A connection ends at every moment; the process lives on, and must get on with it by itself. */
export async function disconnectAtEveryMoment(database: TestDatabase, scenario: Scenario): Promise<void> {
  for (let last = 1; ; last++) {
    const life = await liveOn(database.url, scenario, last)
    await tellMoments(life, async () => {
      const left = await readRecord(database, life.id)
      expectTruth(life, left, scenario)
      expectFamilyTruth(life, left, await readFamily(database, life.id))
      const expected = scenario.steps.filter((step) => !scenario.optional?.includes(step) || left.steps.includes(step))
      expect(new Set([...left.steps, 'close']), 'all is done, as if nothing had happened').toEqual(new Set(expected))
      await expectSuccession(database, life, scenario)
    })
    if (life.moments.length < last) return expectPassage(life, scenario.passes)
  }
}

async function expectSuccession(database: TestDatabase, life: Life, scenario: Scenario): Promise<void> {
  const reports = await takeOver(database.url, life.id, scenario, async () =>
    isAtRest(await readFamily(database, life.id))
  )
  const end = await readRecord(database, life.id)
  expectCompleteness([life], reports, end, scenario)
  expectFamilyEnd(end, await readFamily(database, life.id))
}

/** Lives through a scenario in this process; its connection is lost at the last of the moments. Every call must resolve. */
async function liveOn(database: string, scenario: Scenario, last: number): Promise<Life> {
  const moments: string[] = []
  const reports: Report[] = []
  const answers: Answer[] = []
  let isCounting = false
  const proxy = await openProxy(database, (passage) => {
    if (!isCounting || !isMoment(passage, scenario)) return 'pass'
    moments.push(`${passage.statement} ${passage.at}`)
    return moments.length === last ? 'cut' : 'pass'
  })
  const id = randomUUID()
  const node = createNode(proxy.url, scenario, (report) => reports.push(report))
  for (const call of scenario.given) await make(call, node, id)
  isCounting = true
  for (const call of scenario.calls) answers.push({ call, answer: await make(call, node, id) })
  isCounting = false
  await node.runtime.stop()
  await proxy.close()
  return { id, moments, isKilled: false, reports, answers }
}

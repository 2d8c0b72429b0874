/** A connection ends in the midst of a statement, and the process lives on: it finds out what became of the statement. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { OutcomeUnknownError } from '../../src/index.ts'
import { createNode, make } from './calls.ts'
import { isCounted, takeOver, type Answer, type Life } from './life.ts'
import type { Report } from './order.ts'
import { expectCompleteness, expectPassage, expectTruth, tellMoments } from './promises.ts'
import { openProxy, type Passage } from './proxy.ts'
import { openDatabase, readRecord } from './record.ts'
import { queueing, sending, snoozing, spawning, waking, working, type Scenario } from './scenarios.ts'

const stages = await Promise.all(
  [spawning, sending, waking, working, snoozing].map(async (scenario) => ({ scenario, database: await openDatabase() }))
)
const inboxes = await openDatabase()

for (const { scenario, database } of stages) {
  test.concurrent(`a connection may be lost at every moment while ${scenario.name}`, { timeout: 60_000 }, async () => {
    for (let last = 1; ; last++) {
      const life = await liveOn(database.url, scenario, last)
      await tellMoments(life, async () => {
        const left = await readRecord(database, life.id)
        expectTruth(life, left, scenario)
        expect(new Set([...left.steps, 'close']), 'all is done, as if nothing had happened').toEqual(
          new Set(scenario.steps)
        )
        const reports = await takeOver(database.url, life.id, scenario)
        expectCompleteness([life], reports, await readRecord(database, life.id), scenario)
      })
      if (life.moments.length < last) return expectPassage(life, scenario.passes)
    }
  })
}

test.for<Passage['at']>(['asked', 'answered'])(
  'a send to an inbox that is lost when it is %s says so, and may be repeated',
  async (at) => {
    let isLost = false
    const proxy = await openProxy(inboxes.url, (passage) => {
      const isNow = passage.statement === 'signal' && passage.at === at && !isLost
      isLost ||= isNow
      return isNow ? 'cut' : 'pass'
    })
    const id = randomUUID()
    const node = createNode(proxy.url, queueing, () => undefined)
    for (const call of queueing.given) await make(call, node, id)
    const send = () => node.runtime.send(id, { type: 'noteB' }, { dedupKey: 'noteB' })

    await expect(send()).rejects.toThrow(OutcomeUnknownError)
    expect(await send()).toEqual({ status: at === 'asked' ? 'queued' : 'duplicate' })
    expect((await readRecord(inboxes, id)).inbox).toEqual(['noteB'])
    await node.runtime.stop()
    await proxy.close()
  }
)

/** Lives through a scenario in this process; its connection is lost at the last of the moments. Every call must resolve. */
async function liveOn(database: string, scenario: Scenario, last: number): Promise<Life> {
  const moments: string[] = []
  const reports: Report[] = []
  const answers: Answer[] = []
  let isCounting = false
  const proxy = await openProxy(database, ({ statement, at }) => {
    if (!isCounting || !isCounted(statement, scenario)) return 'pass'
    moments.push(`${statement} ${at}`)
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

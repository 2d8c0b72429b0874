/** A connection ends in the midst of a statement, and the process lives on: it finds out what became of the statement. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { OutcomeUnknownError } from '../../src/index.ts'
import { createNode, make } from './calls.ts'
import { disconnectAtEveryMoment } from './every-moment.ts'
import { openProxy, type Passage } from '../support/proxy.ts'
import { openDatabase, readRecord } from './record.ts'
import { queueing, sending, snoozing, spawning, waking, working } from './scenarios.ts'

const stages = await Promise.all(
  [spawning, sending, waking, working, snoozing].map(async (scenario) => ({ scenario, database: await openDatabase() }))
)
const inboxes = await openDatabase()

for (const { scenario, database } of stages) {
  test.concurrent(`a connection may be lost at every moment while ${scenario.name}`, { timeout: 180_000 }, () =>
    disconnectAtEveryMoment(database, scenario)
  )
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

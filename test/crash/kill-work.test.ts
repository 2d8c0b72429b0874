/** `kill -9` at every moment of work inside a machine, and of commits that reach other rows. */
import { afterAll, beforeAll, test } from 'vitest'
import { dieAtEveryMoment } from './every-moment.ts'
import { openDatabase } from './record.ts'
import { booking, flying, leaving, mailing, packing, telling } from './work-scenarios.ts'
import { Workers } from './workers.ts'

/** A process is started for every moment, on a machine that may be busy. */
const timeout = 300_000

const workers = new Workers()
beforeAll(() => workers.open())
afterAll(() => workers.close())

const stages = await Promise.all(
  [mailing, booking, flying, packing, leaving, telling].map(async (scenario) => {
    return { scenario, database: await openDatabase() }
  })
)

for (const { scenario, database } of stages) {
  test.concurrent(`a node may die at every moment while ${scenario.name}`, { timeout }, () =>
    dieAtEveryMoment(workers, database, scenario)
  )
}

/** A connection ends at every moment of work inside a machine, and of commits that reach other rows; the process lives on. */
import { test } from 'vitest'
import { disconnectAtEveryMoment } from './every-moment.ts'
import { openDatabase } from './record.ts'
import { booking, flying, leaving, mailing, packing, telling } from './work-scenarios.ts'

const timeout = 300_000

const stages = await Promise.all(
  [mailing, booking, flying, packing, leaving, telling].map(async (scenario) => {
    return { scenario, database: await openDatabase() }
  })
)

for (const { scenario, database } of stages) {
  test.concurrent(`a connection may be lost at every moment while ${scenario.name}`, { timeout }, () =>
    disconnectAtEveryMoment(database, scenario)
  )
}

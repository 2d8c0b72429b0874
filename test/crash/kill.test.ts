/** `kill -9` at every moment of a node's life. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { live, takeOver } from './life.ts'
import { expectCompleteness, expectTruth } from './promises.ts'
import { openDatabase, readRecord } from './record.ts'
import { scenarios } from './scenarios.ts'
import { Workers } from './workers.ts'

const workers = new Workers()
beforeAll(() => workers.open())
afterAll(() => workers.close())

const stages = await Promise.all(scenarios.map(async (scenario) => ({ scenario, database: await openDatabase() })))

test.concurrent.for(stages)(
  'a node may die at every moment while $scenario.name',
  { timeout: 60_000 },
  async ({ scenario, database }) => {
    for (let last = 1; ; last++) {
      const life = await live(workers, database.url, scenario, (moments) => moments.length === last)
      try {
        expectTruth(life, await readRecord(database, life.id), scenario)
        const heritage = await takeOver(database.url, life, scenario)
        expectCompleteness(life, heritage, await readRecord(database, life.id), scenario)
      } catch (cause) {
        throw new Error(`where it died: ${life.moments.join(' → ')}`, { cause })
      }
      if (!life.isKilled) {
        return expect(life.moments).toEqual(expect.arrayContaining(scenario.passes.map((name) => `${name} answered`)))
      }
    }
  }
)

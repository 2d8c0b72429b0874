/**
 * The store in memory, on which whole clusters are simulated, does what the database does. More of it:
 *
 *     PERDURE_TWIN_RUNS=1000 PERDURE_TWIN_SEED=100 npm run test:unit -- test/persistence/twins.test.ts
 */
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { Pair } from './twins/pair.ts'
import { steps, type Step } from './twins/steps.ts'

const { PERDURE_TWIN_RUNS: runs = '15', PERDURE_TWIN_SEED: firstSeed = '1' } = process.env
const SHORTEN_WITHIN = 300

const db = await testDatabase()
const real = await openPostgresStore(db.url, 'perdure')
await real.migrate()
afterAll(() => real.close())

test(
  'whatever is asked, in whatever order, both answer the same and hold the same',
  { timeout: 3_600_000 },
  async () => {
    for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(runs); seed++) {
      const [drawn = []] = fc.sample(steps, { seed, numRuns: 1, unbiased: true })
      const difference = await compare(drawn)
      if (difference === null) continue
      const shortest = await shorten(drawn)
      const told = [...shortest, await compare(shortest)].map((step) => JSON.stringify(step)).join('\n')
      expect.fail(`seed ${seed}: ${difference}\nthe shortest that was found:\n${told}`)
    }
  }
)

/** What differs, in words; null: nothing does. */
async function compare(taken: readonly Step[]): Promise<string | null> {
  let now = Date.UTC(2030, 0, 1)
  const memory = new MemoryStore({ now: () => ++now })
  const expire = async (node: string): Promise<void> =>
    void (await db.sql('update perdure.node set expires_at = now() where id = $1', [node]))
  const pair = new Pair(
    { store: memory, now: () => now, expire: async (node) => void (await memory.join(node, node, 0)) },
    // The server counts parts of milliseconds.
    { store: real, now: () => Date.now() + 1_000, expire }
  )
  await db.sql('truncate perdure.actor, perdure.node cascade')
  await pair.open()
  try {
    await pair.take(taken)
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    await pair.close()
  }
}

/** Leaves out what is not needed for a difference: halves first, then ever smaller parts. */
async function shorten(failing: readonly Step[]): Promise<readonly Step[]> {
  let shortest = failing
  let left = SHORTEN_WITHIN
  for (let size = Math.ceil(failing.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < shortest.length && left-- > 0;) {
      const without = shortest.toSpliced(from, size)
      if ((await compare(without)) === null) from += size
      else shortest = without
    }
  }
  return shortest
}

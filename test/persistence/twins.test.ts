/** The store in memory, on which whole clusters are simulated, does what the database does. */
import fc from 'fast-check'
import { afterAll, test } from 'vitest'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'
import { Pair } from './twins/pair.ts'
import { steps } from './twins/steps.ts'

const RUNS = Number(process.env.PERDURE_TWIN_RUNS ?? 25)
const SHRINK_WITHIN_MS = 30_000

const db = await testDatabase()
const real = await openPostgresStore(db.url, 'perdure')
await real.migrate()
afterAll(() => real.close())

test(
  'whatever is asked, in whatever order, both answer the same and hold the same',
  { timeout: 3_600_000 },
  async () => {
    const property = fc.asyncProperty(steps, async (taken) => {
      let now = Date.UTC(2030, 0, 1)
      const memory = new MemoryStore({ now: () => ++now })
      const pair = new Pair(
        { store: memory, now: () => now, expire: async (node) => void (await memory.join(node, node, 0)) },
        {
          store: real,
          // The server counts parts of milliseconds.
          now: () => Date.now() + 1_000,
          expire: async (node) =>
            void (await db.sql('update perdure.node set expires_at = now() where id = $1', [node]))
        }
      )
      await db.sql('truncate perdure.actor, perdure.node cascade')
      await pair.open()
      try {
        await pair.take(taken)
      } finally {
        await pair.close()
      }
    })
    const found = await fc.check(property, { numRuns: RUNS, endOnFailure: true, unbiased: true })
    if (!found.failed) return
    const { seed, counterexamplePath } = found
    const shrunk = await fc.check(property, {
      seed,
      unbiased: true,
      path: counterexamplePath ?? '',
      interruptAfterTimeLimit: SHRINK_WITHIN_MS
    })
    const { counterexample, errorInstance } = shrunk.counterexample ? shrunk : found
    throw new Error(`seed ${seed}:\n${JSON.stringify(counterexample?.[0], null, 1)}`, { cause: errorInstance })
  }
)

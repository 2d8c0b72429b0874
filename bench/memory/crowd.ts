/**
 * A process whose memory is weighed before and after so many actors were born: awake, or put to sleep by itself.
 *
 * Run by crowds.ts, with the garbage collector at hand; tells its parent one Weights, and ends.
 */
import { setTimeout } from 'node:timers/promises'
import { createRuntime } from 'perdure'
import { ask } from '../schema.ts'
import { machines, type MachineName } from './machines.ts'

/** Of the whole process, in bytes. */
export interface Weight {
  readonly heap: number
  readonly rss: number
  /** Of it what values hold beside the heap: buffers of connections, for the most part. */
  readonly external: number
}

export interface Weights {
  readonly before: Weight
  readonly after: Weight
}

/** One statement, and one message to the database. */
const CHUNK = 1_000
const WARM_UP = 1_000

const [, , url, schema, name, situation, count] = process.argv as unknown as readonly [
  string,
  string,
  string,
  string,
  MachineName,
  'awake' | 'asleep',
  string
]
const machine = machines[name]

const runtime = createRuntime({
  database: url,
  schema,
  machines: Object.values(machines),
  queues: { default: 1_000_000 },
  maxResident: 1_000_000,
  maxResidentBytes: 2 ** 40,
  // A collection of all garbage, on a machine that has other work, must not cost it its actors.
  lease: '2 minutes',
  passivateAfter: situation === 'awake' ? '1 hour' : 0
})
await runtime.migrate()
await runtime.start()
await bear(WARM_UP, 0)
const before = await weigh()
await bear(Number(count), WARM_UP)
const weights: Weights = { before, after: await weigh() }
process.send?.(weights)
await runtime.stop()
process.disconnect()

/** Resolves when they, and all before them, have come to rest. */
async function bear(actors: number, from: number): Promise<void> {
  for (let born = 0; born < actors; born += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, actors - born) }, (_, n) => from + born + n)
    await runtime.spawnMany(
      machine,
      numbers.map((number) => ({ input: { number } }))
    )
  }
  const isBusy = situation === 'awake' ? 'version = 0 or journal is not null' : 'version = 0 or owner is not null'
  while ((await ask(url, `select from ${schema}.actor where ${isBusy} limit 1`, [])).length > 0) await setTimeout(100)
}

/** After two collections, with a pause between: what finalizers and finished promises hold goes with the second. */
async function weigh(): Promise<Weight> {
  globalThis.gc?.()
  await setTimeout(500)
  globalThis.gc?.()
  const { heapUsed, rss, external } = process.memoryUsage()
  return { heap: heapUsed, rss, external }
}

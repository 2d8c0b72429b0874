/**
 * The timer benchmark: so many actors that sleep, whose timers all fall due within one second.
 *
 * Each is spawned, starts, and leaves memory. Then their rows are given their times, spread evenly over one second that lies ahead; all of
 * them end with the turn of their timer. The node has the settings that it has by default, but lets actors leave at once.
 *
 * Owns: the machine, measuring. Does not own: wording (report.ts).
 *
 * Invariants
 * 1. A timer is late by the time from when it was due until its turn was committed, by the clock of this machine, which the database shares
 *    where the server is our own.
 * 2. A round counts only if each timer has fired once, none early.
 */
import { setTimeout } from 'node:timers/promises'
import { createRuntime } from 'perdure'
import { setup } from 'xstate'
import type { Load } from './arguments.ts'
import { describeEnvironment, openServer } from './environment.ts'
import { formatCount, printEnvironment, printTable, writeResults } from './report.ts'
import { ask, createSchema, dropSchema } from './schema.ts'
import { median, quantile } from './statistics.ts'

interface TimersRound {
  readonly timersPerSecond: number
  readonly lateP50Ms: number
  readonly lateP99Ms: number
  readonly lateMaxMs: number
  /** Most actors in memory at a time. */
  readonly awakeMax: number
  /** Most connections at a time. */
  readonly connectionsMax: number
  /** The most that this process took, beyond what it had before the first was due. */
  readonly memoryGrowthBytes: number
}

const egg = setup({}).createMachine({
  id: 'egg',
  initial: 'boiling',
  states: { boiling: { after: { 86_400_000: 'done' } }, done: { type: 'final' } }
})

const schema = 'bench_timers'
const batch = 2_000
/** From the statement that sets the times to the first of them. It takes some seconds for 100,000 rows. */
const aheadMs = 20_000
const sampleMs = 50

export const timers = {
  description: '100,000 timers that fall due within one second: lateness, memory, connections',

  async run({ rounds, actors }: Load): Promise<void> {
    const server = await openServer()
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      const results: TimersRound[] = []
      for (let round = 1; round <= rounds; round++) {
        const measured = await measureRound(server.url, actors)
        results.push(measured)
        const { timersPerSecond, lateMaxMs } = measured
        console.log(
          `round ${round}  ${formatCount(timersPerSecond)} timers/s, the last ${formatCount(lateMaxMs)} ms late`
        )
      }
      console.log(`\n${formatCount(actors)} timers due within one second (medians, rounds: ${rounds})`)
      printRounds(results)
      await writeResults('timers', { environment, actors, rounds: results })
    } finally {
      await server.stop()
    }
  }
}

async function measureRound(url: string, actors: number): Promise<TimersRound> {
  await createSchema(url, schema)
  const runtime = createRuntime({ database: url, schema, machines: [egg], passivateAfter: 0 })
  await runtime.migrate()
  await runtime.start()
  try {
    for (let made = 0; made < actors; made += batch) {
      await runtime.spawnMany(egg, Array(Math.min(batch, actors - made)).fill({}))
    }
    await whenAsleep(url)
    const firedAt = new Map<string, number>()
    runtime.on('step.stop', ({ id }) => void firedAt.set(id, Date.now()))
    const awake = countAwake(runtime)
    const dueAt = await setTimes(url)
    await setTimeout(Math.min(...dueAt.values()) - Date.now() - 500)
    const before = process.memoryUsage().rss
    let [memoryMax, connectionsMax] = [before, 0]
    while (firedAt.size < actors) {
      await setTimeout(sampleMs)
      memoryMax = Math.max(memoryMax, process.memoryUsage().rss)
      connectionsMax = Math.max(connectionsMax, await countConnections(url))
    }
    const late = [...firedAt].map(([id, at]) => at - (dueAt.get(id) as number))
    await checkEnded(url, actors, late)
    const seconds = (Math.max(...firedAt.values()) - Math.min(...dueAt.values())) / 1_000
    return {
      timersPerSecond: actors / seconds,
      lateP50Ms: median(late),
      lateP99Ms: quantile(late, 0.99),
      lateMaxMs: quantile(late, 1),
      awakeMax: awake.max,
      connectionsMax,
      memoryGrowthBytes: memoryMax - before
    }
  } finally {
    await runtime.stop()
    await dropSchema(url, schema)
  }
}

/** How many actors are in memory, at most so far. */
function countAwake(runtime: Pick<ReturnType<typeof createRuntime>, 'on'>): { readonly max: number } {
  let [now, max] = [0, 0]
  runtime.on('actor.hydrated', () => void (max = Math.max(max, ++now)))
  runtime.on('step.stop', ({ kind }) => void (now -= kind === 'done' ? 1 : 0))
  return {
    get max() {
      return max
    }
  }
}

async function whenAsleep(url: string): Promise<void> {
  const awake = `select from ${schema}.actor where version = 0 or owner is not null or journal is not null limit 1`
  while ((await ask(url, awake, [])).length > 0) await setTimeout(100)
}

/** Gives each row its time, and answers them all. */
async function setTimes(url: string): Promise<ReadonlyMap<string, number>> {
  const from = Date.now() + aheadMs
  const rows = await ask(
    url,
    `with place as (
       select id, $1::float8 + floor(1000 * (row_number() over () - 1) / count(*) over ()) as due from ${schema}.actor
     )
     update ${schema}.actor as a set wake_at = to_timestamp(due / 1000), timer_at = to_timestamp(due / 1000),
       snapshot = regexp_replace(snapshot::text, '"dueAt":[0-9.]+', '"dueAt":' || due)::json
     from place where a.id = place.id returning a.id, due`,
    [from]
  )
  if (Date.now() > from) throw new Error('the first timers were due before all of them were set')
  return new Map(rows.map(({ id, due }) => [id as string, due as number]))
}

/** This statement's own is not counted, nor that which keeps other benchmarks away. */
async function countConnections(url: string): Promise<number> {
  const [row] = await ask(
    url,
    `select count(*)::integer as count from pg_stat_activity
     where datname = current_database() and application_name = 'perdure'`,
    []
  )
  return row?.['count'] as number
}

async function checkEnded(url: string, actors: number, late: readonly number[]): Promise<void> {
  const [row] = await ask(
    url,
    `select count(*)::integer as count from ${schema}.actor where status = 'done' and version = 2`,
    []
  )
  if (row?.['count'] !== actors) throw new Error(`${String(row?.['count'])} of ${actors} timers have fired once`)
  const early = late.filter((ms) => ms < 0).length
  if (early > 0) throw new Error(`${early} timers have fired early`)
}

function printRounds(rounds: readonly TimersRound[]): void {
  const medianOf = (figure: keyof TimersRound): number => median(rounds.map((round) => round[figure]))
  const figures = [
    'timersPerSecond',
    'lateP50Ms',
    'lateP99Ms',
    'lateMaxMs',
    'awakeMax',
    'connectionsMax',
    'memoryGrowthBytes'
  ] as const
  printTable(
    ['timers/s', 'late p50 ms', 'p99 ms', 'max ms', 'awake at most', 'connections at most', 'memory grew by, bytes'],
    [figures.map((figure) => formatCount(medianOf(figure)))]
  )
}

/**
 * The benchmark of fan-outs: as many children as one `all` brings into being and joins, beside the same machines spawned without a
 * parent, until all of them are done.
 *
 * Owns: the machines, measuring, wording. Does not own: rounds and settings that all benchmarks share (arguments.ts, environment.ts).
 *
 * Invariants
 * 1. Rounds are interleaved, each contender in an empty schema with a runtime of its own, warmed up with children that do not count.
 * 2. Time runs from the call that asks for all of them until this process knows that the last has ended, and that it is durable.
 * 3. Where the database does not hold as many ended actors with the right output, the benchmark ends.
 */
import { all, createRuntime } from 'perdure'
import { setup } from 'xstate'
import type { Load } from './arguments.ts'
import { describeEnvironment, openServer } from './environment.ts'
import { formatCount, printEnvironment, printTable, writeResults } from './report.ts'
import { ask, createSchema, dropSchema } from './schema.ts'
import { median, ratioByRound } from './statistics.ts'

interface FanOutRound {
  readonly childrenPerSecond: number
  /** Of this process; Postgres has its own. */
  readonly cpuMicrosPerChild: number
  readonly commits: number
}

interface FanOut {
  readonly name: string
  readonly rounds: FanOutRound[]
}

interface Contender {
  readonly name: string
  /** Resolves when so many are done. */
  run(runtime: FanOutRuntime, count: number): Promise<unknown>
}

type Item = { readonly n: number }

/** Ends at once, with what it was given. */
const task = setup({ types: { input: {} as Item, context: {} as Item, output: {} as number } }).createMachine({
  id: 'task',
  context: ({ input }) => input,
  initial: 'begun',
  states: { begun: { always: 'over' }, over: { type: 'final' } },
  output: ({ context }) => context.n
})

/** Brings as many tasks into being as its input says, and ends when they have. */
const parentOf = (id: string, concurrency?: number) =>
  setup({
    types: { input: {} as Item, context: {} as Item },
    actors: { tasks: all(task, concurrency === undefined ? {} : { concurrency }) }
  }).createMachine({
    id,
    context: ({ input }) => input,
    initial: 'fanning',
    states: {
      fanning: {
        invoke: {
          src: 'tasks',
          input: ({ context }) => items(context.n),
          onDone: 'joined'
        }
      },
      joined: { type: 'final' }
    }
  })

const items = (count: number): readonly Item[] => Array.from({ length: count }, (_, n) => ({ n }))
const someAtATime = 100
const parent = parentOf('parent')
const sparingParent = parentOf('sparing-parent', someAtATime)

const openRuntime = (database: string) =>
  createRuntime({
    database,
    schema,
    machines: [task, parent, sparingParent],
    // As in the core benchmark: all of them may begin at once.
    queues: { default: 100_000 },
    maxResident: 100_000,
    passivateAfter: '1 hour'
  })
type FanOutRuntime = ReturnType<typeof openRuntime>

const schema = 'bench_children'
const warmUpChildren = 500

/** The first is what the others are compared with. */
const contenders: readonly Contender[] = [
  {
    name: 'spawnMany, no parent',
    run: async (runtime, count) => {
      const done = whenTurned(runtime, count)
      await runtime.spawnMany(
        task,
        items(count).map((input) => ({ input }))
      )
      await done
    }
  },
  {
    name: 'all',
    run: async (runtime, count) => (await runtime.spawn(parent, { input: { n: count } })).result()
  },
  {
    name: `all, ${someAtATime} at a time`,
    run: async (runtime, count) => (await runtime.spawn(sparingParent, { input: { n: count } })).result()
  }
]

export const children = {
  description: 'fan-out of 10,000 children with `all`, and join, beside the same 10,000 spawned without a parent',

  async run({ rounds, actors }: Load): Promise<void> {
    const server = await openServer()
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      const results = contenders.map(({ name }): FanOut => ({ name, rounds: [] }))
      for (let round = 1; round <= rounds; round++) {
        for (const [index, contender] of contenders.entries()) {
          const measured = await measureRound(server.url, contender, actors)
          results[index]?.rounds.push(measured)
          console.log(`round ${round}  ${contender.name}: ${formatCount(measured.childrenPerSecond)} children/s`)
        }
      }
      console.log(`\n${formatCount(actors)} machines that end at once, until all are done (medians, rounds: ${rounds})`)
      printFanOut(results)
      await writeResults('children', { environment, actors, rounds, results })
    } finally {
      await server.stop()
    }
  }
}

async function measureRound(url: string, contender: Contender, count: number): Promise<FanOutRound> {
  await createSchema(url, schema)
  const runtime = openRuntime(url)
  await runtime.migrate()
  await runtime.start()
  try {
    await contender.run(runtime, warmUpChildren)
    let commits = 0
    runtime.on('commit.flush', () => void commits++)
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    await contender.run(runtime, count)
    const seconds = (performance.now() - startedAt) / 1_000
    const { user, system } = process.cpuUsage(cpuBefore)
    await checkEnded(url, contender.name, warmUpChildren, count)
    return { childrenPerSecond: count / seconds, cpuMicrosPerChild: (user + system) / count, commits }
  } finally {
    await runtime.stop()
    await dropSchema(url, schema)
  }
}

/** Resolves after so many turns, each of which is committed, and the only one of its actor. */
function whenTurned(runtime: FanOutRuntime, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const stop = runtime.on('step.stop', () => {
      left--
      if (left > 0) return
      stop()
      resolve()
    })
  })
}

async function checkEnded(url: string, name: string, ...counts: readonly number[]): Promise<void> {
  const expected = counts.map((count) => ({ count, sum: (count * (count - 1)) / 2 }))
  const text = `select count(*)::float8 as count, coalesce(sum(output::text::integer), 0)::float8 as sum
    from ${schema}.actor where machine = 'task' and status = 'done'`
  const [row] = await ask(url, text, [])
  const total = (figure: 'count' | 'sum'): number => expected.reduce((all, each) => all + each[figure], 0)
  if (row?.['count'] === total('count') && row['sum'] === total('sum')) return
  throw new Error(`${name}: ${String(row?.['count'])} of ${total('count')} children have ended well in the database`)
}

function printFanOut(results: readonly FanOut[]): void {
  const [baseline] = results
  if (baseline === undefined) return
  const speeds = ({ rounds }: FanOut): readonly number[] => rounds.map((round) => round.childrenPerSecond)
  const lines = results.map((result) => [
    result.name,
    formatCount(median(speeds(result))),
    `${formatCount(Math.min(...speeds(result)))}–${formatCount(Math.max(...speeds(result)))}`,
    `${ratioByRound(speeds(result), speeds(baseline)).toFixed(2)}×`,
    median(result.rounds.map(({ cpuMicrosPerChild }) => cpuMicrosPerChild)).toFixed(1),
    formatCount(median(result.rounds.map(({ commits }) => commits)))
  ])
  printTable(['', 'children/s', 'min–max', 'ratio', 'CPU µs/child', 'batches of commits'], lines)
}

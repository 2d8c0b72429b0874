/**
 * The memory benchmark: the heap that an actor takes while it is awake and rests, beside its data.
 *
 * The heap of this process, after a full garbage collection, before and after so many actors were born, took an event and came
 * to rest; and the same for their contexts alone, held as plain values. The difference is what perdure and XState add: the
 * tree, the mailbox, and bookkeeping. `maxResidentBytes` is kept by an estimate of all this (src/actors/registry.ts).
 *
 * Owns: the machines, what their contexts hold, measuring. Does not own: wording (report.ts), actors by the thousand (memory/crowds.ts).
 *
 * Invariants
 * 1. In every round each kind of context begins with a runtime of its own, warmed up by actors that are not counted and stay.
 * 2. What is counted is awake, has committed its turns and acknowledged their effects: nothing is under way.
 */
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setup, spawnChild } from 'xstate'
import { estimateHeapBytes } from '../src/actors/registry.ts'
import { fromJson, toJson } from '../src/actors/snapshot-codec.ts'
import { createRuntime } from 'perdure'
import type { Load } from './arguments.ts'
import { describeEnvironment, openServer } from './environment.ts'
import { measureCrowds, printCrowds } from './memory/crowds.ts'
import { printEnvironment, printMemory, writeResults } from './report.ts'
import { ask, createSchema, dropSchema } from './schema.ts'

export interface MemoryRound {
  /** Characters of its snapshot in the row. */
  readonly storedBytes: number
  /** Of its context alone. */
  readonly dataBytes: number
  /** Of all that an actor takes. */
  readonly heapBytes: number
  /** What the registry takes it for. */
  readonly estimatedBytes: number
}

export interface Memory {
  readonly name: string
  readonly rounds: MemoryRound[]
}

interface Context {
  readonly data: unknown
}
type MakeData = (number: number) => unknown

interface Kind {
  readonly name: string
  readonly machine: ReturnType<typeof machineWith>
  /** What the context of the actor with this number holds. */
  readonly makeData: MakeData
  readonly children?: number
}

const child = setup({}).createMachine({
  id: 'child',
  initial: 'young',
  states: { young: { after: { 86_400_000: 'old' } }, old: {} }
})

/** Two states, the context that it is given, and so many child machines, each with a timer. */
function machineWith(children: number) {
  return setup({
    types: { input: {} as Context, context: {} as Context, events: {} as { type: 'turn' } },
    actors: { child }
  }).createMachine({
    id: 'resting',
    context: ({ input }) => input,
    entry: Array.from({ length: children }, (_, number) => spawnChild('child', { id: `child-${number}` })),
    initial: 'open',
    states: { open: { on: { turn: 'held' } }, held: { on: { turn: 'open' } } }
  })
}

/** No two actors have strings in common. */
const orderOf =
  (lines: number): MakeData =>
  (number) => ({
    customer: `customer-${number}`,
    lines: Array.from({ length: lines }, (_, line) => ({
      sku: `A-${100_000 + number}-${line}`,
      quantity: (line % 9) + 1,
      price: line + 0.5
    }))
  })

const [alone, withChildren] = [machineWith(0), machineWith(10)]

const kinds: readonly Kind[] = [
  { name: 'a number', machine: alone, makeData: (number) => number },
  { name: 'a number, ten child machines', machine: withChildren, makeData: (number) => number, children: 10 },
  { name: 'an order of 20 lines', machine: alone, makeData: orderOf(20) },
  { name: 'an order of 400 lines', machine: alone, makeData: orderOf(400) },
  { name: 'a list of 5,000 numbers', machine: alone, makeData: (number) => Array(5_000).fill(number) },
  { name: 'a text of 20,000 letters', machine: alone, makeData: (number) => `${number}`.padEnd(20_000) }
]

const schema = 'bench_memory'
const warmUpActors = 200

export const memory = {
  description: 'heap of an awake actor beside its data, small and large; 10,000 awake actors and 100,000 that sleep',

  async run(load: Load): Promise<void> {
    const server = await openServer()
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      const results = await measureKinds(server.url, load)
      console.log(`\nHeap of one of ${load.actors} awake actors, in bytes (medians, rounds: ${load.rounds})`)
      printMemory(results)
      const crowds = await measureCrowds(server.url)
      console.log(
        'Many actors, in the process that runs them (before and after them, and with them) and in the database'
      )
      printCrowds(crowds)
      await writeResults('memory', { environment, load, memory: results, crowds })
    } finally {
      await server.stop()
    }
  }
}

async function measureKinds(url: string, load: Load): Promise<readonly Memory[]> {
  const results = kinds.map(({ name }): Memory => ({ name, rounds: [] }))
  for (let round = 1; round <= load.rounds; round++) {
    for (const [index, kind] of kinds.entries()) {
      const measured = await measureRound(url, kind, load.actors)
      results[index]?.rounds.push(measured)
      console.log(`round ${round}  ${kind.name}: ${Math.round(measured.heapBytes).toLocaleString('en-US')} bytes`)
    }
  }
  return results
}

async function measureRound(
  url: string,
  { machine, makeData, children = 0 }: Kind,
  actors: number
): Promise<MemoryRound> {
  await createSchema(url, schema)
  const runtime = createRuntime({
    database: url,
    schema,
    machines: [machine],
    queues: { default: 100_000 },
    maxResident: 100_000,
    maxResidentBytes: 2 ** 40,
    passivateAfter: '1 hour'
  })
  await runtime.migrate()
  await runtime.start()
  const wake = async (count: number): Promise<void> => {
    const ids = await runtime.spawnMany(
      machine,
      Array.from({ length: count }, (_, number) => ({ input: { data: makeData(number) } }))
    )
    await Promise.all(ids.map((id) => runtime.send(id, { type: 'turn' })))
    await whenAtRest(url)
  }
  try {
    await wake(warmUpActors)
    const before = await readHeapBytes()
    await wake(actors)
    const heapBytes = ((await readHeapBytes()) - before) / actors
    const storedBytes = await readStoredBytes(url)
    const dataBytes = await measureData(makeData, actors)
    return { storedBytes, dataBytes, heapBytes, estimatedBytes: estimateHeapBytes(storedBytes, children) }
  } finally {
    await runtime.stop()
    await dropSchema(url, schema)
  }
}

/** Contexts as they come out of rows, without any actor. */
async function measureData(makeData: MakeData, count: number): Promise<number> {
  const before = await readHeapBytes()
  const contexts = Array.from({ length: count }, (_, number) => fromJson(toJson({ data: makeData(number) }, 'context')))
  const bytes = ((await readHeapBytes()) - before) / count
  if (contexts.length !== count) throw new Error('the contexts were collected')
  return bytes
}

async function whenAtRest(url: string): Promise<void> {
  for (;;) {
    const [row] = await ask(url, `select from ${schema}.actor where version < 2 or journal is not null limit 1`, [])
    if (row === undefined) return
    await setTimeout(20)
  }
}

async function readStoredBytes(url: string): Promise<number> {
  const [row] = await ask(url, `select avg(length(snapshot::text))::float8 as bytes from ${schema}.actor`, [])
  return row?.['bytes'] as number
}

/** Twice, and after a pause: what finalizers and finished promises hold goes with the second. */
async function readHeapBytes(): Promise<number> {
  collectGarbage()
  await setTimeout(100)
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

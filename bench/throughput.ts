/**
 * How many durable events a second each contender manages.
 *
 * Owns: the order of measuring, warm-up, the clock, and the check of what is in the database afterwards.
 *
 * Invariants
 * 1. Rounds are interleaved (A B C A B C …): a slow minute of the machine meets all contenders.
 * 2. In every round each contender begins in an empty schema, on new connections, and is warmed up on instances that are
 *    not measured.
 * 3. A contender whose database does not hold exactly the events that it confirmed ends the benchmark.
 */
import type { Load } from './arguments.ts'
import type { Contender, Entrant } from './contender.ts'

export interface ThroughputRound {
  readonly eventsPerSecond: number
  /** Of this process; Postgres has its own. */
  readonly cpuMicrosPerEvent: number
  readonly statementsPerEvent: number
  readonly rowsPerStatement: number
}

export interface Throughput {
  readonly name: string
  readonly rounds: ThroughputRound[]
}

const warmUpEvents = 5

export async function measureThroughput(
  url: string,
  contenders: readonly Contender[],
  load: Load
): Promise<readonly Throughput[]> {
  const results = contenders.map(({ name }): Throughput => ({ name, rounds: [] }))
  for (let round = 1; round <= load.rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const measured = await measureRound(url, contender, load)
      results[index]?.rounds.push(measured)
      console.log(
        `round ${round}  ${contender.name}: ${Math.round(measured.eventsPerSecond).toLocaleString('en-US')} events/s`
      )
    }
  }
  return results
}

async function measureRound(url: string, contender: Contender, load: Load): Promise<ThroughputRound> {
  const entrant = await contender.open(url)
  try {
    await entrant.drive(await entrant.create(load.actors), warmUpEvents)
    const ids = await entrant.create(load.actors)
    const measured = await measureDrive(entrant, ids, load.events)
    checkApplied(contender.name, await entrant.readApplied(ids), load)
    return measured
  } finally {
    await entrant.close()
  }
}

async function measureDrive(entrant: Entrant, ids: readonly string[], events: number): Promise<ThroughputRound> {
  const before = entrant.written
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  await entrant.drive(ids, events)
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const statements = entrant.written.statements - before.statements
  const rows = entrant.written.rows - before.rows
  const total = ids.length * events
  return {
    eventsPerSecond: total / seconds,
    cpuMicrosPerEvent: (cpu.user + cpu.system) / total,
    statementsPerEvent: statements / total,
    rowsPerStatement: rows / statements
  }
}

function checkApplied(name: string, applied: readonly number[], { actors, events }: Load): void {
  const right = applied.filter((count) => count === events).length
  if (right === actors && applied.length === actors) return
  throw new Error(`${name}: ${right} of ${actors} instances have exactly ${events} events in the database`)
}

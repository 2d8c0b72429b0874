/**
 * The benchmark of an old transaction: what one that is left open in the database takes from actors at full churn.
 *
 * Every transition is a new version of its row. Those that an open transaction might still see cannot be removed, so tables and indexes grow,
 * and every look at them reads past what is dead. Two databases of one server take turns: in one of them, a transaction with a snapshot is
 * open from the beginning to the end. What holds up vacuum in one database does not in another.
 *
 * Owns: the turns, measuring. Does not own: the machine of the actors (turnstile.ts).
 *
 * Invariants
 * 1. Both have the same actors, awake, and are given the same number of events in each round; only one of them runs at a time.
 * 2. The transaction is older than all that is counted, and is open until the last round is over.
 */
import pg from 'pg'
import { createRuntime } from 'perdure'
import type { Load } from './arguments.ts'
import { sendOneByOne } from './drive.ts'
import { describeEnvironment, openServer } from './environment.ts'
import { formatCount, printEnvironment, printTable, writeResults } from './report.ts'
import { ask } from './schema.ts'
import { ticketEvent, turnstile } from './turnstile.ts'

interface Round {
  readonly eventsPerSecond: number
  /** Of the table of actors, with its indexes. */
  readonly tableBytes: number
  readonly deadRows: number
  /** Updates that touched no index, of those in this round. */
  readonly hotFraction: number
}

interface Side {
  readonly name: string
  readonly url: string
  readonly rounds: Round[]
  readonly run: (events: number) => Promise<void>
  readonly close: () => Promise<void>
}

const warmUpEvents = 5

export const oldTransaction = {
  description: 'a transaction left open beside full churn: events/s with and without it, in turns',

  async run({ rounds, actors, events }: Load): Promise<void> {
    const server = await openServer()
    const sides: Side[] = []
    let letGo = (): Promise<void> => Promise.resolve()
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      for (const name of ['free', 'held']) sides.push(await openSide(server.url, name, actors))
      const [free, held] = sides as [Side, Side]
      letGo = await holdSnapshot(held.url)
      for (let round = 1; round <= rounds; round++) {
        for (const side of sides) side.rounds.push(await measureRound(side, actors, events))
        console.log(`round ${round}  ${describeRound(free)} without, ${describeRound(held)} with an old transaction`)
      }
      console.log(`\n${actors} awake actors × ${events} events a round`)
      printSides(free, held, actors * events)
      await writeResults('old-transaction', { environment, actors, events, free: free.rounds, held: held.rounds })
    } finally {
      await letGo()
      for (const side of sides) await side.close()
      await server.stop()
    }
  }
}

async function openSide(serverUrl: string, name: string, actors: number): Promise<Side> {
  const database = `perdure_bench_${name}`
  await ask(serverUrl, `drop database if exists ${database} with (force)`, [])
  await ask(serverUrl, `create database ${database}`, [])
  const target = new URL(serverUrl)
  target.pathname = `/${database}`
  const url = target.href
  const runtime = createRuntime({
    database: url,
    machines: [turnstile],
    queues: { default: 100_000 },
    passivateAfter: '1 hour',
    // A machine that has other work as well must not end the benchmark.
    lease: '10 minutes'
  })
  await runtime.migrate()
  await runtime.start()
  const ids = await runtime.spawnMany(turnstile, Array(actors).fill({}))
  const run = (events: number): Promise<void> =>
    sendOneByOne(ids, events, (id, number) => runtime.send(id, ticketEvent(number)))
  await run(warmUpEvents)
  const close = async (): Promise<void> => {
    await runtime.stop()
    await ask(serverUrl, `drop database ${database} with (force)`, [])
  }
  return { name, url, rounds: [], run, close }
}

/** Resolves to what ends the transaction. */
async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from perdure.actor')
  return async () => {
    await client.query('rollback')
    await client.end()
  }
}

async function measureRound({ url, run }: Side, actors: number, events: number): Promise<Round> {
  const before = await readTable(url)
  const startedAt = performance.now()
  await run(events)
  const seconds = (performance.now() - startedAt) / 1_000
  const after = await readTable(url)
  return {
    eventsPerSecond: (actors * events) / seconds,
    tableBytes: after.bytes,
    deadRows: after.dead,
    hotFraction: (after.hot - before.hot) / (after.updated - before.updated)
  }
}

type Figures = Readonly<Record<'bytes' | 'dead' | 'hot' | 'updated', number>>

async function readTable(url: string): Promise<Figures> {
  const [row] = await ask(
    url,
    `select pg_total_relation_size(relid)::float8 as bytes, n_dead_tup::float8 as dead,
       n_tup_hot_upd::float8 as hot, n_tup_upd::float8 as updated
     from pg_stat_user_tables where schemaname = 'perdure' and relname = 'actor'`,
    []
  )
  return row as unknown as Figures
}

const describeRound = ({ rounds }: Side): string => `${formatCount(rounds.at(-1)?.eventsPerSecond ?? 0)} events/s`

function printSides(free: Side, held: Side, eventsARound: number): void {
  const megabytes = (bytes: number): string => formatCount(bytes / 2 ** 20)
  const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`
  const lines = held.rounds.map((withIt, round) => {
    const without = free.rounds[round] as Round
    return [
      formatCount((round + 1) * eventsARound),
      formatCount(without.eventsPerSecond),
      formatCount(withIt.eventsPerSecond),
      `${(withIt.eventsPerSecond / without.eventsPerSecond).toFixed(2)}×`,
      megabytes(without.tableBytes),
      megabytes(withIt.tableBytes),
      formatCount(withIt.deadRows),
      percent(without.hotFraction),
      percent(withIt.hotFraction)
    ]
  })
  const head = [
    'events so far',
    'events/s without',
    'with',
    'ratio',
    'MB without',
    'with',
    'dead rows with',
    'HOT without',
    'with'
  ]
  printTable(head, lines)
}

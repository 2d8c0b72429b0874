/**
 * perdure, over both clients and with both ways in which events may arrive.
 */
import postgres from 'postgres'
import { createRuntime, type ActorId, type Runtime } from 'perdure'
import type { Contender, Prober, Written } from '../contender.ts'
import { sendAllAtOnce, sendOneByOne } from '../drive.ts'
import { createSchema, dropSchema, readNumbers } from '../schema.ts'
import { ticketEvent, turnstile } from '../turnstile.ts'

type TurnstileRuntime = Runtime<typeof turnstile>

/** Gives the `database` of createRuntime, and closes what perdure does not close. */
interface Client {
  readonly name: string
  open(url: string): { readonly database: unknown; readonly close: () => Promise<void> }
}

const pgClient: Client = {
  name: 'pg',
  open: (url) => ({ database: url, close: () => Promise.resolve() })
}

const postgresClient: Client = {
  name: 'postgres.js',
  open: (url) => {
    const sql = postgres(url, { max: 10, onnotice: () => undefined })
    return { database: sql, close: () => sql.end() }
  }
}

export const perdurePg = contend('perdure, pg', pgClient, sendOneByOne)
export const perdurePostgres = contend('perdure, postgres.js', postgresClient, sendOneByOne)
export const perdureAtOnce = contend('perdure, pg, all events sent at once', pgClient, sendAllAtOnce)
export const perdurePgProber = probe('perdure send, pg', pgClient)
export const perdurePostgresProber = probe('perdure send, postgres.js', postgresClient)

function contend(name: string, client: Client, sendEvents: typeof sendOneByOne): Contender {
  return {
    name,
    async open(url) {
      const { runtime, schema, close } = await openRuntime(url, client)
      const written = countCommits(runtime)
      const send = (id: string, number: number) => runtime.send(id, ticketEvent(number))
      return {
        create: (count) => createActors(runtime, count),
        drive: (ids, events) => sendEvents(ids, events, send),
        readApplied: (ids) =>
          readNumbers(url, { table: `${schema}.actor`, expression: "snapshot->'context'->>'counter'", ids }),
        get written() {
          return { ...written }
        },
        close
      }
    }
  }
}

function probe(name: string, client: Client): Prober {
  return {
    name,
    async open(url, instances) {
      const { runtime, close } = await openRuntime(url, client)
      const ids = await createActors(runtime, instances)
      let number = 0
      return {
        apply: async () => {
          await runtime.send(ids[number % ids.length] as string, ticketEvent(number))
          number++
        },
        close
      }
    }
  }
}

async function openRuntime(url: string, client: Client) {
  const schema = `bench_perdure_${client.name.replace('.', '_')}`
  await createSchema(url, schema)
  const { database, close } = client.open(url)
  const runtime = createRuntime({
    database,
    schema,
    machines: [turnstile],
    // Actors that are awake are what is measured: all of them may begin at once, and none of them leaves.
    queues: { default: 100_000 },
    maxResident: 100_000,
    passivateAfter: '1 hour'
  })
  await runtime.migrate()
  await runtime.start()
  return {
    runtime,
    schema,
    close: async () => {
      await runtime.stop()
      await close()
      await dropSchema(url, schema)
    }
  }
}

/** Resolves when all of them are awake and their first snapshots committed. */
async function createActors(runtime: TurnstileRuntime, count: number): Promise<readonly ActorId<typeof turnstile>[]> {
  const born = awaitTurns(runtime, count)
  const ids = await runtime.spawnMany(
    turnstile,
    Array.from({ length: count }, () => ({}))
  )
  await born
  return ids
}

function awaitTurns(runtime: TurnstileRuntime, count: number): Promise<void> {
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

function countCommits(runtime: TurnstileRuntime): Written {
  const written = { statements: 0, rows: 0 }
  runtime.on('commit.flush', ({ rows }) => {
    written.statements++
    written.rows += rows
  })
  return written
}

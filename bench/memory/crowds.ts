/**
 * What many actors take: 10,000 that are awake, 100,000 that sleep, in the process that runs them and in the database.
 *
 * Owns: the processes that are weighed (crowd.ts), one for each machine and situation; the sizes of tables; wording.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { printTable } from '../report.ts'
import { ask, createSchema, dropSchema } from '../schema.ts'
import type { Weight, Weights } from './crowd.ts'
import { machines, type MachineName } from './machines.ts'

export interface Crowd extends Weights {
  readonly machine: MachineName
  readonly situation: 'awake' | 'asleep'
  readonly actors: number
  /** Bytes an actor: its row, and what the indexes hold of it. */
  readonly table: number
  readonly indexes: number
  /** Characters of a snapshot. */
  readonly stored: number
}

const AWAKE = 10_000
const ASLEEP = 100_000

const schema = 'bench_crowds'
const program = fileURLToPath(new URL('crowd.ts', import.meta.url))

export async function measureCrowds(url: string): Promise<readonly Crowd[]> {
  const crowds: Crowd[] = []
  for (const machine of Object.keys(machines) as MachineName[]) {
    crowds.push(await measureCrowd(url, { machine, situation: 'awake', actors: AWAKE }))
    crowds.push(await measureCrowd(url, { machine, situation: 'asleep', actors: ASLEEP }))
  }
  return crowds
}

async function measureCrowd(url: string, crowd: Pick<Crowd, 'machine' | 'situation' | 'actors'>): Promise<Crowd> {
  await createSchema(url, schema)
  try {
    const weights = await runCrowd([url, schema, crowd.machine, crowd.situation, String(crowd.actors)])
    const [row] = await ask(
      url,
      `select pg_table_size(actor.oid)::float8 / count.n as table, pg_indexes_size(actor.oid)::float8 / count.n as indexes, count.stored
       from pg_class as actor, (select count(*) as n, avg(length(snapshot::text))::float8 as stored from ${schema}.actor) as count
       where actor.oid = '${schema}.actor'::regclass`,
      []
    )
    return { ...crowd, ...weights, ...(row as unknown as Pick<Crowd, 'table' | 'indexes' | 'stored'>) }
  } finally {
    await dropSchema(url, schema)
  }
}

async function runCrowd(args: readonly string[]): Promise<Weights> {
  const child = fork(program, args, { execArgv: [...process.execArgv, '--expose-gc'] })
  const killAlong = (): void => void child.kill('SIGKILL')
  process.once('exit', killAlong)
  let weights: Weights | undefined
  child.on('message', (message) => (weights = message as Weights))
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  process.off('exit', killAlong)
  if (weights === undefined) throw new Error(`a crowd ended without being weighed (${String(signal ?? code)})`)
  return weights
}

export function printCrowds(crowds: readonly Crowd[]): void {
  const bytes = (value: number): string => Math.round(value).toLocaleString('en-US')
  const perActor = ({ before, after, actors }: Crowd, part: keyof Weight): string =>
    bytes((after[part] - before[part]) / actors)
  const mebibytes = (value: number): string => (value / 2 ** 20).toFixed(0)
  const lines = crowds.map((crowd) => [
    `${bytes(crowd.actors)} ${crowd.situation}, ${crowd.machine}`,
    ...(['heap', 'rss', 'external'] as const).map((part) => perActor(crowd, part)),
    ...(['heap', 'rss', 'external'] as const).map((part) => mebibytes(crowd.after[part])),
    ...[crowd.stored, crowd.table, crowd.indexes].map(bytes)
  ])
  const ofAll = ['heap MiB', 'RSS MiB', 'external MiB']
  printTable(['bytes an actor', 'heap', 'RSS', 'external', ...ofAll, 'stored', 'table', 'indexes'], lines)
}

/**
 * What a node costs the database that has nothing to do: statements a second, and which.
 *
 * Counted by pg_stat_statements where it can be had; else by transactions, as each of a node's statements is one.
 *
 * Invariant
 * 1. Nothing but the node has business in its schema, and what was counted before the node had come to rest is left out.
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { ask } from '../schema.ts'
import { openLeaf } from './leaf.ts'
import { startWorker } from './worker-process.ts'

export interface Idle {
  readonly seconds: number
  readonly perSecond: number
  readonly countedBy: 'pg_stat_statements' | 'transactions'
  /** By their files in sql/queries, or their first lines; none where transactions are counted. */
  readonly statements: readonly { readonly text: string; readonly perSecond: number }[]
}

const schema = 'bench_nodes'
const settleMs = 3_000
const countMs = 30_000

export async function measureIdle(url: string): Promise<Idle> {
  const leaf = await openLeaf(url, schema)
  // The leaf has a heartbeat of its own: it only made the schema.
  await leaf.runtime.stop()
  const worker = await startWorker(url, schema)
  try {
    await setTimeout(settleMs)
    return (await canCountStatements(url)) ? await countStatements(url) : await countTransactions(url)
  } finally {
    await worker.stop()
    await leaf.close()
  }
}

async function canCountStatements(url: string): Promise<boolean> {
  try {
    await ask(url, 'create extension if not exists pg_stat_statements', [])
    await ask(url, 'select pg_stat_statements_reset()', [])
    return true
  } catch {
    return false
  }
}

async function countStatements(url: string): Promise<Idle> {
  const startedAt = performance.now()
  await setTimeout(countMs)
  const rows = await ask(url, `select query, calls::float8 from pg_stat_statements where query like $1`, [
    `%${schema}%`
  ])
  const seconds = (performance.now() - startedAt) / 1_000
  const names = await readStatementNames()
  const nameOf = (query: string): string => {
    const [first = ''] = query.replaceAll(new RegExp(`"?${schema}"?\\.`, 'g'), 'perdure.').split('\n')
    return names.get(first) ?? first
  }
  const statements = rows.map(({ query, calls }) => ({
    text: nameOf(query as string),
    perSecond: (calls as number) / seconds
  }))
  return {
    seconds,
    perSecond: statements.reduce((sum, { perSecond }) => sum + perSecond, 0),
    countedBy: 'pg_stat_statements',
    statements: statements.toSorted((a, b) => b.perSecond - a.perSecond)
  }
}

async function countTransactions(url: string): Promise<Idle> {
  const read = async (): Promise<number> => {
    const [row] = await ask(
      url,
      'select (xact_commit + xact_rollback)::float8 as count from pg_stat_database where datname = current_database()',
      []
    )
    return row?.['count'] as number
  }
  const before = await read()
  const startedAt = performance.now()
  await setTimeout(countMs)
  const seconds = (performance.now() - startedAt) / 1_000
  const count = (await read()) - before - 1
  return { seconds, perSecond: count / seconds, countedBy: 'transactions', statements: [] }
}

const sqlFolder = new URL('../../sql/queries/', import.meta.url)

/** By the first line of each of perdure's statements after its header, which is all that is kept of it: its file. */
async function readStatementNames(): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const file of await readdir(sqlFolder)) {
    const text = await readFile(new URL(file, sqlFolder), 'utf8')
    const first = text.split('\n').find((line) => !line.startsWith('--')) ?? ''
    names.set(first, names.has(first) ? `${names.get(first)} or ${file}` : file)
  }
  return names
}

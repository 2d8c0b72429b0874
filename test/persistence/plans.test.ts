/**
 * What a statement reads of a table with a million rows: no more than its answer asks for. Counted are rows and pages, as Postgres
 * itself counts them, and no time.
 */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPostgresStore, type PostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries, type Statement } from '../../src/persistence/queries.ts'
import type { Lease } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { HOUR_MS, uniqueId } from './conformance/world.ts'

interface Plan {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Plan[]
}

const MILLION = 1_000_000
const LIMIT = 20
/** Pages for each row that is leased: index and table, found, locked, written, and read for the answer. */
const PAGES_A_ROW = 60
/** Pages of a look that finds nothing. */
const PAGES_A_LOOK = 60

const { url } = await testDatabase()
const queries = loadQueries('perdure')
const node = uniqueId()
const client = new pg.Client(url)
let store: PostgresStore
let lease: Lease

beforeAll(async () => {
  store = await openPostgresStore(url)
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
  await client.connect()
  await client.query(queries.pinPlans.text)
  for (const table of ['signal', 'dedup', 'child_join', 'actor'])
    await client.query(`alter table perdure.${table} set unlogged`)
  await fill(MILLION, {})
  await client.query('analyze perdure.actor')
}, 60_000)

afterAll(async () => {
  await client.end()
  await lease.leave(true)
  await store.close()
})

/** Ready rows, each with another number; of a column an expression may be given instead, of the number `n`. */
async function fill(count: number, columns: Readonly<Record<string, string>>): Promise<void> {
  const all = {
    id: 'gen_random_uuid()',
    machine: `'order'`,
    key_scope: `'{}'`,
    queue: `'busy'`,
    priority: 'n % 3',
    status: `'ready'`,
    wake_at: `now() - interval '1 day' + n * interval '1 millisecond'`,
    ...columns
  }
  await client.query(
    `insert into perdure.actor (${Object.keys(all).join(', ')})
     select ${Object.values(all).join(', ')} from generate_series(1, ${count}) as n`
  )
}

/** What a statement reads: rows that it finds or looks at in vain, and pages. It leaves no trace. */
async function cost(statement: Statement, ...params: readonly unknown[]): Promise<{ rows: number; pages: number }> {
  await client.query('begin')
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, buffers, format json) ${statement.text}`,
    [...params]
  )
  await client.query('rollback')
  const { Plan: plan } = (rows[0] as (typeof rows)[0])['QUERY PLAN'][0]
  return { rows: countRows(plan), pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] }
}

function countRows(plan: Plan): number {
  const found = plan['Relation Name'] === undefined ? 0 : plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)
  return (plan.Plans ?? []).reduce((sum, part) => sum + countRows(part), found * plan['Actual Loops'])
}

const pickFrom = (queue: string, ...machines: readonly string[]) =>
  cost(queries.pick, node, queue, LIMIT, JSON.stringify(machines.map((name) => ({ name, version: null }))))

test('a pick reads in proportion to its limit, with a million rows that wait', async () => {
  const { rows, pages } = await pickFrom('busy', 'order')
  expect(rows).toBeLessThan(10 * LIMIT)
  expect(pages).toBeLessThan(PAGES_A_ROW * LIMIT)
})

test('a pick reads nothing of a million rows that are of machines which the node does not know', async () => {
  const { rows, pages } = await pickFrom('busy', 'unknown', 'another')
  expect(rows).toBeLessThan(10)
  expect(pages).toBeLessThan(PAGES_A_LOOK)
})

test('a pick that has put a partition aside reads past none of its rows', async () => {
  await fill(5_000, { queue: `'partitions'`, partition_key: `'tenant'` })
  await fill(1, { queue: `'partitions'`, priority: '9' })
  const machines = [{ name: 'order', version: null }]
  const pick = () => store.pick({ node, queue: 'partitions', machines, limit: LIMIT })
  for (let looks = 0; looks < 20 && (await pick()).contended.length > 0; looks += 1);
  await client.query('vacuum perdure.actor')
  const { rows, pages } = await pickFrom('partitions', 'order')
  expect(rows).toBeLessThan(10)
  // Where those rows stood there may be empty pages of the index.
  expect(pages).toBeLessThan(5 * PAGES_A_LOOK)
})

test('a claim reads the rows that it names', async () => {
  const ids = (await client.query<{ id: string }>('select id from perdure.actor limit $1', [LIMIT])).rows
  const { rows, pages } = await cost(queries.claim, node, JSON.stringify(ids.map(({ id }) => id)))
  expect(rows).toBeLessThan(10 * LIMIT)
  expect(pages).toBeLessThan(PAGES_A_ROW * LIMIT)
})

test('a look for dead nodes, for unseen signals and for unknown machines reads nothing of a backlog', async () => {
  expect((await cost(queries.reap, node, LIMIT)).pages).toBeLessThan(PAGES_A_LOOK)
  expect((await cost(queries.unseen, node, LIMIT, null)).pages).toBeLessThan(PAGES_A_LOOK)
  const unknown = await cost(queries.findUnknown, '[]', JSON.stringify(['busy']), 0, LIMIT)
  expect(unknown.pages).toBeLessThan(PAGES_A_LOOK)
})

test('the end of a child reads nothing of the others that its parent has, whether they run, wait or have ended', async () => {
  const [parent, children] = [uniqueId(), 30_000]
  await fill(1, { id: `'${parent}'` })
  const half = `n <= ${children / 2}`
  await fill(children, {
    queue: `'children'`,
    parent: `'${parent}'`,
    parent_session: '1',
    parent_index: 'n - 1',
    status: `(case when ${half} then 'done' else 'waiting' end)::perdure.actor_status`,
    ended_at: `case when ${half} then now() end`,
    wake_at: `case when not ${half} then 'infinity'::timestamptz end`
  })
  await client.query(
    `insert into perdure.child_join (parent, session, total, need, concurrency, started, ended, succeeded)
     values ($1, 1, $2, $3, 10, $4, $4 - 1, $4 - 1)`,
    [parent, children, children - 1, children / 2]
  )
  const last = `select id from perdure.actor where parent = $1 and parent_session = 1 and parent_index = $2`
  const { rows } = await client.query<{ id: string }>(last, [parent, children / 2 - 1])
  const link = JSON.stringify([{ n: 0, id: rows[0]?.id, tells: true, ends: true, done: true, cancels: [] }])
  const looks = [
    await cost(queries.lockJoins, link, '0'),
    await cost(queries.lockLinked, link, '[]', '[]', '0'),
    await cost(queries.countEnds, link),
    await cost(queries.cancelChildren, JSON.stringify([{ n: 0, parent: rows[0]?.id }]), '[]')
  ]
  for (const look of looks) {
    expect(look.rows).toBeLessThan(20)
    expect(look.pages).toBeLessThan(2 * PAGES_A_LOOK)
  }
})

/** What a janitor asks costs as much as it finds, and not as much as there is. Rows that are read are counted, never time. */
import { beforeAll, expect, test } from 'vitest'
import { loadQueries, type Statement } from '../../src/persistence/queries.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import { testDatabase } from '../support/database.ts'

interface Plan {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

const db = await testDatabase()
const queries = loadQueries('perdure')
const MANY = 20_000

beforeAll(async () => {
  const store = await openPostgresStore(db.url)
  await store.migrate()
  await store.close()
  await db.sql(`
    insert into perdure.actor (id, machine, machine_version, key_scope, queue, priority, status, wake_at, ended_at)
    select gen_random_uuid(), machine, version, '{}', 'default', 0, status::perdure.actor_status, wake_at, ended_at
    from generate_series(1, ${MANY}), (values
      ('known', null, 'ready', now() - interval '1 hour', null),
      ('unknown', '1', 'ready', now() - interval '1 hour', null),
      ('known', '2', 'waiting', now() + interval '1 hour', null),
      ('known', '2', 'done', null, now() - interval '1 hour'),
      ('kept', null, 'done', null, now() - interval '1 year')
    ) as kind (machine, version, status, wake_at, ended_at)`)
  await db.sql('analyze perdure.actor')
})

async function countRowsRead({ text }: Statement, params: readonly unknown[]): Promise<number> {
  const [row] = await db.sql(`explain (analyze, format json) ${text}`, [...params])
  const [explained] = (row?.['QUERY PLAN'] ?? []) as { readonly Plan: Plan }[]
  return countIn(explained!.Plan)
}

function countIn(plan: Plan): number {
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  const own = plan['Relation Name'] === 'actor' ? (plan['Actual Rows'] + removed) * plan['Actual Loops'] : 0
  return (plan.Plans ?? []).reduce((sum, part) => sum + countIn(part), own)
}

test('a look for actors to collect that finds none reads next to nothing of those that have ended', async () => {
  const rules = JSON.stringify([{ machine: 'known', retention_ms: 24 * 3_600_000 }])
  expect(await countRowsRead(queries.collect, [rules, 500])).toBeLessThan(10)
})

test('collecting reads what it deletes', async () => {
  const rules = JSON.stringify([{ machine: 'kept', retention_ms: 24 * 3_600_000 }])
  expect(await countRowsRead(queries.collect, [rules, 100])).toBeLessThan(1_000)
  const [left] = await db.sql(`select count(*)::integer as n from perdure.actor where machine = 'kept'`)
  expect(left?.['n']).toBe(MANY - 100)
})

test('a look for rows that nobody takes reads none of the backlog but what it counts', async () => {
  const machines = JSON.stringify([{ name: 'known', version: null }])
  const read = await countRowsRead(queries.findUnknown, [machines, '["default"]', 60_000, 100])
  expect(read).toBeLessThan(1_000)
})

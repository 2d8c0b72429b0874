/** `npm start` in short: the run keeps every promise, and its checks would notice if it did not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readOrders } from '../../examples/orders/arguments.ts'
import { checkPromises, type Evidence, type Sql } from '../../examples/orders/checks.ts'
import { runOrders } from '../../examples/orders/run.ts'
import { darkScreen } from '../../examples/shared/screen.ts'
import { ArgumentError } from '../../scripts/command-line.ts'
import { testDatabase } from '../support/database.ts'

const orders = 60
const db = await testDatabase()
const sql = postgres(db.url, { onnotice: () => undefined })
const folder = await mkdtemp(join(tmpdir(), 'perdure-orders-'))
let evidence: Evidence

beforeAll(async () => {
  evidence = await runOrders({ database: db.url, sql, orders, spool: join(folder, 'mail.jsonl'), screen: darkScreen })
}, 60_000)

afterAll(async () => {
  await sql.end()
  await rm(folder, { recursive: true })
})

async function listBroken(sql: Sql): Promise<readonly string[]> {
  const checks = await checkPromises(sql, evidence)
  return checks.filter(({ isKept }) => !isKept).map(({ promised }) => promised)
}

test('a worker killed in the middle of sixty orders breaks no promise', async () => {
  expect(await listBroken(sql)).toEqual([])
})

test('both workers have made steps, and calls whose answers were lost ran again', async () => {
  const workers = await sql`select distinct worker from orders_world.step order by worker`
  expect(workers.map(({ worker }) => worker as number)).toEqual([1, 2])
  const again = await sql`select key from orders_world.call group by key having count(*) = 2`
  expect(again.length).toBeGreaterThan(0)
})

const anOrder = '(select id from perdure_orders.actor where status = $$done$$ limit 1)'

test.each([
  ['every order arrives', `update perdure_orders.actor set status = 'failed', output = null where id = ${anOrder}`],
  [
    'an accepted event is applied, once',
    `insert into perdure_orders.signal values (${anOrder}, 99, '{}', null, now())`
  ],
  ['every effect of a committed step runs', `delete from orders_world.parcel where order_no = 7`],
  ['a call that runs again keeps its key', `insert into orders_world.call values ('another key', 7, 2)`],
  [
    'a mail that is sent again keeps its key',
    `insert into orders_world.mail select kind, order_no, worker, key || '1' from orders_world.mail limit 1`
  ],
  ['no effect of a step not committed', `delete from orders_world.step where state = 'shipping' and order_no = 7`],
  [
    'versions have no gap, none is written twice',
    `insert into orders_world.step select * from orders_world.step limit 1`
  ],
  [
    'one owner at a time',
    `update orders_world.step set worker = case version when 2 then 2 else 1 end where order_no = 7`
  ],
  ['no timer fires early', `update orders_world.step set timer_at = timer_at + interval '1 minute' where order_no = 7`],
  ['another worker takes over', `update orders_world.step set worker = 1`]
])('were it broken, it would be seen: %s', async (promised, tampering) => {
  const rollback = new Error('rollback')
  const tampered = sql.begin(async (transaction) => {
    await transaction.unsafe(tampering)
    expect(await listBroken(transaction)).toContain(promised)
    throw rollback
  })
  await expect(tampered).rejects.toBe(rollback)
})

test('a count of orders that makes no sense is not understood', () => {
  expect(readOrders(['--orders', '20'])).toBe(20)
  const wrong = [
    ['--orders', 'many'],
    ['--orders', '2.5'],
    ['--orders', '0'],
    ['--orders', '1e9'],
    ['--order', '50']
  ]
  for (const args of wrong) expect(() => readOrders(args)).toThrow(ArgumentError)
})

/**
 * What `npm start` shows, from an empty schema to the evidence.
 *
 * Two processes: this one is the shop, which spawns orders and sends to them (`queues: {}`); the worker runs them. In the
 * middle the worker is killed with `kill -9`, and another takes over.
 *
 * Owns: the course of events, and the schemas `perdure_orders` and `orders_world`, which it makes anew.
 * Does not own: the database server (main.ts), what is made of the evidence (checks.ts).
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRuntime } from 'perdure'
import type { Sql } from 'postgres'
import type { Screen } from '../shared/screen.ts'
import { startWorker, type Worker } from '../shared/worker-process.ts'
import type { Evidence } from './checks.ts'
import { buyAll } from './customers.ts'
import { orderMachine } from './order-machine.ts'
import { watchProgress, type Progress } from './progress.ts'
import type { Mail } from './services.ts'
import { writeWorkerSettings, type WorkerSettings } from './worker-settings.ts'

export interface RunOptions {
  readonly database: string
  readonly sql: Sql
  readonly orders: number
  /** File for the mails of the orders; it is emptied. */
  readonly spool: string
  readonly screen: Screen
}

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
const worldFile = fileURLToPath(new URL('world.sql', import.meta.url))

/** Rejects where the run could not go on: a worker ended by itself, an order failed or did not arrive in time. */
export async function runOrders({ database, sql, orders, spool, screen }: RunOptions): Promise<Evidence> {
  const shop = createRuntime({
    database,
    schema: 'perdure_orders',
    machines: [orderMachine],
    name: 'shop',
    queues: {}
  })
  let worker: Worker | undefined
  try {
    await mkdir(dirname(spool), { recursive: true })
    await rm(spool, { force: true })
    await sql`drop schema if exists perdure_orders cascade`
    await shop.migrate()
    await sql.file(worldFile)
    await shop.start()

    worker = await startOne({ database, worker: 1, spool })
    screen.say(`worker 1 runs (process ${worker.pid})`)
    screen.say(`${orders.toLocaleString('en')} orders: every payment is told twice, every third too early`)
    const buying = buyAll(shop, orders)
    const { callsUnderWay } = await watchProgress({
      sql,
      orders,
      screen,
      needs: [worker.lost, buying],
      until: (now) => isTimeToKill(now, orders)
    })
    await worker.kill()
    const killedAt = await readClock(sql)
    screen.say(`worker 1 killed with kill -9, some ${callsUnderWay} calls to the carrier under way`, 'bad')

    worker = await startOne({ database, worker: 2, spool })
    screen.say(`worker 2 runs (process ${worker.pid})`)
    await watchProgress({
      sql,
      orders,
      screen,
      needs: [worker.lost, buying],
      until: (now) => now.shipped === orders
    })
    const tally = await buying
    await worker.stop()

    await loadMails(sql, spool)
    return { orders, tally, killedAt }
  } finally {
    await worker?.kill()
    await shop.stop({ drain: 0 })
  }
}

function startOne(settings: WorkerSettings): Promise<Worker> {
  return startWorker({ program, name: `worker ${settings.worker}`, env: writeWorkerSettings(settings) })
}

/** In the middle, while calls are under way whose answers will be lost. (Never: at the end, where the checks will tell.) */
function isTimeToKill({ shipped, callsUnderWay, callsJustBegun }: Progress, orders: number): boolean {
  const isMiddle = shipped + callsUnderWay >= orders / 2 && callsJustBegun >= Math.min(5, orders / 30)
  return isMiddle || shipped === orders
}

async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql<[{ now: Date }]>`select clock_timestamp() as now`
  return row.now
}

async function loadMails(sql: Sql, spool: string): Promise<void> {
  const lines = (await readFile(spool, 'utf8')).trimEnd().split('\n')
  const mails = lines.map((line) => JSON.parse(line) as Mail)
  await sql`
    insert into orders_world.mail (kind, order_no, worker, key)
    select kind, "orderNo", worker, key
    from json_to_recordset(${JSON.stringify(mails)}::text::json)
      as mail (kind text, "orderNo" integer, worker integer, key text)`
}

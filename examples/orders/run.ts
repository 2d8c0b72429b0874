/**
 * What `npm start` shows, from an empty schema to the table of promises.
 *
 * Two processes: this one is the shop, which spawns orders and sends to them (`queues: {}`), the worker runs them. In the
 * middle the worker is killed with `kill -9`, and another takes over.
 *
 * Owns: the course of events, and the schemas `perdure_orders` and `orders_world`, which it makes anew.
 * Does not own: the database server (main.ts), what is checked in the end (checks.ts).
 */
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createRuntime } from 'perdure'
import postgres from 'postgres'
import { checkPromises, type Check } from './checks.ts'
import { buyAll } from './customers.ts'
import { orderMachine } from './order-machine.ts'
import { watchProgress } from './progress.ts'
import type { Screen } from './screen.ts'
import type { Mail } from './services.ts'
import { startWorker } from './worker-process.ts'

export interface RunOptions {
  readonly database: string
  readonly orders: number
  /** File for the mails of the orders; it is emptied. */
  readonly spool: string
  readonly screen: Screen
}

const worldFile = fileURLToPath(new URL('world.sql', import.meta.url))

/** Resolves to what was promised and what was seen; rejects where the run itself could not go on. */
export async function runOrders({ database, orders, spool, screen }: RunOptions): Promise<readonly Check[]> {
  const sql = postgres(database, { onnotice: () => undefined })
  const shop = createRuntime({
    database,
    schema: 'perdure_orders',
    machines: [orderMachine],
    name: 'shop',
    queues: {}
  })
  let worker
  try {
    await rm(spool, { force: true })
    await sql`drop schema if exists perdure_orders cascade`
    await shop.migrate()
    await sql.file(worldFile).execute()
    await shop.start()

    worker = await startWorker({ database, worker: 1, spool })
    screen.say(`worker 1 runs (pid ${worker.pid})`)
    screen.say(`${orders} orders: every payment is told twice, every third too early`)

    const buying = buyAll(shop, orders)
    const watch = { sql, orders, screen }
    const { callsUnderWay } = await watchProgress({
      ...watch,
      needs: [worker.lost, buying],
      until: (progress) => progress.shipped >= orders / 2 && progress.callsUnderWay > 0
    })
    const killedAt = await readClock(sql)
    await worker.kill()
    screen.say(`worker 1 killed with kill -9, about ${callsUnderWay} calls to the carrier under way`, 'bad')

    worker = await startWorker({ database, worker: 2, spool })
    screen.say(`worker 2 runs (pid ${worker.pid})`)
    await watchProgress({ ...watch, needs: [worker.lost, buying], until: ({ shipped }) => shipped === orders })
    const tally = await buying
    await worker.stop()

    await loadMails(sql, spool)
    return await checkPromises({ sql, orders, tally, killedAt })
  } finally {
    await worker?.kill()
    await shop.stop({ drain: 0 })
    await sql.end()
  }
}

async function readClock(sql: postgres.Sql): Promise<Date> {
  const [row] = await sql<{ now: Date }[]>`select clock_timestamp() as now`
  return row?.now ?? new Date()
}

async function loadMails(sql: postgres.Sql, spool: string): Promise<void> {
  const lines = (await readFile(spool, 'utf8')).trimEnd().split('\n')
  const mails = lines.map((line) => JSON.parse(line) as Mail)
  await sql`
    insert into orders_world.mail (kind, order_no, worker, key)
    select kind, "orderNo", worker, key
    from json_to_recordset(${JSON.stringify(mails)}::text::json)
      as mail (kind text, "orderNo" integer, worker integer, key text)`
}

/**
 * `npm start`: orders on a real Postgres, a worker killed in the middle, and what that did to them (nothing).
 *
 *     npm start -- --orders 500
 *     DATABASE_URL=postgres://… npm start        on your server; makes the schemas perdure_orders and orders_world anew
 */
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { readArguments } from '../../scripts/command-line.ts'
import { startPostgres } from '../../scripts/postgres.ts'
import { openScreen } from '../shared/screen.ts'
import { readOrders, usage } from './arguments.ts'
import { checkPromises } from './checks.ts'
import { runOrders } from './run.ts'

const folder = fileURLToPath(new URL('../../.perdure/orders', import.meta.url))

process.exitCode = await main(readArguments(usage, readOrders)).catch((error: unknown) => {
  console.error(error)
  return 1
})

/** Resolves to the exit code: 0 where all promises were kept. */
async function main(orders: number): Promise<number> {
  const screen = openScreen()
  const given = process.env['DATABASE_URL']
  screen.say(given === undefined ? 'starting a Postgres in .perdure/orders' : 'using the Postgres of DATABASE_URL')
  const server = given === undefined ? await startPostgres({ dir: folder }) : null
  const database = server?.url ?? given ?? ''
  const sql = postgres(database, { onnotice: () => undefined })
  try {
    const evidence = await runOrders({ database, sql, orders, spool: `${folder}-mail.jsonl`, screen })
    const checks = await checkPromises(sql, evidence)
    screen.showChecks(checks)
    const broken = checks.filter(({ isKept }) => !isKept).length
    if (broken === 0) screen.say(`all ${checks.length} promises kept`, 'good')
    else screen.say(`${broken} of ${checks.length} promises broken`, 'bad')
    return broken === 0 ? 0 : 1
  } finally {
    await sql.end()
    await server?.stop()
  }
}

/**
 * `npm start`: orders on a real Postgres, a worker killed in the middle, and what that did to them (nothing).
 *
 *     npm start -- --orders 500
 *     DATABASE_URL=postgres://… npm start        uses your server; makes the schemas perdure_orders and orders_world anew
 */
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../scripts/postgres.ts'
import { runOrders } from './run.ts'
import { openScreen } from './screen.ts'

const folder = fileURLToPath(new URL('../../.perdure/orders', import.meta.url))
const spool = fileURLToPath(new URL('../../.perdure/orders-mail.jsonl', import.meta.url))

try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const orders = readOrders()
  const screen = openScreen()
  const given = process.env['DATABASE_URL']
  screen.say(given === undefined ? 'starting Postgres in .perdure/orders' : 'using the Postgres of DATABASE_URL')
  const server = given === undefined ? await startPostgres({ dir: folder }) : null
  try {
    await mkdir(fileURLToPath(new URL('.', `file://${spool}`)), { recursive: true })
    const checks = await runOrders({ database: server?.url ?? given ?? '', orders, spool, screen })
    screen.showChecks(checks)
    const broken = checks.filter(({ isKept }) => !isKept)
    if (broken.length > 0) {
      screen.say(`${broken.length} of ${checks.length} promises broken`, 'bad')
      process.exitCode = 1
    } else screen.say(`all ${checks.length} promises kept`, 'good')
  } finally {
    await server?.stop()
  }
}

function readOrders(): number {
  const { values } = parseArgs({ options: { orders: { type: 'string', default: '8000' } } })
  const orders = Number(values.orders)
  if (Number.isSafeInteger(orders) && orders >= 20 && orders <= 100_000) return orders
  throw new Error(`--orders ${values.orders}: pass a whole number from 20 to 100000`)
}

/**
 * The command line of `npm start`.
 */
import { parseArgs } from 'node:util'

export const usage = 'usage: npm start [-- --orders N], N from 20 to 100000'

/** How many orders are asked for; null where the command line is not understood. */
export function readOrders(args: readonly string[]): number | null {
  try {
    const { values } = parseArgs({ args: [...args], options: { orders: { type: 'string', default: '5000' } } })
    const orders = Number(values.orders)
    return Number.isSafeInteger(orders) && orders >= 20 && orders <= 100_000 ? orders : null
  } catch {
    return null
  }
}

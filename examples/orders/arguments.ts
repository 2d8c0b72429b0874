/**
 * The command line of `npm start`.
 */
import { count, parseFlags } from '../../scripts/command-line.ts'

export const usage = 'Usage: npm start [-- --orders N]'

/** How many orders are asked for. Throws ArgumentError. */
export function readOrders(args: readonly string[]): number {
  return parseFlags(args, { orders: count(5_000, { min: 20, max: 100_000 }) }).orders
}

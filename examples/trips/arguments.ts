/**
 * The command line of `npm run example:trips`.
 */
import { count, parseFlags, text } from '../../scripts/command-line.ts'

export const usage = 'Usage: npm run example:trips [-- --trips N --seed S]'

export interface Asked {
  readonly trips: number
  readonly seed: string
}

/** What is asked for. Throws ArgumentError. */
export function readTrips(args: readonly string[]): Asked {
  return parseFlags(args, { trips: count(200, { min: 20, max: 10_000 }), seed: text('1') })
}

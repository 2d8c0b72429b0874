/**
 * The command line of `npm run example:trips`.
 */
import { parseArgs } from 'node:util'

export const usage = 'usage: npm run example:trips [-- --trips N --seed S], N from 20 to 10000'

/** What is asked for; null where the command line is not understood. */
export function readArguments(args: readonly string[]): { readonly trips: number; readonly seed: string } | null {
  try {
    const options = { trips: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } as const
    const { values } = parseArgs({ args: [...args], options })
    const trips = Number(values.trips)
    return Number.isSafeInteger(trips) && trips >= 20 && trips <= 10_000 ? { trips, seed: values.seed } : null
  } catch {
    return null
  }
}

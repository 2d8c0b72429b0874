/**
 * The command line of the benchmarks.
 *
 * Owns: flags, their defaults and bounds. Does not own: how they are read (scripts/command-line.ts).
 */
import { count, parseCommand } from '../scripts/command-line.ts'

/** How much is measured. */
export interface Load {
  readonly rounds: number
  readonly actors: number
  /** For each actor. */
  readonly events: number
}

interface Arguments {
  /** Which benchmark; undefined: none was named. */
  readonly name: string | undefined
  readonly load: Load
}

export function readArguments(args: readonly string[]): Arguments {
  const [name] = args.filter((each) => !each.startsWith('-'))
  const usual = { rounds: 5, actors: 1_000, events: 20, ...ofItsOwn[name ?? ''] }
  const flags = {
    rounds: count(usual.rounds, { max: 100 }),
    actors: count(usual.actors, { max: Math.max(10_000, usual.actors) }),
    events: count(usual.events, { max: 1_000 })
  }
  const { names, values } = parseCommand(args, flags, 1)
  return { name: names[0], load: values }
}

/** What is measured by its size, or by what becomes of it in time. */
const ofItsOwn: Readonly<Record<string, Partial<Load>>> = {
  children: { actors: 10_000 },
  timers: { actors: 100_000, rounds: 3 },
  'old-transaction': { rounds: 20, events: 200 }
}

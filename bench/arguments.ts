/**
 * The command line of the benchmarks.
 *
 * Owns: flags, their defaults and bounds. Does not own: how they are read (scripts/command-line.ts).
 */
import { ArgumentError, count, namesIn, parseCommand, type Flag } from '../scripts/command-line.ts'

/** How much is measured. */
export interface Load {
  readonly rounds: number
  readonly actors: number
  /** For each actor. */
  readonly events: number
}

type LoadFlags = { readonly [Name in keyof Load]: Flag<number> }

/** null: nothing is asked for. Throws ArgumentError where it is none of `known`. */
export function readBenchmark<Name extends string>(
  args: readonly string[],
  known: readonly Name[]
): { readonly name: Name; readonly load: Load } | null {
  if (args.length === 0) return null
  const [given] = namesIn(args, flagsOf({}))
  const name = known.find((each) => each === given)
  if (name === undefined) {
    const problem = given === undefined ? 'No benchmark is named' : `There is no benchmark '${given}'`
    throw new ArgumentError(`${problem}. There are: ${known.join(', ')}.`)
  }
  return { name, load: parseCommand(args, flagsOf(ofItsOwn[name] ?? {}), 1).values }
}

function flagsOf(own: Partial<Load>): LoadFlags {
  const usual = { rounds: 5, actors: 1_000, events: 20, ...own }
  return {
    rounds: count(usual.rounds, { max: 100 }),
    actors: count(usual.actors, { max: Math.max(10_000, usual.actors) }),
    events: count(usual.events, { max: 1_000 })
  }
}

/** What is measured by its size, or by what becomes of it in time. */
const ofItsOwn: Readonly<Record<string, Partial<Load>>> = {
  children: { actors: 10_000 },
  timers: { actors: 100_000, rounds: 3 },
  'old-transaction': { rounds: 20, events: 200 }
}

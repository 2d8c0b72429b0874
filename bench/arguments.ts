/**
 * The command line of the benchmarks.
 *
 * Owns: flags, their defaults and bounds. An argument that cannot be used is refused, never guessed at.
 */
import { parseArgs } from 'node:util'

/** How much is measured. */
export interface Load {
  readonly rounds: number
  readonly actors: number
  /** For each actor. */
  readonly events: number
}

/** The message says which argument is wrong and what would be right. */
export class ArgumentError extends Error {}

interface Arguments {
  /** Which benchmark; undefined: none was named. */
  readonly name: string | undefined
  readonly load: Load
}

export function readArguments(args: readonly string[]): Arguments {
  const { positionals, values } = parse(args)
  if (positionals.length > 1) throw new ArgumentError(`One benchmark at a time, not ${positionals.join(' and ')}.`)
  return {
    name: positionals[0],
    load: {
      rounds: readCount('rounds', values.rounds, 100),
      actors: readCount('actors', values.actors ?? defaultActors(positionals[0]), 10_000),
      events: readCount('events', values.events, 1_000)
    }
  }
}

/** A fan-out is measured by its size. */
const defaultActors = (name: string | undefined): string => (name === 'children' ? '10000' : '1000')

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        actors: { type: 'string' },
        events: { type: 'string', default: '20' }
      }
    })
  } catch (error) {
    throw new ArgumentError((error as Error).message)
  }
}

function readCount(flag: string, text: string, max: number): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= max) return count
  throw new ArgumentError(`--${flag} is '${text}'. Give a whole number from 1 to ${max.toLocaleString('en-US')}.`)
}

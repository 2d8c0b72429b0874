/**
 * The command lines of the project's own commands: flags with a value each, their defaults and bounds.
 *
 *     const usage = 'Usage: npm run fly -- [--runs N] [--seed S]'
 *     const { runs, seed } = readCommandLine(usage, { runs: count(1_000, { max: 1_000_000 }), seed: seed() })
 *
 * Owns: how a flag is read, and refused: one line that says which is wrong and what would be right, and exit code 2; what is said to
 * `--help` and `-h`. A usage begins with a line that says how the command is called.
 *
 * Invariant
 * 1. An argument that cannot be used is refused, never guessed at, and before anything is begun.
 */
import { parseArgs } from 'node:util'

/** The message says which argument is wrong and what would be right. */
export class ArgumentError extends Error {}

/** `read` is handed the flag as it is written, and throws ArgumentError. Without `read` the flag takes no value. */
export interface Flag<Value> {
  readonly fallback: Value
  readonly read?: (flag: string, text: string) => Value
}

export type Flags = Readonly<Record<string, Flag<unknown>>>
export type Values<Given extends Flags> = {
  readonly [Name in keyof Given]: Given[Name] extends Flag<infer Value> ? Value : never
}

/** A whole number. */
export function count(
  fallback: number,
  { min = 1, max }: { readonly min?: number; readonly max: number }
): Flag<number> {
  return {
    fallback,
    read: (flag, text) => {
      const number = Number(text)
      if (/^\d+$/.test(text) && number >= min && number <= max) return number
      throw new ArgumentError(
        `${flag} is '${text}'. Give a whole number from ${min} to ${max.toLocaleString('en-US')}.`
      )
    }
  }
}

/** Of chance. Default: another one each time. */
export const seed = (): Flag<number> => count(Math.floor(Math.random() * 2 ** 30), { min: 0, max: 2 ** 31 - 1 })

/** A number above 0, with a fraction or without. */
export function amount(fallback: number, { max }: { readonly max: number }): Flag<number> {
  return {
    fallback,
    read: (flag, text) => {
      const number = Number(text)
      if (/^\d+(\.\d+)?$/.test(text) && number > 0 && number <= max) return number
      throw new ArgumentError(`${flag} is '${text}'. Give a number above 0 and up to ${max.toLocaleString('en-US')}.`)
    }
  }
}

/** One of these. */
export function choice<Name extends string, Fallback extends Name | undefined>(
  names: readonly Name[],
  fallback: Fallback
): Flag<Name | Fallback> {
  return {
    fallback,
    read: (flag, text) => {
      const name = names.find((each) => each === text)
      if (name !== undefined) return name
      throw new ArgumentError(`${flag} is '${text}'. Give one of: ${names.join(', ')}.`)
    }
  }
}

/** Part of the name of at least one of these. */
export function partOf(names: readonly string[]): Flag<string | undefined> {
  return {
    fallback: undefined,
    read: (flag, text) => {
      if (text !== '' && names.some((name) => name.includes(text))) return text
      throw new ArgumentError(`${flag} is '${text}'. Give a part of one of: ${names.join(', ')}.`)
    }
  }
}

/** Whatever it is. */
export const text = (fallback: string): Flag<string> => ({ fallback, read: (_, given) => given })

/** Is there, or is not. */
export const mark = (): Flag<boolean> => ({ fallback: false })

/** Throws ArgumentError. */
export function parseFlags<Given extends Flags>(args: readonly string[], flags: Given): Values<Given> {
  return parseCommand(args, flags, 0).values
}

/** The arguments that are no flags, nor values of flags. Throws ArgumentError. */
export function namesIn(args: readonly string[], flags: Flags): readonly string[] {
  return parse(args, flags).positionals
}

/** With up to so many arguments that are no flags. Throws ArgumentError. */
export function parseCommand<Given extends Flags>(
  args: readonly string[],
  flags: Given,
  maxNames: number
): { readonly names: readonly string[]; readonly values: Values<Given> } {
  const { values, positionals } = parse(args, flags)
  const [extra] = positionals.slice(maxNames)
  if (extra !== undefined) throw new ArgumentError(`'${extra}' is too much. ${tellKnown(flags)}`)
  const read = Object.entries(flags).map(([name, { fallback, read }]) => {
    const given = values[name]
    if (given === undefined) return [name, fallback]
    return [name, typeof given === 'string' && read ? read(`--${name}`, given) : given]
  })
  return { names: positionals, values: Object.fromEntries(read) as Values<Given> }
}

function parse(args: readonly string[], flags: Flags) {
  const options = Object.entries(flags).map(
    ([name, { read }]) => [name, { type: read ? 'string' : 'boolean' }] as const
  )
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: Object.fromEntries(options) })
  } catch (error) {
    const [said] = (error as Error).message.split(/\.\s/)
    throw new ArgumentError(`${said}. ${tellKnown(flags)}`)
  }
}

const tellKnown = (flags: Flags): string => {
  const names = Object.keys(flags).map((name) => `--${name}`)
  return names.length > 0 ? `Known: ${names.join(', ')}.` : 'It takes no arguments.'
}

/** The flags that the process was called with, as `readArguments` does. */
export function readCommandLine<Given extends Flags>(usage: string, flags: Given): Values<Given> {
  return readArguments(usage, (args) => parseFlags(args, flags))
}

/**
 * What the process was called with, as `read` understands it. Where it is asked for help, says `usage` and ends with exit code 0; where
 * `read` throws ArgumentError, says so in one line and ends with exit code 2.
 */
export function readArguments<Read>(usage: string, read: (args: readonly string[]) => Read): Read {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  try {
    return read(args)
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    const [called] = usage.split('\n')
    process.stderr.write(`${error.message.replaceAll('\n', ' ')} ${called}\n`)
    process.exit(2)
  }
}

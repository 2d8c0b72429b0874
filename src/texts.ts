/**
 * Texts that go into columns, and looking at what nobody knows yet: the arguments that the core reads, too, so that nothing but errors
 * stands below.
 *
 * Owns: how long a text may be, and what is in it. Does not own: other arguments (plain-arguments.ts).
 */
import { InvalidArgumentError } from './errors.ts'

const LONE_SURROGATE = /\p{Surrogate}/u
/** Postgres indexes 2,704 bytes in all: a text alone, or names together (queue, machine, version). */
const MAX_TEXT_BYTES = 1024
const MAX_NAME_BYTES = 512

/** What `look` sees of something that a caller gave. Throws InvalidArgumentError where that throws when it is looked at. */
export function lookAt<Seen>(argument: string, remedy: string, look: () => Seen): Seen {
  try {
    return look()
  } catch {
    throw new InvalidArgumentError(argument, 'throws when it is read', remedy)
  }
}

/** A text that goes into a column, and into an index: not empty, not endless, nothing that Postgres cannot hold. */
export function readText(argument: string, value: unknown): string {
  return readWithin(argument, value, MAX_TEXT_BYTES)
}

/** A text that shares an index with others of its kind: of a machine, a version, a queue, a limit. */
export function readName(argument: string, value: unknown): string {
  return readWithin(argument, value, MAX_NAME_BYTES)
}

function readWithin(argument: string, value: unknown, maxBytes: number): string {
  const isText = typeof value === 'string' && value.length > 0 && value.length <= maxBytes
  const isStorable = isText && !value.includes('\0') && !LONE_SURROGATE.test(value)
  if (isStorable && Buffer.byteLength(value) <= maxBytes) return value
  throw new InvalidArgumentError(
    argument,
    `is no usable text`,
    `Pass well-formed Unicode without NUL, 1 to ${maxBytes} bytes of UTF-8`
  )
}

/**
 * What `start` and `migrate` reject with where the database is away, or refuses them.
 *
 * Owns: the words for these two. Does not own: refusals that any call may meet (persistence/refusals.ts).
 */
import { PerdureError, StoreUnavailableError } from './errors.ts'
import { findRefusal, inBrackets, readCode, StoreRefusedError } from './persistence/refusals.ts'
import { classifyError } from './persistence/transient-errors.ts'

/** The calls that reach for the database first. */
export type Opening = 'start()' | 'migrate()'

/** What becomes of an error that such a call met. Errors of ours stay as they are. */
export function describeRefusal(operation: Opening, schema: string, error: unknown): PerdureError {
  if (error instanceof PerdureError) return error
  const code = readCode(error)
  if (classifyError(error) === 'fatal') {
    const grants =
      operation === 'start()'
        ? `Grant it usage on schema '${schema}', and select, insert, update and delete on all tables in it`
        : `Call migrate() as one who may create schemas in this database, or who owns schema '${schema}'`
    const unknown = { problem: 'the database, or its client, refused', remedy: 'Change what it objects to' }
    const { problem, remedy } = findRefusal(grants, code, error) ?? unknown
    return new StoreRefusedError(operation, problem, remedy, code, error)
  }
  const result = operation === 'start()' ? 'nothing runs' : 'what was applied before stays'
  const remedy = 'Check that it is up and takes writes, and that `database` leads to it'
  const words = `${inBrackets(code)}; ${result}. ${remedy}; then call ${operation} again. See cause.`
  return new StoreUnavailableError(operation, error, words)
}

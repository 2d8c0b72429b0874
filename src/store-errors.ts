/**
 * What `start` and `migrate` reject with where the database is away, or refuses them.
 *
 * Owns: which remedy belongs to which refusal. Does not own: whether an error of the database may pass
 * (persistence/transient-errors.ts).
 *
 * Invariants: those of errors.ts, and
 * 1. `cause` is what the database's client said, untouched. A message holds no more of it than its code.
 */
import { PerdureError, StoreUnavailableError } from './errors.ts'
import { classifyError } from './persistence/transient-errors.ts'

/** The calls that reach for the database first. */
export type Opening = 'start()' | 'migrate()'

/** The database, or its client, refused `start` or `migrate`, and will again until something is changed. */
export class StoreRefusedError extends PerdureError {
  readonly _tag = 'StoreRefusedError'
  /** As Postgres or the client gave it, e.g. `28P01`; null where there was none. */
  readonly code: string | null
  constructor(operation: string, problem: string, remedy: string, code: string | null, cause: unknown) {
    super(`${operation}: ${problem}${inBrackets(code)}. ${remedy}; see cause.`, { cause })
    this.code = code
  }
}

const inBrackets = (code: string | null): string => (code === null ? '' : ` (${code})`)

interface ErrorLike {
  readonly code?: unknown
  readonly message?: unknown
}

/** What becomes of an error that such a call met. Errors of ours stay as they are. */
export function describeRefusal(operation: Opening, schema: string, error: unknown): PerdureError {
  if (error instanceof PerdureError) return error
  const code = readCode(error)
  if (classifyError(error) === 'fatal') {
    const { problem, remedy } = findRefusal(operation, schema, code, error)
    return new StoreRefusedError(operation, problem, remedy, code, error)
  }
  const result = operation === 'start()' ? 'nothing runs' : 'what was applied before stays'
  const remedy = 'Check that it is up and takes writes, and that `database` leads to it'
  const words = `${inBrackets(code)}; ${result}. ${remedy}; then call ${operation} again. See cause.`
  return new StoreUnavailableError(operation, error, words)
}

function findRefusal(
  operation: Opening,
  schema: string,
  code: string | null,
  error: unknown
): { readonly problem: string; readonly remedy: string } {
  if (code?.startsWith('28') || isWithoutPassword(error)) {
    const remedy = 'Check the user and the password in `database`, and whom the server lets in (pg_hba.conf)'
    return { problem: 'the database does not let this user in', remedy }
  }
  if (code === '3D000') {
    return { problem: 'the server has no such database', remedy: 'Create it, or correct its name in `database`' }
  }
  if (code === '42501') {
    const remedy =
      operation === 'start()'
        ? `Grant it usage on schema '${schema}', and select, insert, update and delete on all tables in it`
        : `Call migrate() as one who may create schemas in this database, or who owns schema '${schema}'`
    return { problem: 'the user in `database` lacks a right', remedy }
  }
  return { problem: 'the database, or its client, refused', remedy: 'Change what it objects to' }
}

function readCode(error: unknown): string | null {
  const code = (error as ErrorLike | null | undefined)?.code
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : null
}

/** What pg itself says where the server asks for a password and it was given none. */
const isWithoutPassword = (error: unknown): boolean =>
  String((error as ErrorLike | null | undefined)?.message).startsWith('SASL: ')

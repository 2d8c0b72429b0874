/**
 * What the database refuses everybody: whom it lets in, to which database, and what it lets them do there.
 *
 * Owns: which remedy belongs to which refusal. Does not own: whether an error may pass (transient-errors.ts).
 *
 * Invariants: those of errors.ts, and
 * 1. `cause` is what the database's client said, untouched. A message holds no more of it than its code.
 */
import { PerdureError } from '../errors.ts'
import { isUndefinedTable } from './transient-errors.ts'

/** The database, or its client, refused a call, and will again until something is changed. Nothing was stored. */
export class StoreRefusedError extends PerdureError {
  readonly _tag = 'StoreRefusedError'
  /** As Postgres or the client gave it, e.g. `28P01`; null where there was none. */
  readonly code: string | null
  constructor(operation: string, problem: string, remedy: string, code: string | null, cause: unknown) {
    super(`${operation}: ${problem}${inBrackets(code)}. ${remedy}; see cause.`, { cause })
    this.code = code
  }
}

export const inBrackets = (code: string | null): string => (code === null ? '' : ` (${code})`)

interface ErrorLike {
  readonly code?: unknown
  readonly message?: unknown
}

/** What becomes of a refusal that a call met later: typed where it is one of everybody, else as it came, for it may be one of its own. */
export function describeRefusedCall(operation: string, error: unknown): unknown {
  const code = readCode(error)
  const refusal = findRefusal(GRANTS, code, error)
  return refusal ? new StoreRefusedError(operation, refusal.problem, refusal.remedy, code, error) : error
}

const GRANTS = 'Grant it usage on the schema of perdure, and select, insert, update and delete on all tables in it'

export interface Refusal {
  readonly problem: string
  readonly remedy: string
}

/** Of those that everybody meets. `grants`: the remedy for a right that is missing. */
export function findRefusal(grants: string, code: string | null, error: unknown): Refusal | null {
  if (code?.startsWith('28') || isWithoutPassword(error)) {
    const remedy = 'Check the user and the password in `database`, and whom the server lets in (pg_hba.conf)'
    return { problem: 'the database does not let this user in', remedy }
  }
  if (code === '3D000') {
    return { problem: 'the server has no such database', remedy: 'Create it, or correct its name in `database`' }
  }
  if (code === '42501') return { problem: 'the user in `database` lacks a right', remedy: grants }
  if (isUndefinedTable(error)) {
    return { problem: 'its tables are not in the database', remedy: 'Call migrate(), or correct `schema`' }
  }
  return null
}

export function readCode(error: unknown): string | null {
  const code = (error as ErrorLike | null | undefined)?.code
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : null
}

/** What pg itself says where the server asks for a password and it was given none. */
const isWithoutPassword = (error: unknown): boolean =>
  String((error as ErrorLike | null | undefined)?.message).startsWith('SASL: ')

/**
 * Connections lent to code of the user's, which may do to the session what it likes.
 *
 * Owns: whether a connection that comes back may be used again. Does not own: connections (pg.ts, postgres.ts).
 *
 * Invariants
 * 1. Nobody meets what the code has left on the session (sql/queries/session_state.sql): such a connection is closed. Settings of an
 *    application's own, which no server lists, are reset, except in a pool of the user's, who may have made them as it connected.
 * 2. A connection whose transaction was given up is closed at once: the code may still use it, and nobody can stop that.
 * 3. Nobody waits for the look at what is left: it comes after the answer.
 */
import { AbandonedError } from '../transient-errors.ts'
import type { Queryable, Tidying, Transactor } from './driver.ts'

export interface Loan extends Queryable, Transactor {
  /** The same object each time that the connection is lent. */
  readonly connection: object
  /** false: what was set on it by statements may be its owner's. */
  readonly mayReset: boolean
  /** Takes the connection back, to be used again, or to be closed. */
  end(isSpoiled: boolean): void
}

/** How each session was when its connection was first lent. */
const states = new WeakMap<object, unknown>()

/** `tidying: null`: the session is not ours to keep clean. */
export async function lend<Result>(
  loan: Loan,
  tidying: Tidying | null,
  work: (tx: Queryable, client: unknown) => Promise<Result>
): Promise<Result> {
  try {
    if (tidying && !states.has(loan.connection)) states.set(loan.connection, await askState(loan, tidying))
    const result = await loan.transact(work)
    void takeBack(loan, tidying)
    return result
  } catch (error) {
    if (error instanceof AbandonedError) loan.end(true)
    else void takeBack(loan, tidying)
    throw error
  }
}

/** Never rejects. */
async function takeBack(loan: Loan, tidying: Tidying | null): Promise<void> {
  try {
    const isSpoiled = tidying !== null && (await askState(loan, tidying)) !== states.get(loan.connection)
    if (tidying !== null && loan.mayReset && !isSpoiled) await loan.query(tidying.resetSession, [])
    loan.end(isSpoiled)
  } catch {
    loan.end(true)
  }
}

async function askState(loan: Loan, { sessionState }: Tidying): Promise<unknown> {
  const [row] = await loan.query(sessionState, [])
  return row?.['state']
}

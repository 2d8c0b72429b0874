/**
 * Connections lent to code of the user's, which may do to the session what it likes.
 *
 * Owns: whether a connection that comes back may be used again. Does not own: connections (pg.ts, postgres.ts).
 *
 * Invariants
 * 1. Nobody meets what the code has left on the session (sql/queries/session_state.sql): such a connection is closed.
 * 2. A connection whose transaction was given up is closed at once: the code may still use it, and nobody can stop that.
 * 3. Nobody waits for the look at what is left: it comes after the answer.
 */
import type { Statement } from '../queries.ts'
import { AbandonedError } from '../transient-errors.ts'
import type { Queryable, Transactor } from './driver.ts'

export interface Loan extends Queryable, Transactor {
  /** The same object each time that the connection is lent. */
  readonly connection: object
  /** Takes the connection back, to be used again, or to be closed. */
  end(isSpoiled: boolean): void
}

/** How each session was when its connection was first lent. */
const states = new WeakMap<object, unknown>()

/** `state`: asks for what is left on the session; null: the session is not ours to keep clean. */
export async function lend<Result>(
  loan: Loan,
  state: Statement | null,
  work: (tx: Queryable, client: unknown) => Promise<Result>
): Promise<Result> {
  try {
    if (state && !states.has(loan.connection)) states.set(loan.connection, await askState(loan, state))
    const result = await loan.transact(work)
    void takeBack(loan, state)
    return result
  } catch (error) {
    if (error instanceof AbandonedError) loan.end(true)
    else void takeBack(loan, state)
    throw error
  }
}

/** Never rejects. */
async function takeBack(loan: Loan, state: Statement | null): Promise<void> {
  try {
    loan.end(state !== null && (await askState(loan, state)) !== states.get(loan.connection))
  } catch {
    loan.end(true)
  }
}

async function askState(loan: Loan, state: Statement): Promise<unknown> {
  const [row] = await loan.query(state, [])
  return row?.['state']
}

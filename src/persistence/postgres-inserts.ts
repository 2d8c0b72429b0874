/**
 * Bringing actors into being on Postgres, within a transaction or by itself.
 *
 * Owns: what becomes of a batch in which some wait for somebody else's transaction. Does not own: SQL, when those are tried again
 * (group-commit.ts).
 *
 * Invariant
 * 1. Who wants a key that a transaction is taking waits for that transaction; others of its batch wait only until it is found out who does.
 */
import type { Queryable } from './drivers/driver.ts'
import { toDocument, toInsertEntry, toInsertResult } from './postgres-rows.ts'
import type { Queries } from './queries.ts'
import { askUntilTold, SecondLookError } from './second-looks.ts'
import type { InsertResult, Locked, NewActor } from './store.ts'
import { isLockTimeout } from './transient-errors.ts'

const waitMax = '500ms'
/** Once somebody is known to wait, it is found out who. */
const shortWaitMax = '10ms'

/** `wait`: how long a key that a transaction is taking is waited for, as Postgres has it; null: as the transaction has it. */
export function insertActors(
  database: Queryable,
  { insert }: Queries,
  actors: readonly NewActor[],
  wait: string | null
): Promise<readonly InsertResult[]> {
  return askUntilTold(actors, async (asked) => {
    const rows = await database.query(insert, [toDocument(asked, toInsertEntry), wait])
    return rows.map(toInsertResult)
  })
}

export async function insertUnlessLocked(
  database: Queryable,
  queries: Queries,
  actors: readonly NewActor[],
  wait = waitMax
): Promise<readonly (InsertResult | Locked)[]> {
  try {
    return await insertActors(database, queries, actors, wait)
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    if (actors.length === 1) return [{ kind: 'locked' }]
    // Nothing was written, and nobody can see what is not committed yet: halves tell who waits.
    const half = Math.ceil(actors.length / 2)
    const first = await insertUnlessLocked(database, queries, actors.slice(0, half), shortWaitMax)
    const rest = insertUnlessLocked(database, queries, actors.slice(half), shortWaitMax)
    const second = await rest.catch((error: unknown) => {
      throw new SecondLookError('a half of the actors stands, the other failed', error)
    })
    return [...first, ...second]
  }
}

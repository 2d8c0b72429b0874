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
/** And no longer: who has not been looked into by then comes again with the next batch. */
const SEARCH_MS = 500

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
  actors: readonly NewActor[]
): Promise<readonly (InsertResult | Locked)[]> {
  try {
    return await insertActors(database, queries, actors, waitMax)
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    // Nothing was written, and nobody can see what is not committed yet: halves tell who waits.
    return insertHalves(database, queries, actors, performance.now() + SEARCH_MS)
  }
}

async function insertHalves(
  database: Queryable,
  queries: Queries,
  actors: readonly NewActor[],
  untilMs: number
): Promise<readonly (InsertResult | Locked)[]> {
  const locked = actors.map((): Locked => ({ kind: 'locked' }))
  if (actors.length === 1) return locked
  const half = Math.ceil(actors.length / 2)
  const halves = [actors.slice(0, half), actors.slice(half)]
  const results: (InsertResult | Locked)[] = []
  // In order: of two in one batch that want the same key the first has it.
  for (const [n, some] of halves.entries()) {
    if (performance.now() > untilMs) return [...results, ...locked.slice(results.length)]
    const inserted = insertActors(database, queries, some, shortWaitMax).catch((error: unknown) => {
      if (!isLockTimeout(error)) throw error
      return insertHalves(database, queries, some, untilMs)
    })
    const answers = await inserted.catch((error: unknown) => {
      throw n === 0 ? error : new SecondLookError('a half of the actors stands, the other failed', error)
    })
    results.push(...answers)
  }
  return results
}

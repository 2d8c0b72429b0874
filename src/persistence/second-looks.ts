/**
 * A statement run again because of a race that it lost.
 *
 * Owns: how often, and what a second look that fails means. Does not own: statements.
 */
import { isUniqueViolation } from './transient-errors.ts'

/** A race that is lost so often in a row is no race. */
const looksMax = 20

/** Asks again for the entries of which a statement could not tell, because they were moved while it ran. */
export async function askUntilTold<Entry, Result>(
  entries: readonly Entry[],
  ask: (asked: readonly Entry[]) => Promise<readonly (Result | undefined)[]>
): Promise<readonly Result[]> {
  const results: Result[] = []
  let untold = [...entries.keys()]
  for (let look = 1; untold.length > 0; look += 1) {
    if (look > looksMax) throw new SecondLookError('the rows did not stand still', undefined)
    const asked = untold.map((place) => entries[place] as Entry)
    const answers = await ask(asked).catch((error: unknown) => {
      throw look === 1 ? error : new SecondLookError('the second look failed', error)
    })
    for (const [n, place] of untold.entries()) {
      const answer = answers[n]
      if (answer !== undefined) results[place] = answer
    }
    untold = untold.filter((_, n) => answers[n] === undefined)
  }
  return results
}

/** What the first look did stands: as a whole the operation is neither done nor undone. */
export class SecondLookError extends Error {
  /** Postgres for "statement completion unknown", by which transient-errors.ts knows it. */
  readonly code = '40003'
  constructor(message: string, cause: unknown) {
    super(message, { cause })
  }
}

/** Runs a statement, and again where what someone else committed meanwhile collides with it: it then sees that. */
export async function runUntilSeen<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let look = 1; ; look += 1) {
    try {
      return await run()
    } catch (error) {
      if (!isUniqueViolation(error) || look === looksMax) throw error
    }
  }
}

/** The same for a batch: someone else committed one of its dedup keys. */
export async function runUntilKeysAreSeen<Entry, Result>(
  entries: readonly Entry[],
  run: (batch: readonly Entry[]) => Promise<readonly Result[]>
): Promise<readonly Result[]> {
  return entries.length === 0 ? [] : runUntilSeen(() => run(entries))
}

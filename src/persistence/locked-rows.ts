/**
 * A batch whose statement gave up waiting for rows that somebody else keeps locked: run again without those.
 *
 * Owns: telling which they are. Does not own: the bound on the wait (the statements), when they are tried again (group-commit.ts).
 */
import type { Locked } from './store.ts'
import { isLockTimeout } from './transient-errors.ts'

/**
 * Answers in the order of the requests. `findLocked`: which of some actors others keep locked at this moment.
 * Throws what `run` throws; a timeout too, where nobody is locked any more.
 */
export async function runUnlessLocked<Request, Result>(
  requests: readonly Request[],
  idOf: (request: Request) => string,
  run: (requests: readonly Request[]) => Promise<readonly Result[]>,
  findLocked: (ids: readonly string[]) => Promise<ReadonlySet<unknown>>
): Promise<readonly (Result | Locked)[]> {
  try {
    return await run(requests)
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    // Nothing was written. The others need not wait for whoever is locked.
    const locked = await findLocked(requests.map(idOf))
    if (locked.size === 0) throw error
    const free = requests.filter((request) => !locked.has(idOf(request)))
    const results = (await runUnlessLocked(free, idOf, run, findLocked)).values()
    return requests.map((request) =>
      locked.has(idOf(request)) ? { kind: 'locked' } : (results.next().value as Result | Locked)
    )
  }
}

/** What counts as the same answer of two stores, and what to say where it is not. */
import { isDeepStrictEqual } from 'node:util'

const UNORDERED = new Set(['dedupKeys', 'owners', 'nodes', 'undelivered'])
const TIMES = new Set(['wakeAt', 'createdAt', 'sentAt'])
const MINUTE_MS = 60_000

/** With times as they stand to the clock of their store, past or future, and without what is promised in no order, or not exactly. */
export function comparable(value: unknown, now: number): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, of: unknown) => {
      if (TIMES.has(key) && typeof of === 'number') return of <= now ? 'past' : 'future'
      if (key === 'nextDueInMs' && typeof of === 'number') return of < MINUTE_MS ? 'soon' : 'later'
      if (UNORDERED.has(key) && Array.isArray(of))
        return (of as readonly unknown[]).map((owner) => JSON.stringify(owner)).toSorted()
      return key === 'wakesRows' || key === 'contended' ? undefined : of
    }) ?? 'null'
  )
}

/** What differs, where it does: lists and objects are gone into. */
export function tellDifference(inMemory: unknown, inDatabase: unknown, path = ''): string {
  const isNested = [inMemory, inDatabase].every((value) => typeof value === 'object' && value !== null)
  if (!isNested) return `${path}: in memory ${JSON.stringify(inMemory)}, in the database ${JSON.stringify(inDatabase)}`
  const [left, right] = [inMemory, inDatabase] as Record<string, unknown>[]
  return Object.keys({ ...left, ...right })
    .filter((key) => !isDeepStrictEqual(left?.[key], right?.[key]))
    .map((key) => tellDifference(left?.[key], right?.[key], `${path}/${key}`))
    .join('\n')
}

/**
 * What a janitor asks of the store in memory: what is old, and what nobody takes.
 *
 * Owns: those choices. Does not own: rows (memory-rows.ts), removing them (memory-store.ts), the clock.
 */
import { holdsKey, isRunnable, type StoredActor } from './memory-rows.ts'
import type { Pick, Retention, UnknownRows, UnknownSearch } from './store.ts'

/** Forgets dedup keys that were seen before a time, up to a limit; answers how many. */
export function purgeKeys(rows: Iterable<StoredActor>, before: number, limit: number): number {
  let purged = 0
  for (const { dedup } of rows) {
    for (const [key, seenAt] of dedup) {
      if (purged === limit) return purged
      if (seenAt < before && dedup.delete(key)) purged += 1
    }
  }
  return purged
}

/** Actors that have ended and may go, the oldest first. */
export function listCollectable(
  rows: Iterable<StoredActor>,
  retentions: readonly Retention[],
  now: number
): readonly StoredActor[] {
  const isOld = ({ machine, endedAt }: StoredActor): boolean =>
    retentions.some((rule) => rule.machine === machine && endedAt !== null && endedAt < now - rule.retentionMs)
  const all = [...rows]
  const living = new Set(all.filter(({ endedAt }) => endedAt === null).map(({ id }) => id))
  const isKept = (row: StoredActor): boolean => holdsKey(row) || (row.parent !== null && living.has(row.parent.id))
  return all.filter((row) => isOld(row) && !isKept(row)).toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
}

/** What ought to have run before a time, and is of none of the machines asked for, by machine and version. */
export function countUnknown(
  rows: Iterable<StoredActor>,
  { machines, queues }: UnknownSearch,
  before: number
): readonly UnknownRows[] {
  const counts = new Map<string, UnknownRows>()
  for (const row of rows) {
    const hasWaited = isRunnable(row, before) && (row.wakeAt ?? 0) <= before
    if (!hasWaited || !queues.includes(row.queue) || isOneOf(machines, row)) continue
    const { machine, machineVersion: version } = row
    const name = JSON.stringify([machine, version])
    counts.set(name, { machine, version, count: (counts.get(name)?.count ?? 0) + 1 })
  }
  return [...counts.values()]
}

export function isOneOf(machines: Pick['machines'], { machine, machineVersion }: StoredActor): boolean {
  return machines.some(({ name, version }) => machine === name && machineVersion === version)
}

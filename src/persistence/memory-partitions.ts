/**
 * Whose turn it is among the rows of one partition, in the store in memory.
 *
 * Owns: that choice. Does not own: rows (memory-rows.ts), leasing them (memory-store.ts).
 */
import type { StoredActor } from './memory-rows.ts'

export interface Turns {
  /** May be leased, in order. */
  readonly rows: readonly StoredActor[]
  /** Would run but for others of their partition, and are put aside for that. */
  readonly contended: readonly StoredActor[]
}

/** Up to `limit` of the rows that are to run, given in order: of a partition that nobody has, the first. */
export function takeTurns(toRun: readonly StoredActor[], all: readonly StoredActor[], limit: number): Turns {
  const taken = new Set(all.flatMap((row) => (row.owner === null ? [] : (row.partitionKey ?? []))))
  const [rows, contended] = [[] as StoredActor[], [] as StoredActor[]]
  for (const row of toRun) {
    if (rows.length === limit) break
    if (row.partitionKey === null || !taken.has(row.partitionKey)) rows.push(row)
    else if (!row.isPutAside) contended.push(row)
    if (row.partitionKey !== null) taken.add(row.partitionKey)
  }
  return { rows, contended }
}

/** Another of its partition is leased, or is ready and comes first. */
export function isBehind(row: StoredActor, all: readonly StoredActor[], now: number): boolean {
  const { partitionKey, priority, owner } = row
  if (partitionKey === null || owner !== null) return false
  const readySince = row.status === 'ready' ? (row.wakeAt ?? now) : now
  const comesFirst = (other: StoredActor): boolean =>
    other.status === 'ready' && (other.priority - priority || (other.wakeAt ?? now) - readySince) < 0
  return all.some((other) => other.partitionKey === partitionKey && (other.owner !== null || comesFirst(other)))
}

/** It is looked at again when its partition is free. */
export function putAside(row: StoredActor): void {
  row.isPutAside = true
  row.status = 'ready'
}

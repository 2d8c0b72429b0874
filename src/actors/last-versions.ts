/**
 * The versions at which this process had its actors last, for the day on which the database comes back without its last commits:
 * a row that is read later, and is behind, has gone back.
 *
 * Owns: remembering, of those that left last, and telling a row that went back from others. Does not own: reading rows
 * (watcher.ts, engine.ts), what follows (observers.ts).
 *
 * Invariants
 * 1. Only versions that were committed are remembered, and no more than MAX_KEPT: what a database loses are its last commits.
 * 2. A row is told once. One that was created later is another actor of that id, and tells nothing.
 */
export interface Last {
  readonly id: string
  readonly machine: string
  readonly version: number
  /** Not earlier than the moment at which it was known, by the database's clock. */
  readonly atMs: number
}

type Found = { readonly version: number; readonly createdAt: number }

const MAX_KEPT = 2_000
/** Commits that a failover loses are of seconds, rows that are collected have ended long ago: of those nothing is told. */
const LATELY_MS = 5 * 60_000

export class LastVersions {
  /** The one that left longest ago comes first. */
  readonly #kept = new Map<string, Last>()
  /** What was noted from then on is worth a look; null: nothing is. */
  #suspectSinceMs: number | null = null

  note(last: Last): void {
    this.#kept.delete(last.id)
    this.#kept.set(last.id, last)
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string)
  }

  forget(id: string): void {
    this.#kept.delete(id)
  }

  /** The lease was lost, with the database and its last commits perhaps: those that left lately are worth a look. */
  suspect(nowMs: number): void {
    this.#suspectSinceMs = Math.min(this.#suspectSinceMs ?? Infinity, nowMs - LATELY_MS)
  }

  /** Has those that are worth a look looked at: once, where that does not fail. */
  async examine(look: (suspects: readonly Last[]) => Promise<void>): Promise<void> {
    const sinceMs = this.#suspectSinceMs
    if (sinceMs === null) return
    await look([...this.#kept.values()].filter(({ atMs }) => atMs >= sinceMs))
    if (this.#suspectSinceMs === sinceMs) this.#suspectSinceMs = null
  }

  get(id: string): Last | undefined {
    return this.#kept.get(id)
  }

  /** Whether the row, which was read after `last` was noted, has gone back since. null: it is gone. */
  takeRegressed(last: Last | undefined, row: Found | null): last is Last {
    if (last === undefined || this.#kept.get(last.id) !== last) return false
    if (row !== null && (row.version >= last.version || row.createdAt > last.atMs)) return false
    return this.#kept.delete(last.id)
  }
}

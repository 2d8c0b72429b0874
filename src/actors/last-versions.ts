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

export class LastVersions {
  /** The one that left longest ago comes first. */
  readonly #kept = new Map<string, Last>()
  #isSuspect = false

  note(last: Last): void {
    this.#kept.delete(last.id)
    this.#kept.set(last.id, last)
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string)
  }

  forget(id: string): void {
    this.#kept.delete(id)
  }

  /** The lease was lost, with the database perhaps: all that are remembered are worth a look. */
  suspect(): void {
    this.#isSuspect = true
  }

  /** Those that are worth a look, once. */
  takeSuspects(): readonly Last[] {
    if (!this.#isSuspect) return []
    this.#isSuspect = false
    return [...this.#kept.values()]
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

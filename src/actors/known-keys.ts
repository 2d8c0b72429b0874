/**
 * Dedup keys that an awake actor is known to have taken: one that comes again soon is answered without the database.
 *
 * A memory, not the truth: a key that is missing here may be in the database, which decides with the commit.
 */
const MAX_KEYS = 256

export class KnownKeys {
  #keys: Set<string> | undefined

  has(key: string): boolean {
    return this.#keys?.has(key) ?? false
  }

  addAll(keys: readonly string[]): void {
    if (keys.length === 0) return
    if (this.#keys === undefined || this.#keys.size + keys.length > MAX_KEYS) this.#keys = new Set()
    for (const key of keys) this.#keys.add(key)
  }
}

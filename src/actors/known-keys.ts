/**
 * Dedup keys that an awake actor is known to have taken: one that comes again soon is answered without the database.
 *
 * A memory, not the truth: a key that is missing here may be in the database, which decides with the commit.
 */
import { DEDUP_KEYS_CLAIMED } from '../persistence/store.ts'

const MAX_KEYS = DEDUP_KEYS_CLAIMED

export class KnownKeys {
  #keys: Set<string> | undefined

  has(key: string): boolean {
    return this.#keys?.has(key) ?? false
  }

  addAll(keys: readonly string[]): void {
    if (keys.length === 0) return
    this.#keys ??= new Set()
    for (const key of keys) {
      this.#keys.add(key)
      // A set keeps the order of insertion: the first is the oldest.
      if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.values().next().value as string)
    }
  }
}

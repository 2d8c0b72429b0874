/**
 * Which actors have, or ever had, a key: the index on keys of the store in memory.
 *
 * Owns: rows by key, in order of birth. Does not own: when a key counts as taken (memory-rows.ts), rows by id (memory-store.ts).
 */
import { holdsKey, type StoredActor } from './memory-rows.ts'
import { isTerminal } from './store.ts'

export class MemoryKeys {
  readonly #rows = new Map<string, readonly StoredActor[]>()

  /** The actor by which the key is taken. */
  findOccupant(key: string): StoredActor | undefined {
    return this.#of(key).find(holdsKey)
  }

  /** The live occupant, else the newest actor that had the key. */
  find(key: string): StoredActor | undefined {
    const occupant = this.findOccupant(key)
    return occupant && !isTerminal(occupant.status) ? occupant : this.#of(key).at(-1)
  }

  add(row: StoredActor): void {
    if (row.key !== null) this.#rows.set(row.key, [...this.#of(row.key), row])
  }

  remove(row: StoredActor): void {
    if (row.key === null) return
    const others = this.#of(row.key).filter((other) => other !== row)
    if (others.length > 0) this.#rows.set(row.key, others)
    else this.#rows.delete(row.key)
  }

  #of(key: string): readonly StoredActor[] {
    return this.#rows.get(key) ?? []
  }
}

/**
 * The rows of the store in memory.
 *
 * Owns: rows by id, and with the help of memory-keys.ts by key; which new one is a duplicate. Does not own: what happens to a row.
 */
import { MemoryKeys } from './memory-keys.ts'
import { createRow, holdsKey, type StoredActor } from './memory-rows.ts'
import type { InsertResult, NewActor } from './store.ts'

export class MemoryTable {
  readonly #actors = new Map<string, StoredActor>()
  readonly #keys = new MemoryKeys()

  get(id: string): StoredActor | undefined {
    return this.#actors.get(id)
  }

  /** The occupant of a key, else the newest that had it. */
  findKey(key: string): StoredActor | undefined {
    return this.#keys.find(key)
  }

  list(predicate: (row: StoredActor) => boolean = () => true): StoredActor[] {
    return [...this.#actors.values()].filter(predicate)
  }

  insert(actor: NewActor, now: number): InsertResult {
    const namesake = this.#actors.get(actor.id)
    if (namesake !== undefined) return { kind: 'duplicate', by: 'id', id: actor.id, machine: namesake.machine }
    const row = createRow(actor, now)
    const occupant = row.key !== null && holdsKey(row) ? this.#keys.findOccupant(row.key) : undefined
    if (occupant !== undefined) return { kind: 'duplicate', by: 'key', id: occupant.id, machine: occupant.machine }
    this.#keys.add(row)
    this.#actors.set(row.id, row)
    return { kind: 'inserted' }
  }

  remove(row: StoredActor): void {
    this.#actors.delete(row.id)
    this.#keys.remove(row)
  }
}

/**
 * Which actors are awake on this node.
 *
 * Owns: finding them by id and key, counting them, and naming those that have rested longest.
 * Does not own: waking (engine.ts) or turns (actor.ts).
 *
 * Invariants
 * 1. One actor per id.
 * 2. Memory follows what is in here: `room` says how many more may come.
 */
import type { Actor } from './actor.ts'

// All three are measured by `npm run bench -- memory`.
/** Heap of an awake actor beside its data: its tree, mailbox and bookkeeping. */
const OVERHEAD_BYTES = 7_168
/** Heap that one byte of stored JSON takes as live values: 1 for long texts, 2.3 for objects, 2.8 for numbers. */
const BYTES_PER_STORED_BYTE = 3

/** Heap of a child machine beside its data. */
const CHILD_BYTES = 2_800

/** Heap of an awake actor whose snapshot takes so much in its row, and that has so many children. */
export const estimateHeapBytes = (storedBytes: number, children = 0): number =>
  OVERHEAD_BYTES + children * CHILD_BYTES + storedBytes * BYTES_PER_STORED_BYTE

/** How full the bounds may be before actors are asked to leave. */
const ROOM = 0.9

export interface RegistryBounds {
  readonly maxActors: number
  readonly maxBytes: number
}

export class Registry {
  readonly #bounds: RegistryBounds
  readonly #byId = new Map<string, Actor>()
  readonly #byKey = new Map<string, Actor>()
  #isHeavy = false

  constructor(bounds: RegistryBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: string): Actor | undefined {
    return this.#byId.get(id)
  }

  getByKey(key: string): Actor | undefined {
    return this.#byKey.get(key)
  }

  add(actor: Actor): void {
    this.#byId.set(actor.id, actor)
    if (actor.key !== null) this.#byKey.set(actor.key, actor)
  }

  remove(actor: Actor): void {
    if (this.#byId.get(actor.id) === actor) this.#byId.delete(actor.id)
    if (actor.key !== null && this.#byKey.get(actor.key) === actor) this.#byKey.delete(actor.key)
  }

  [Symbol.iterator](): IterableIterator<Actor> {
    return this.#byId.values()
  }

  /** How many more actors may come. Cheap: asked with every claim and spawn. */
  get room(): number {
    return this.#isHeavy ? 0 : Math.max(0, this.#bounds.maxActors - this.#byId.size)
  }

  /** How many actors should leave: down to nine tenths of the bounds once those are near. Weighs every actor. */
  countExcess(): number {
    const { maxActors, maxBytes } = this.#bounds
    let bytes = 0
    for (const { incarnation } of this.#byId.values()) {
      bytes += estimateHeapBytes(incarnation.sizeBytes, Math.max(0, incarnation.tree.actorCount - 1))
    }
    this.#isHeavy = bytes > maxBytes
    const byCount = this.#byId.size - Math.floor(maxActors * ROOM)
    const byBytes = bytes > maxBytes * ROOM ? Math.ceil(this.#byId.size * (1 - (maxBytes * ROOM) / bytes)) : 0
    return Math.max(0, byCount, byBytes)
  }

  /** Up to `count` actors that may leave memory, those that have rested longest first. */
  listLongestResting(count: number): readonly Actor[] {
    const resting = [...this.#byId.values()].filter((actor) => actor.mayPassivate)
    return resting.toSorted((a, b) => a.restingSince - b.restingSince).slice(0, count)
  }
}

/**
 * How many actors may begin or execute on this node: by queue, and by what memory holds.
 *
 * Owns: who executes, and what is reserved for actors that are on their way. Does not own: who is in memory (registry.ts).
 *
 * Invariant
 * 1. What is taken is given back, or becomes an actor: room is never counted twice, nor lost.
 */
import type { Actor } from './actor.ts'

export class Room {
  readonly #queues: Readonly<Record<string, number>>
  /** How many more actors memory has room for, those aside for which room is taken here. */
  readonly #countFree: () => number
  readonly #executing = new Map<string, number>()
  readonly #taken = new Map<string, number>()

  constructor(queues: Readonly<Record<string, number>>, countFree: () => number) {
    this.#queues = queues
    this.#countFree = countFree
  }

  /** Whether actors of this queue run on this node at all. */
  serves(queue: string): boolean {
    return Object.hasOwn(this.#queues, queue)
  }

  get servesAny(): boolean {
    return Object.keys(this.#queues).length > 0
  }

  /** How many more actors may come into memory beside those that are on their way. */
  get free(): number {
    let free = this.#countFree()
    for (const taken of this.#taken.values()) free -= taken
    return free
  }

  /** Room for one more actor of this queue, until `give`. false: there is none. */
  take(queue: string): boolean {
    const taken = this.#taken.get(queue) ?? 0
    if (this.free <= 0 || this.executing(queue) + taken >= this.#limitOf(queue)) return false
    this.#taken.set(queue, taken + 1)
    return true
  }

  /** Names of queues come from callers: `toString` is one like any other. */
  #limitOf(queue: string): number {
    return this.serves(queue) ? (this.#queues[queue] as number) : 0
  }

  give(queue: string): void {
    this.#taken.set(queue, (this.#taken.get(queue) ?? 0) - 1)
  }

  /** Actors of a queue that do something here: a turn, or work that they started. */
  executing(queue: string): number {
    return this.#executing.get(queue) ?? 0
  }

  setExecuting(actor: Actor, isExecuting: boolean): void {
    if (actor.isExecuting === isExecuting) return
    actor.isExecuting = isExecuting
    this.#executing.set(actor.queue, this.executing(actor.queue) + (isExecuting ? 1 : -1))
  }
}

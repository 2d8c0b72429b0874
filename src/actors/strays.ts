/**
 * Actors whose rows this node may have leased while they are not in memory: the database did not answer, or answers late. Their inboxes
 * may hold what no answer shows.
 *
 * Owns: remembering them until they are claimed again. Does not own: claiming (arrivals.ts).
 */
import type { Actor } from './actor.ts'
import type { Arrivals } from './arrivals.ts'
import type { Registry } from './registry.ts'

export class Strays {
  readonly #registry: Registry
  readonly #arrivals: Arrivals
  readonly #ids = new Set<string>()

  constructor(registry: Registry, arrivals: Arrivals) {
    this.#registry = registry
    this.#arrivals = arrivals
  }

  add(id: string): void {
    this.#ids.add(id)
  }

  delete(id: string): void {
    this.#ids.delete(id)
  }

  /** It is here. What was put into its inbox before the answer that brought it comes before what is sent to it now. */
  welcome(actor: Pick<Actor, 'id' | 'fetchInbox'>): void {
    if (this.#ids.delete(actor.id)) actor.fetchInbox()
  }

  clear(): void {
    this.#ids.clear()
  }

  takeBackAll(): void {
    // What stays one to look after is added anew, and would be met again in the set itself.
    const ids = [...this.#ids]
    for (const id of ids) this.takeBack(id)
  }

  takeBack(id: string): void {
    // While something is on its way for it, nothing can be said: it stays one to look after.
    if (this.#arrivals.has(id)) return this.add(id)
    this.#ids.delete(id)
    if (this.#registry.get(id) === undefined) this.#arrivals.fetch(id)
  }
}

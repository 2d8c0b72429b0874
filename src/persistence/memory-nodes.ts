/**
 * Which nodes live, in the store in memory.
 *
 * Owns: when each node's lease runs out. Does not own: what becomes of the rows of dead ones (memory-store.ts).
 */
import type { StoredActor } from './memory-rows.ts'

export class MemoryNodes {
  readonly #clock: { now(): number }
  readonly #leases = new Map<string, number>()

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  join(node: string, leaseMs: number): void {
    this.#leases.set(node, this.#clock.now() + leaseMs)
  }

  renew(node: string, leaseMs: number): { readonly held: boolean; readonly now: number; readonly server: string } {
    const held = this.#leases.has(node)
    if (held) this.join(node, leaseMs)
    return { held, now: this.#clock.now(), server: 'memory' }
  }

  isAlive(node: string): boolean {
    return (this.#leases.get(node) ?? -Infinity) > this.#clock.now()
  }

  knows(node: string): boolean {
    return this.#leases.has(node)
  }

  forget(node: string): void {
    this.#leases.delete(node)
  }

  /** Nodes whose lease ran out, and owners that never joined or are forgotten already; never the reaper. */
  listDead(rows: readonly StoredActor[], reaper: string): ReadonlySet<string> {
    const known = [...this.#leases.keys(), ...rows.flatMap(({ owner }) => owner ?? [])]
    return new Set(known.filter((node) => node !== reaper && !this.isAlive(node)))
  }
}

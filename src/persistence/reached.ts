/**
 * Gathers what the commits of one batch reach, and says it in their results.
 *
 * Owns: that. Does not own: rows.
 */
import type { Reached, Undelivered } from './outgoing.ts'
import type { Commit, CommitResult } from './store.ts'

export class Report {
  readonly #owners = new Map<number, Map<string, string>>()
  readonly #waking = new Set<number>()
  readonly #undelivered = new Map<number, Undelivered[]>()
  /** The newest arrival number of each actor that got something. */
  readonly #seqs = new Map<string, number>()

  /** The n-th commit put something into the inbox of an actor. */
  reach(n: number, id: string, owner: string | null, seq: number): void {
    this.#seqs.set(id, Math.max(seq, this.#seqs.get(id) ?? 0))
    if (owner === null) return this.wake(n)
    const owners = this.#owners.get(n) ?? new Map<string, string>()
    this.#owners.set(n, owners.set(id, owner))
  }

  /** It made rows ready that nobody owns. */
  wake(n: number): void {
    this.#waking.add(n)
  }

  fail(n: number, undelivered: Undelivered): void {
    this.#undelivered.set(n, [...(this.#undelivered.get(n) ?? []), undelivered])
  }

  /** The owner of an actor that got something learns that from its own result. */
  complete(result: CommitResult, { id, outgoing }: Commit, n: number): CommitResult {
    if (result.kind !== 'committed') return result
    const inboxSeq = Math.max(result.inboxSeq, this.#seqs.get(id) ?? 0)
    const told = inboxSeq > result.inboxSeq ? { ...result, inboxSeq, deferredSeq: result.inboxSeq } : result
    if (outgoing === undefined) return told
    const undelivered = this.#undelivered.get(n) ?? []
    return { ...told, outgoing: { ...this.#toReached(n), undelivered } }
  }

  /** For an answer that says it only where there is something to be said. */
  toReached(n: number): { readonly reached?: Reached } {
    const reached = this.#toReached(n)
    return reached.wakesRows || reached.owners.length > 0 ? { reached } : {}
  }

  #toReached(n: number): Reached {
    const owners = [...(this.#owners.get(n) ?? [])].map(([id, node]) => ({ node, id }))
    return { owners, wakesRows: this.#waking.has(n) }
  }
}

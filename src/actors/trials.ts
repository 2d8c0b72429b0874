/**
 * Actors that were taken up too often without progress, tried once more, one at a time on this node.
 *
 * Who dies with its node may only have stood beside the one that killed it: all that a node had just claimed is counted. So before the
 * last try the row is marked, and no other actor has its own before that one has come to rest. Whose row comes back with the mark has
 * killed its node, and is parked; the others make progress, which forgets their attempts.
 *
 * Owns: who waits, whose turn it is. Does not own: who has to be tried, and what the mark means for a row (row-fate.ts).
 *
 * Invariants
 * 1. A row is marked, durably, before its actor wakes; while one is on trial no other is marked.
 * 2. While a row waits nothing else is done with it: what arrives waits until its actor wakes.
 */
import type { BatchedStore } from '../persistence/batched-store.ts'
import type { ClaimedRow } from '../persistence/store.ts'
import { giveBackCommit, markCommit } from './row-commits.ts'

export interface TrialsOptions {
  readonly batched: BatchedStore
  /** false: the node leaves, and the row is for others. */
  readonly mayRun: (row: ClaimedRow) => boolean
  /** The row may wake. */
  readonly awaken: (row: ClaimedRow) => void
  /** The actor of the row executes. */
  readonly isExecuting: (id: string) => boolean
  /** The row stays with its inbox. `mayBeOurs`: whether it was given up is not known. */
  readonly letGo: (id: string, mayBeOurs: boolean) => void
}

interface Trial {
  readonly id: string
  /** By the monotonic clock. */
  readonly sinceMs: number
  isMarked: boolean
}

/** Whoever has not come to rest by then is at work: what it did at first has killed nobody. */
const TRIAL_MAX_MS = 1_000

export class Trials {
  readonly #options: TrialsOptions
  readonly #waiting = new Map<string, ClaimedRow>()
  #onTrial: Trial | null = null

  constructor(options: TrialsOptions) {
    this.#options = options
  }

  /** Rows that wait. */
  get size(): number {
    return this.#waiting.size
  }

  isOn(id: string): boolean {
    return this.#onTrial?.id === id
  }

  /** Waits, or is being marked. */
  holds(id: string): boolean {
    return this.#waiting.has(id) || (this.isOn(id) && this.#onTrial?.isMarked === false)
  }

  add(row: ClaimedRow): void {
    this.#waiting.set(row.id, row)
    this.goOn()
  }

  /** Has the next one its trial, where that of the last is over. */
  goOn(): void {
    if (this.#onTrial !== null && !this.#isOver(this.#onTrial)) return
    this.#onTrial = null
    for (const row of this.#waiting.values()) {
      this.#waiting.delete(row.id)
      if (this.#options.mayRun(row)) return this.#begin(row)
      this.#giveBack(row)
    }
  }

  #begin(row: ClaimedRow): void {
    const trial: Trial = { id: row.id, sinceMs: performance.now(), isMarked: false }
    this.#onTrial = trial
    const { batched, awaken, letGo } = this.#options
    batched.commit(markCommit(row), (settled) => {
      trial.isMarked = true
      if (settled.ok && settled.value.kind === 'committed') return awaken(row)
      letGo(row.id, !settled.ok)
    })
  }

  #giveBack(row: ClaimedRow): void {
    this.#options.batched.commit(giveBackCommit(row), ({ ok }) => this.#options.letGo(row.id, !ok))
  }

  #isOver({ id, sinceMs, isMarked }: Trial): boolean {
    if (!isMarked) return false
    return !this.#options.isExecuting(id) || performance.now() - sinceMs > TRIAL_MAX_MS
  }
}

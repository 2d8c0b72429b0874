/**
 * Rows that this node has claimed, and whose actors do not wake, or not at once.
 *
 * Owns: carrying out what row-fate.ts decides, except for waking. Does not own: the decision, waking (engine.ts).
 *
 * Invariant
 * 1. While a row is being moved to another version nothing else is done with it: what arrives waits until its actor wakes.
 */
import type { BatchedStore } from '../persistence/batched-store.ts'
import type { ClaimedRow, Commit } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Arrivals } from './arrivals.ts'
import { parkCommit } from './row-commits.ts'
import { decideFate, type FateRules, type Move, type Waking } from './row-fate.ts'
import type { Strangers } from './strangers.ts'

export interface ClaimedRowsOptions {
  readonly rules: FateRules
  readonly batched: BatchedStore
  readonly telemetry: Telemetry
  readonly arrivals: Arrivals
  readonly strangers: Strangers
  /** The row is as it is to be: it may wake. */
  readonly awaken: (row: ClaimedRow) => void
  /** The row may be leased by this node still. */
  readonly recover: (id: string) => void
  /** The row, or others of its partition, can be had. */
  readonly poke: () => void
}

export class ClaimedRows {
  readonly #options: ClaimedRowsOptions
  readonly #moving = new Set<string>()

  constructor(options: ClaimedRowsOptions) {
    this.#options = options
  }

  /** The actor that is to wake; null: it does not wake now, and that is seen to. */
  settle(row: ClaimedRow): Waking | null {
    if (this.#moving.has(row.id)) return null
    const fate = decideFate(row, this.#options.rules)
    if (fate.kind === 'wake') return fate
    if (fate.kind === 'move') this.#move(row, fate)
    else if (fate.kind === 'park') this.park(row, fate.reason)
    else {
      if (fate.kind === 'leave') this.#options.strangers.add(row, fate.isUnknown)
      this.#giveUp(row, fate.commit)
    }
    return null
  }

  /** Leaves the row for an operator. */
  park(row: ClaimedRow, reason: unknown): void {
    const { telemetry } = this.#options
    this.#giveUp(row, parkCommit(row, reason), () => {
      telemetry.emit('actor.parked', { id: row.id, machine: row.machine, reason })
    })
  }

  /** Gives a claimed row back; what arrived for it goes to its inbox. */
  #giveUp(row: ClaimedRow, commit: Commit, onCommitted = (): void => undefined): void {
    const { rules, batched, arrivals, recover, poke } = this.#options
    batched.commit(commit, (settled) => {
      if (!settled.ok) recover(row.id)
      else if (settled.value.kind === 'committed') onCommitted()
      if (row.partitionKey !== null || (commit.status === 'ready' && !rules.serves(row.queue))) poke()
      arrivals.useInbox(row.id)
    })
  }

  #move(row: ClaimedRow, { commit, moved }: Move): void {
    const { batched, telemetry, arrivals, awaken, recover } = this.#options
    const { id, machine, machineVersion: from } = row
    this.#moving.add(id)
    batched.commit(commit, (settled) => {
      this.#moving.delete(id)
      if (!settled.ok) recover(id)
      if (!settled.ok || settled.value.kind !== 'committed') return arrivals.useInbox(id)
      telemetry.emit('actor.migrated', { id, machine, from, to: moved.machineVersion as string })
      awaken(moved)
    })
  }
}

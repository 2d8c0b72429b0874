/**
 * What becomes of a row that this node has claimed: one decision, top to bottom.
 *
 * Owns: the decision. Does not own: carrying it out (engine.ts).
 */
import type { Bounds } from '../bounds.ts'
import type { ClaimedRow, Commit } from '../persistence/store.ts'
import { isOlder, moveRow } from './migration.ts'
import type { Registration, Registrations } from './registration.ts'
import { giveBackCommit, stopCommit } from './row-commits.ts'
import { findStopRequest } from './stop-request.ts'

export interface Move {
  readonly kind: 'move'
  readonly commit: Commit
  /** The row as it is after that. */
  readonly moved: ClaimedRow
}

export interface Waking {
  readonly kind: 'wake'
  readonly registration: Registration
  /** The row, decoded. */
  readonly row: ClaimedRow
}

export type Fate =
  /** Its actor wakes. */
  | Waking
  /** It is moved to another version first. */
  | Move
  /** It is none of this node's: of a queue that it does not serve, or, `unknown`, of a machine that it does not know. */
  | { readonly kind: 'leave'; readonly isUnknown: boolean; readonly commit: Commit }
  /** It was stopped before it began. */
  | { readonly kind: 'stop'; readonly commit: Commit }
  | { readonly kind: 'park'; readonly reason: unknown }

export interface FateRules {
  readonly registrations: Registrations
  readonly bounds: Bounds
  readonly serves: (queue: string) => boolean
}

export function decideFate(row: ClaimedRow, { registrations, bounds, serves }: FateRules): Fate {
  const registration = registrations.find(row.machine, row.machineVersion)
  if (registration === undefined || !serves(row.queue)) {
    return { kind: 'leave', isUnknown: registration === undefined, commit: giveBackCommit(row) }
  }
  if (row.attempt > Math.max(bounds.attempts, registration.retry?.maxAttempts ?? 0)) {
    const ended = `${row.attempt - 1} attempts ended without progress, the last with the loss of its node`
    return { kind: 'park', reason: new Error(ended) }
  }
  const stop = row.snapshot === null ? findStopRequest(row.inbox) : undefined
  if (stop) return { kind: 'stop', commit: stopCommit(row, stop) }
  try {
    if (!isOlder(row, registration)) return { kind: 'wake', registration, row: registrations.codecs.decodeRow(row) }
    return { kind: 'move', ...moveRow(row, registration, registrations.codecs, bounds) }
  } catch (reason) {
    return { kind: 'park', reason }
  }
}

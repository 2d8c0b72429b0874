/**
 * What signals and operators do to one actor's row in memory.
 *
 * Owns: the answers of `signal`, `cancel` and `retry`. Does not own: finding the row (memory-store.ts).
 *
 * Invariants: 1 and 3 of memory-rows.ts.
 */
import { fileSignal, wakeRow, type StoredActor } from './memory-rows.ts'
import type { Cancellation, CancelResult, RetryResult } from './operator.ts'
import { isTerminal, type NewSignal, type SignalResult } from './store.ts'

/** How the text of every request to stop begins (actors/stop-request.ts). */
const STOP_REQUEST = '{"type":"xstate.stop"'

type Found = StoredActor | undefined

export function signalRow(
  row: Found,
  { machine, event, dedupKey }: NewSignal,
  limit: number,
  now: number
): SignalResult {
  if (row === undefined) return { kind: 'missing' }
  if (machine !== null && machine !== row.machine) return { kind: 'otherMachine', machine: row.machine }
  if (dedupKey !== null && row.dedup.has(dedupKey)) return { kind: 'duplicate' }
  if (isTerminal(row.status)) return { kind: 'terminated', status: row.status }
  if (row.inbox.length >= limit) return { kind: 'full' }
  const { seq } = fileSignal(row, event, dedupKey, now)
  wakeRow(row, now)
  return { kind: 'queued', seq, owner: row.owner }
}

export function cancelRow(row: Found, { request, reason }: Cancellation, now: number): CancelResult {
  if (row === undefined) return { kind: 'missing' }
  if (isTerminal(row.status)) return { kind: 'ended' }
  if (row.owner !== null) {
    if (!row.inbox.some(({ event }) => event.startsWith(STOP_REQUEST))) fileSignal(row, request, null, now)
    return { kind: 'asked', owner: row.owner }
  }
  row.status = 'stopped'
  row.endedAt = now
  row.wakeAt = null
  row.timerAt = null
  row.journal = null
  row.journalBefore = null
  row.lastError = reason ?? row.lastError
  return { kind: 'ended' }
}

export function retryRow(row: Found, now: number): RetryResult {
  if (row === undefined) return { kind: 'missing' }
  const { status } = row
  const waitsForAttempt = status === 'waiting' && row.attempt > 0
  if (row.owner !== null || !(status === 'parked' || waitsForAttempt)) return { kind: 'untouched', status }
  row.status = 'ready'
  row.heldUntil = null
  row.wakeAt = now
  row.attempt = 0
  return { kind: 'ready' }
}

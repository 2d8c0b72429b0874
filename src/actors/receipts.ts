/** Who is told what of a turn: the senders of its events, and telemetry. */
import { ActorTerminatedError, InboxFullError, LeaseLostError } from '../errors.ts'
import type { Settled } from '../persistence/group-commit.ts'
import type { Commit, CommitAnswer } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Incarnation } from './incarnation.ts'
import { rejectEntry, type Entry, type Mailbox } from './mailbox.ts'
import type { Turn } from './turn.ts'

interface About {
  readonly id: string
  readonly machine: string
}

/** Of the turn that is committed, and whose effects have run. */
export function resolveReceipts({ applied, waiting, duplicates, stops }: Turn): void {
  for (const { receipt } of applied) receipt.resolve({ status: 'applied' })
  for (const { send } of waiting) send?.receipt.resolve({ status: 'deferred' })
  for (const { receipt } of duplicates) receipt.resolve({ status: 'duplicate' })
  for (const { receipt } of stops) receipt.resolve()
}

/**
 * Answers what needs no commit because it changes nothing; returns the other entries. What came too late and bears a dedup key is
 * set aside in the mailbox: its key may have been taken by an event that came through the row, and then it is a duplicate.
 */
export function refuseReceipts(
  { refused, overflowed }: Turn,
  entries: readonly Entry[],
  mailbox: Mailbox,
  { id, status }: { readonly id: string; readonly status: string },
  inboxLimit: number
): readonly Entry[] {
  if (refused.length === 0 && overflowed.length === 0) return entries
  // XState's word for it is another than that of rows.
  const ended = status === 'error' ? 'failed' : status
  for (const { receipt, dedupKey } of refused)
    if (dedupKey === null) receipt.reject(new ActorTerminatedError(id, ended))
  mailbox.setAside(refused.filter(({ dedupKey }) => dedupKey !== null))
  for (const { receipt } of overflowed) receipt.reject(new InboxFullError(id, inboxLimit))
  const answered = new Set<Entry>([...refused, ...overflowed])
  return entries.filter((entry) => !answered.has(entry))
}

/**
 * The commit of an actor that was abandoned meanwhile has come back. What is committed is applied, though its effects will
 * run elsewhere: they are in the journal. Returns what those are told who wait for a later turn.
 */
export function settleLate(settled: Settled<CommitAnswer>, entries: readonly Entry[], turn: Turn | null): Error {
  const error = new LeaseLostError('its lease ended while the call was under way')
  if (!settled.ok) {
    for (const entry of entries) rejectEntry(entry, settled.error)
  } else if (settled.value.kind === 'committed' && turn !== null) {
    resolveReceipts(turn)
  } else {
    for (const entry of entries) rejectEntry(entry, error)
  }
  return error
}

export function tellTurn(
  telemetry: Telemetry,
  actor: About,
  { applied, consumed, waiting }: Turn,
  { status, deferred }: Commit,
  startedAt: number
): void {
  if (deferred.length > 0) {
    telemetry.emit('signal.deferred', { ...actor, count: deferred.length, waiting: waiting.length })
  }
  if (!telemetry.has('step.stop')) return
  const kind = status === 'done' || status === 'failed' || status === 'stopped' ? status : 'transition'
  const durationMs = performance.now() - startedAt
  telemetry.emit('step.stop', { ...actor, kind, durationMs, events: applied.length + consumed.length })
}

/** An actor cannot go on by itself. */
export function tellFault(
  telemetry: Telemetry,
  actor: About,
  attempt: number,
  { retryInMs }: Commit,
  error: unknown
): void {
  if (retryInMs === null) telemetry.emit('actor.parked', { ...actor, reason: error })
  else telemetry.emit('actor.retry', { ...actor, attempt: Math.max(attempt, 1), retryInMs, error })
}

/** An actor leaves memory: its machine has ended, or it rests. Events that no state took stay with the row. */
export function tellEnd(telemetry: Telemetry, actor: About, { tree, inbox }: Incarnation): void {
  if (tree.status === 'active') telemetry.emit('actor.passivated', actor)
  else if (inbox.waiting.length + inbox.unseen > 0)
    telemetry.emit('signal.unconsumed', { ...actor, count: inbox.waiting.length + inbox.unseen })
}

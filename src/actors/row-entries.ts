/** What a row that was read wants done, as entries for its actor. */
import type { AnyEventObject } from 'xstate'
import { SnapshotIllegalError } from '../errors.ts'
import type { ClaimedRow, Signal } from '../persistence/store.ts'
import type { Entry } from './mailbox.ts'
import type { EffectFailure } from './effect-runner.ts'
import { readColumn } from './revive.ts'
import type { MachineTree } from './transition.ts'

/**
 * The start, the inbox, and a look at the timers, in the order in which they came about: a signal that was sent before a
 * timer was due is taken before it, and one that was sent later after it.
 */
export function entriesOfRow(row: ClaimedRow, tree: MachineTree, nowMs: number): readonly Entry[] {
  const signals = row.inbox.map((signal) => signalEntry(row.id, signal))
  if (row.snapshot === null) return [{ kind: 'start', input: readColumn(row.id, row.input) }, ...signals]
  const dueAt = tree.nextTimer()?.dueAt ?? Infinity
  if (dueAt > nowMs) return signals
  const before = row.inbox.filter(({ sentAt }) => sentAt < dueAt).length
  return [...signals.slice(0, before), { kind: 'timers' }, ...signals.slice(before)]
}

function isEvent(value: unknown): value is AnyEventObject {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The failure of an effect is that of its actor, and has a turn of its own. */
export function failureEntry({ effect, error }: EffectFailure): Entry {
  return { kind: 'failure', sessionId: effect.sessionId, error }
}

export function signalEntry(id: string, { seq, event }: Signal): Entry {
  const decoded = readColumn(id, event)
  if (!isEvent(decoded))
    throw new SnapshotIllegalError(id, `what waits in its inbox as ${seq} is no event`, 'Delete it there')
  return { kind: 'signal', seq, event: decoded }
}

/**
 * Commits for a row that was claimed but does not become an actor: nothing about it changes but who has it, and why.
 */
import type { ClaimedRow, Commit, Json, NewActor, Signal } from '../persistence/store.ts'
import { NOTHING_OUT } from './outgoing.ts'
import { encodeError } from './snapshot-codec.ts'
import { reasonOfStop } from './stop-request.ts'

type Claimed = Pick<
  ClaimedRow,
  'id' | 'version' | 'status' | 'snapshot' | 'lastError' | 'journal' | 'timerAt' | 'attempt' | 'inboxSeq' | 'inbox'
>

/** Gives the row back as it was, for a node that can run it: the claim was no attempt. */
export function giveBackCommit(row: Claimed): Commit {
  return { ...leaveCommit(row), untried: true }
}

/** Changes nothing, and ends the lease. */
export function leaveCommit(row: Claimed): Commit {
  return {
    id: row.id,
    version: row.version,
    snapshot: null,
    status: row.status === 'waiting' && mustRun(row) ? 'ready' : row.status,
    output: null,
    lastError: row.lastError,
    journal: row.journal,
    journalNeedsBefore: false,
    timerAt: row.timerAt,
    deferred: [],
    consumed: [],
    dedupKeys: [],
    inboxSeen: row.inboxSeq,
    release: true,
    retryInMs: null
  }
}

/**
 * What is in its inbox may have come when it was this node's already, and has not woken it then: the next owner looks. Nor does a time
 * that the row keeps wake what was to start, or to be tried again, when it was claimed.
 */
const mustRun = ({ inbox, snapshot, attempt }: Claimed): boolean => inbox.length > 0 || snapshot === null || attempt > 1

/** Gives back a row that was inserted as this node's, before its actor has begun. */
export function giveBackNewbornCommit({ id }: NewActor): Commit {
  return giveBackCommit({
    id,
    version: 0,
    status: 'ready',
    snapshot: null,
    lastError: null,
    journal: null,
    timerAt: null,
    attempt: 0,
    inboxSeq: 0,
    inbox: []
  })
}

/** Ends an actor that was stopped before it began. */
export function stopCommit(row: ClaimedRow, { seq, event }: Signal): Commit {
  const lastError = encodeStopReason(reasonOfStop(JSON.parse(event) as object))
  const told = row.parent === null ? {} : { outgoing: { ...NOTHING_OUT, tellsParent: true } }
  return { ...leaveCommit(row), status: 'stopped', timerAt: null, lastError, consumed: [seq], ...told }
}

/** How a row tells why an operator ended its actor. */
export function encodeStopReason(reason: string | null): Json | null {
  return reason === null ? null : encodeError(new Error(reason))
}

/** Leaves the row for an operator: it cannot be brought to life, or dies each time. */
export function parkCommit(row: ClaimedRow, reason: unknown): Commit {
  return { ...leaveCommit(row), status: 'parked', lastError: encodeError(reason) }
}

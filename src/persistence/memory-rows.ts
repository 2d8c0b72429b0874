/**
 * One actor's row in memory, and what a commit, a signal and the end of a lease do to it.
 *
 * Owns: the shape of a stored row and every change of a single row.
 * Does not own: finding rows, keys, nodes, the clock (memory-store.ts).
 *
 * Invariants (S1–S8 are those of store.ts)
 * 1. Every function here either changes the row as a whole or leaves it untouched: nothing can fail halfway.
 * 2. What leaves this file is a copy or frozen: no caller can change a row by changing an answer.
 * 3. While somebody owns the row `wakeAt` means nothing, and changes only where what is ready had none.
 */
import type { ActorRow, ActorStatus, ClaimedRow, Commit, CommitResult, Json, NewActor, Signal } from './store.ts'
import { DEDUP_KEYS_CLAIMED, isTerminal } from './store.ts'

/** The row as it is stored: what `ActorRow` shows, and what only the store itself looks at. */
export type StoredActor = { -readonly [Field in keyof ActorRow]: ActorRow[Field] } & {
  readonly keyScope: readonly ActorStatus[]
  /** Nobody may have the row before: its start or its next attempt. Once leased it lies in the past. */
  heldUntil: number | null
  /** A pick has found it to be behind another of its partition. */
  isPutAside: boolean
  /** Newest arrival number that an owner has committed as seen. */
  inboxSeen: number
  endedAt: number | null
  inbox: Signal[]
  /** Known dedup keys, each with the time at which it was first seen. */
  readonly dedup: Map<string, number>
}

export function createRow(actor: NewActor, now: number): StoredActor {
  const startAt = actor.startAt ?? now + (actor.startInMs ?? 0)
  const owner = actor.partitionKey === null ? actor.owner : null
  const isDelayed = owner === null && startAt > now
  return {
    id: actor.id,
    machine: actor.machine,
    machineVersion: actor.machineVersion,
    key: actor.key,
    keyScope: [...actor.keyScope],
    queue: actor.queue,
    priority: actor.priority,
    partitionKey: actor.partitionKey,
    status: isDelayed ? 'waiting' : 'ready',
    owner,
    version: 0,
    input: actor.input,
    snapshot: null,
    journal: null,
    journalBefore: null,
    output: null,
    lastError: null,
    attempt: 0,
    timerAt: null,
    heldUntil: isDelayed ? startAt : null,
    isPutAside: false,
    wakeAt: startAt,
    inboxSeq: 0,
    inboxSeen: 0,
    createdAt: now,
    parent: actor.parent,
    endedAt: null,
    inbox: [],
    dedup: new Map()
  }
}

export function showRow(row: StoredActor): ActorRow {
  const {
    keyScope: _k,
    heldUntil: _h,
    isPutAside: _p,
    inboxSeen: _s,
    endedAt: _e,
    inbox: _i,
    dedup: _d,
    ...shown
  } = row
  return shown
}

export const holdsKey = (row: StoredActor): boolean => row.key !== null && row.keyScope.includes(row.status)

/** Its start, or its next attempt, lies ahead: nobody may have it before, and no signal wakes it. */
export function isHeldBack(row: StoredActor, now: number): boolean {
  return row.heldUntil !== null && row.heldUntil > now
}

/** Nobody has it and it must run now. */
export function isRunnable(row: StoredActor, now: number): boolean {
  if (row.owner !== null) return false
  return row.status === 'ready' || (row.status === 'waiting' && row.wakeAt !== null && row.wakeAt <= now)
}

/** Time until the next of these rows is due; null where none waits for a time. */
export function findNextDue(now: number, rows: readonly StoredActor[]): number | null {
  const dueTimes = rows
    .filter(({ owner, status }) => owner === null && status === 'waiting')
    .flatMap(({ wakeAt }) => wakeAt ?? [])
  return dueTimes.length === 0 ? null : Math.max(0, Math.min(...dueTimes) - now)
}

export function leaseRow(row: StoredActor, node: string): ClaimedRow {
  if (row.owner !== node) row.attempt += 1
  row.owner = node
  row.isPutAside = false
  const dedupKeys = [...row.dedup.keys()].slice(-DEDUP_KEYS_CLAIMED).toReversed()
  return { ...showRow(row), inbox: [...row.inbox], dedupKeys }
}

/** Takes the row from an owner that is gone. What it may have left undone is for the next owner to look at. */
export function freeRow(row: StoredActor, now: number, hasLeft: boolean): void {
  row.owner = null
  const isUntried = row.attempt > 0 && !(hasLeft && row.snapshot !== null)
  // What a node that leaves of its own accord had claimed was no failed attempt.
  if (hasLeft) row.attempt = Math.max(row.attempt - 1, 0)
  if (row.status === 'parked') return
  // A claim that no progress followed counts as undone: what it was for, a start or a retry, is noted nowhere else, and
  // a row without a timer would wait for ever.
  const undone = row.status !== 'waiting' || row.journal !== null || row.inboxSeq > row.inboxSeen || isUntried
  row.status = undone ? 'ready' : 'waiting'
  row.wakeAt = undone ? now : row.timerAt
  // What waits on with attempts would look like a retry that lies ahead.
  if (!undone && hasLeft) row.attempt = 0
}

/** Appends a signal to the inbox and remembers its dedup key. Does not wake the row. */
export function fileSignal(row: StoredActor, event: Json, dedupKey: string | null, now: number): Signal {
  row.inboxSeq += 1
  const signal = Object.freeze({ seq: row.inboxSeq, event, dedupKey, sentAt: now })
  row.inbox.push(signal)
  if (dedupKey !== null) row.dedup.set(dedupKey, now)
  return signal
}

/** Makes a row that waits, with nobody to own it, one that must run. */
export function wakeRow(row: StoredActor, now: number): void {
  if (row.owner !== null || row.status !== 'waiting' || isHeldBack(row, now)) return
  row.status = 'ready'
  row.wakeAt = now
}

/** Applies a commit whose owner and version match. */
export function commitRow(row: StoredActor, commit: Commit, now: number): CommitResult {
  const keys = [...commit.dedupKeys, ...commit.deferred.flatMap((signal) => signal.dedupKey ?? [])]
  const known = keys.filter((key) => row.dedup.has(key))
  if (known.length > 0) return { kind: 'duplicate', keys: known }

  const isAcknowledged = row.journal !== null && commit.journal === null
  writeOutcome(row, commit)
  const allSeen = row.inboxSeq <= commit.inboxSeen
  moveSignals(row, commit, now)
  // An owner has seen what it deferred itself, but numbers that come before those may still be unseen.
  row.inboxSeen = allSeen ? row.inboxSeq : commit.inboxSeen
  const released = endLease(row, commit, allSeen, now)
  const progressed = commit.retryInMs === null && (commit.snapshot !== null || released || isAcknowledged)
  if (progressed) row.attempt = commit.untried ? Math.max(row.attempt - 1, 0) : 0
  return { kind: 'committed', released, inboxSeq: row.inboxSeq }
}

function writeOutcome(row: StoredActor, commit: Commit): void {
  if (commit.snapshot !== null) {
    row.journalBefore = commit.journalNeedsBefore ? row.snapshot : null
    row.snapshot = commit.snapshot
    row.version += 1
  }
  if (commit.journal === null) row.journalBefore = null
  row.journal = commit.journal
  row.machineVersion = commit.machineVersion ?? row.machineVersion
  row.status = commit.status
  row.output = commit.output ?? row.output
  row.lastError = commit.lastError
  row.timerAt = commit.timerAt
}

function moveSignals(row: StoredActor, commit: Commit, now: number): void {
  const consumed = new Set(commit.consumed)
  row.inbox = row.inbox.filter((signal) => !consumed.has(signal.seq))
  for (const key of commit.dedupKeys) row.dedup.set(key, now)
  for (const signal of commit.deferred) fileSignal(row, signal.event, signal.dedupKey, now)
}

/** Ends the lease where the commit asks for it and S4 allows it. Answers whether it did. */
function endLease(row: StoredActor, commit: Commit, allSeen: boolean, now: number): boolean {
  if (isTerminal(commit.status)) {
    row.endedAt = now
    row.wakeAt = null
  } else if (commit.status === 'parked') {
    row.wakeAt = null
  } else if (commit.retryInMs !== null) {
    row.status = 'waiting'
    row.attempt = Math.max(row.attempt, 1)
    row.heldUntil = now + commit.retryInMs
    row.wakeAt = row.heldUntil
  } else if (commit.release && allSeen) {
    // What nobody owns cannot be running: it is to be taken up.
    if (commit.status === 'running') row.status = 'ready'
    row.wakeAt = row.status === 'ready' ? now : commit.timerAt
  } else {
    // What is ready has a time from which on it is.
    if (commit.status === 'ready') row.wakeAt ??= now
    return false
  }
  row.owner = null
  return true
}

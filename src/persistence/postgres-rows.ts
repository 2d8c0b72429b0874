/**
 * How the store's words travel to Postgres and back: batches as JSON documents, answers from rows.
 *
 * Owns: the names of the fields in documents and of the columns in answers; they are those of the files in sql/queries.
 * Does not own: statements, their order, retries.
 *
 * Invariants
 * 1. A document within a batch travels as a JSON string, not as JSON: Postgres unescapes what is nested in the batch, and
 *    would refuse `\u0000` and change the text. As a string it is kept to the letter.
 * 2. Fields that are null are left out: they are most of a batch.
 */
import type {
  ActorRow,
  ActorStatus,
  ClaimResult,
  ClaimedRow,
  Commit,
  CommitResult,
  InsertResult,
  NewActor,
  NewSignal,
  Parentage,
  PickResult,
  Signal,
  SignalResult
} from './store.ts'
import type { CancelResult, RetryResult } from './operator.ts'
import { isTerminal } from './store.ts'
import type { Param, Row } from './drivers/driver.ts'

const orAbsent = <T>(value: T | null): T | undefined => value ?? undefined
const unlessEmpty = <T>(values: readonly T[]): readonly T[] | undefined => (values.length > 0 ? values : undefined)

/** A batch as a document. */
export const toDocument = <Entry>(entries: readonly Entry[], toEntry: (entry: Entry, n: number) => object): string =>
  JSON.stringify(entries.map(toEntry))

/** One outcome in the document of commit.sql; `n` is its place in the batch. */
export function toCommitEntry(commit: Commit, n: number): object {
  const { deferred, dedupKeys, consumed } = commit
  return {
    n,
    id: commit.id,
    version: commit.version,
    snapshot: orAbsent(commit.snapshot),
    status: commit.status,
    output: orAbsent(commit.output),
    last_error: orAbsent(commit.lastError),
    journal: orAbsent(commit.journal),
    keep_before: commit.journalNeedsBefore || undefined,
    timer_at: orAbsent(commit.timerAt),
    inbox_seen: commit.inboxSeen,
    release: commit.release || undefined,
    retry_in_ms: orAbsent(commit.retryInMs),
    untried: commit.untried,
    machine_version: commit.machineVersion,
    dedup_keys: unlessEmpty(
      deferred.length === 0 ? dedupKeys : [...dedupKeys, ...deferred.flatMap((signal) => signal.dedupKey ?? [])]
    ),
    consumed: unlessEmpty(consumed),
    ...(deferred.length > 0 && {
      deferred_events: deferred.map(({ event }) => event),
      deferred_keys: deferred.map(({ dedupKey }) => dedupKey)
    })
  }
}

/** A transition of an actor that goes on, and nothing else: what commit_one.sql is for. */
export function isPlain(commit: Commit): boolean {
  return (
    commit.snapshot !== null &&
    commit.machineVersion === undefined &&
    (commit.status === 'waiting' || commit.status === 'running') &&
    !commit.release &&
    commit.retryInMs === null &&
    commit.lastError === null &&
    commit.deferred.length === 0 &&
    commit.consumed.length === 0 &&
    commit.dedupKeys.length === 0
  )
}

/** The parameters of commit_one.sql. */
export function toCommitParams(node: string, commit: Commit): readonly Param[] {
  const { id, version, snapshot, status, journal, journalNeedsBefore, timerAt, inboxSeen } = commit
  return [node, id, version, snapshot, status, journal, journalNeedsBefore, timerAt, inboxSeen]
}

/** The result of an outcome from the answer of commit_one.sql. */
export function toCommitResult(row: Row | undefined): CommitResult {
  return row ? { kind: 'committed', released: false, inboxSeq: row['inboxSeq'] as number } : { kind: 'stale' }
}

/** Results of a batch of `count` outcomes from the answer of commit.sql. */
export function toCommitResults(row: Row | undefined, count: number): CommitResult[] {
  const { committed, known } = row as { readonly committed: string | null; readonly known: string | null }
  const results = Array<CommitResult>(count).fill({ kind: 'stale' })
  for (const [n, released, inboxSeq] of readList(committed) as readonly [number, boolean, number][]) {
    results[n] = { kind: 'committed', released, inboxSeq }
  }
  for (const [n, key] of readList(known) as readonly [number, string][]) {
    const before = results[n]
    results[n] = { kind: 'duplicate', keys: before?.kind === 'duplicate' ? [...before.keys, key] : [key] }
  }
  return results
}

/** A JSON array; null: none of its items was there to be put into one. */
const readList = (json: string | null): unknown => (json === null ? [] : JSON.parse(json))

export function toInsertEntry(actor: NewActor, n: number): object {
  return {
    n,
    id: actor.id,
    machine: actor.machine,
    machine_version: orAbsent(actor.machineVersion),
    key: orAbsent(actor.key),
    key_scope: actor.keyScope,
    queue: actor.queue,
    priority: actor.priority,
    partition_key: orAbsent(actor.partitionKey),
    input: orAbsent(actor.input),
    owner: orAbsent(actor.owner),
    start_at: orAbsent(actor.startAt),
    start_in_ms: orAbsent(actor.startInMs),
    ...toParentFields(actor)
  }
}

function toParentFields({ parent }: NewActor): object | null {
  return parent && { parent: parent.id, parent_session: parent.session, parent_index: orAbsent(parent.index) }
}

/** undefined: the occupant could not be seen, ask again. */
export function toInsertResult(row: Row): InsertResult | undefined {
  const { inserted, sameId, occupant, machine } = row as {
    inserted: boolean
    sameId: boolean
    occupant: string | null
    machine: string
  }
  if (inserted) return { kind: 'inserted' }
  return occupant === null ? undefined : { kind: 'duplicate', by: sameId ? 'id' : 'key', id: occupant, machine }
}

export function toSignalEntry(signal: NewSignal, n: number): object {
  const { actorId, machine, event, dedupKey } = signal
  return { n, actor_id: actorId, machine: orAbsent(machine), event, dedup_key: orAbsent(dedupKey) }
}

export function toSignalResult(row: Row): SignalResult {
  const { kind, status, machine, seq, owner } = row as {
    kind: SignalResult['kind']
    status: ActorStatus
    machine: string
    seq: number
    owner: string | null
  }
  if (kind === 'queued') return { kind, seq, owner }
  if (kind === 'otherMachine') return { kind, machine }
  return kind === 'terminated' ? { kind, status } : { kind }
}

export function toCancelResult({ exists, lived, owner }: Row): CancelResult {
  if (!exists) return { kind: 'missing' }
  return lived && owner !== null ? { kind: 'asked', owner: owner as string } : { kind: 'ended' }
}

export function toRetryResult(row: Row | undefined): RetryResult {
  if (row === undefined) return { kind: 'missing' }
  return row['moved'] ? { kind: 'ready' } : { kind: 'untouched', status: row['status'] as ActorStatus }
}

/** undefined: the row was to be had, but moved before it could be leased. Ask again. */
export function toClaimResult(row: Row, node: string): ClaimResult | undefined {
  const { claimed, free, status, owner } = row as {
    claimed: boolean
    free: boolean
    status: ActorStatus
    owner: string | null
  }
  if (claimed) return { kind: 'claimed', row: toClaimedRow(row, node) }
  if (free) return undefined
  return isTerminal(status) ? { kind: 'terminated', status } : { kind: 'held', status, owner }
}

export function toPickResult(rows: readonly Row[], node: string): PickResult {
  const { contended, nextDueInMs } = (rows[0] ?? {}) as { contended?: string | null; nextDueInMs?: number | null }
  return {
    contended: JSON.parse(contended ?? '[]') as PickResult['contended'],
    rows: rows.filter((row) => row['id'] !== null).map((row) => toClaimedRow(row, node)),
    nextDueInMs: nextDueInMs ?? null
  }
}

/** The row as it was judged, with the lease that the statement put on it. */
export function toClaimedRow(row: Row, node: string): ClaimedRow {
  const actor = toActorRow(row)
  const inbox = row['inbox'] as readonly Signal[]
  const dedupKeys = JSON.parse(row['dedupKeys'] as string) as readonly string[]
  // The answer shows the row as it was before the claim.
  const attempt = actor.attempt + (actor.owner === node ? 0 : 1)
  return { ...actor, owner: node, attempt, inbox, dedupKeys }
}

/** Takes from an answer what it has of the view actor_row. */
export function toActorRow(row: Row): ActorRow {
  const actor = row as unknown as ActorRow
  return {
    id: actor.id,
    machine: actor.machine,
    machineVersion: actor.machineVersion,
    key: actor.key,
    queue: actor.queue,
    priority: actor.priority,
    partitionKey: actor.partitionKey,
    status: actor.status,
    owner: actor.owner,
    version: actor.version,
    input: actor.input,
    snapshot: actor.snapshot,
    journal: actor.journal,
    journalBefore: actor.journalBefore,
    output: actor.output,
    lastError: actor.lastError,
    attempt: actor.attempt,
    wakeAt: actor.wakeAt,
    timerAt: actor.timerAt,
    inboxSeq: actor.inboxSeq,
    createdAt: actor.createdAt,
    parent: toParentage(row)
  }
}

function toParentage({ parent, parentSession, parentIndex }: Row): Parentage | null {
  return parent === null
    ? null
    : { id: parent as string, session: parentSession as number, index: parentIndex as number | null }
}

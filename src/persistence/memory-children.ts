/**
 * What commits do to other rows, in the store in memory: children, joins, messages, cancels.
 *
 * Owns: the children and joins of each actor, and the answers of commits with `outgoing` and of cancels. Does not own: rows by
 * id and key (memory-store.ts), what happens to a single row (memory-rows.ts, memory-messages.ts), words (child-events.ts).
 *
 * Invariants: those of outgoing.ts. Nothing here can fail halfway.
 */
import { childEvent, childrenEvent, type End } from './child-events.ts'
import { cancelRow, signalRow } from './memory-messages.ts'
import type { StoredActor } from './memory-rows.ts'
import type { Cancellation, CancelResult } from './operator.ts'
import type { NewJoin, Outgoing, Target, Undelivered } from './outgoing.ts'
import { isHeld, keyTakenError, STOP_CHILD, UNLIMITED_INBOX } from './outgoing.ts'
import { Report } from './reached.ts'
import type { Commit, CommitResult, InsertResult, Json, NewActor } from './store.ts'
import { isTerminal } from './store.ts'

/** The rows that these are about. */
export interface Rows {
  now(): number
  get(id: string): StoredActor | undefined
  findKey(key: string): StoredActor | undefined
  insert(actor: NewActor): InsertResult
}

interface Join extends NewJoin {
  /** The place of the first child that was not let run yet. */
  started: number
  ended: number
  succeeded: number
}

export class MemoryChildren {
  readonly #rows: Rows
  readonly #children = new Map<string, StoredActor[]>()
  readonly #joins = new Map<string, Map<number, Join>>()

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** Does what comes with a commit that went through, and completes its result. */
  follow(commit: Commit, result: CommitResult): CommitResult {
    const { outgoing } = commit
    const row = this.#rows.get(commit.id)
    if (result.kind !== 'committed' || outgoing === undefined || row === undefined) return result
    const report = new Report()
    for (const join of outgoing.joins) this.#open(row, join)
    const unborn = outgoing.births.filter((birth) => !this.#bear(birth, outgoing, report))
    for (const { to, event } of outgoing.messages) this.#send(to, event, report)
    for (const { session, need, total } of outgoing.joins) {
      if (total === 0) this.#put(row, childrenEvent(session, need, 0, new Map()), report)
    }
    for (const { id } of unborn) this.#tell(this.#rows.get(id), report)
    if (outgoing.tellsParent) this.#tell(row, report)
    const cancelled = (child: StoredActor): boolean => outgoing.cancels.includes(child.parent?.session ?? -1)
    for (const session of outgoing.cancels) this.#joins.get(row.id)?.delete(session)
    this.#cancelBelow(row.id, isTerminal(row.status) ? () => true : cancelled, STOP_CHILD, report)
    return report.complete(result, commit, 0)
  }

  cancel(cancellation: Cancellation): CancelResult {
    const row = this.#rows.get(cancellation.id)
    const lived = row !== undefined && !isTerminal(row.status)
    const result = cancelRow(row, cancellation, this.#rows.now())
    if (!lived) return result
    const report = new Report()
    if (result.kind === 'ended') this.#tell(row, report)
    this.#cancelBelow(row.id, () => true, cancellation.request, report)
    return { ...result, ...report.toReached(0) }
  }

  /** Its row is gone. */
  forget(id: string): void {
    this.#children.delete(id)
    this.#joins.delete(id)
  }

  #open(parent: StoredActor, join: NewJoin): void {
    const { session, total, concurrency } = join
    if (total === 0) return
    const joins = this.#joins.get(parent.id) ?? new Map<number, Join>()
    const started = Math.min(concurrency ?? total, total)
    this.#joins.set(parent.id, joins.set(session, { ...join, started, ended: 0, succeeded: 0 }))
  }

  /** false: it could not be born, and has ended already. */
  #bear(actor: NewActor, { joins }: Outgoing, report: Report): boolean {
    const born = this.#rows.insert({ ...actor, owner: null })
    const isUnborn = born.kind === 'duplicate' && born.by === 'key'
    if (isUnborn) this.#rows.insert({ ...actor, owner: null, key: null })
    const row = this.#rows.get(actor.id)
    if (row === undefined || actor.parent === null) return true
    const siblings = this.#children.get(actor.parent.id) ?? []
    this.#children.set(actor.parent.id, siblings)
    siblings.push(row)
    if (isHeld(actor, joins)) hold(row)
    else report.wake(0)
    if (isUnborn) fail(row, keyTakenError(actor.key as string, born.id), this.#rows.now())
    return !isUnborn
  }

  #send(to: Target, event: Json, report: Report): void {
    const target = 'id' in to ? this.#rows.get(to.id) : this.#rows.findKey(to.key)
    const reason = this.#put(target, event, report)
    if (reason !== null) report.fail(0, { to, reason })
  }

  /** Answers why it could not be put there. */
  #put(row: StoredActor | undefined, event: Json, report: Report): Undelivered['reason'] | null {
    const signal = { actorId: row?.id ?? '', machine: null, event, dedupKey: null }
    const result = signalRow(row, signal, UNLIMITED_INBOX, this.#rows.now())
    if (result.kind !== 'queued') return result.kind === 'missing' ? 'missing' : 'terminated'
    report.reach(0, row?.id as string, result.owner, result.seq)
    return null
  }

  /** A child has ended: its parent hears of it, at once or when its join is over. */
  #tell(child: StoredActor | undefined, report: Report): void {
    if (!child?.parent || !isTerminal(child.status)) return
    const { id, session, index } = child.parent
    if (index === null) {
      this.#put(this.#rows.get(id), childEvent(session, child), report)
      return
    }
    const join = this.#joins.get(id)?.get(session)
    if (join === undefined) return
    join.ended += 1
    if (child.status === 'done') join.succeeded += 1
    if (isOver(join)) return this.#release(id, join, report)
    if (join.concurrency !== null && index < join.started) this.#letNextRun(id, join, report)
  }

  #release(id: string, { session, need, total }: Join, report: Report): void {
    this.#joins.get(id)?.delete(session)
    const isOfJoin = ({ parent }: StoredActor): boolean => parent?.session === session
    const ends = new Map<number, End>()
    for (const child of (this.#children.get(id) ?? []).filter(isOfJoin)) {
      if (isTerminal(child.status)) ends.set(child.parent?.index ?? -1, child)
    }
    this.#put(this.#rows.get(id), childrenEvent(session, need, total, ends), report)
    this.#cancelBelow(id, isOfJoin, STOP_CHILD, report)
  }

  #letNextRun(id: string, join: Join, report: Report): void {
    const next = (this.#children.get(id) ?? [])
      .filter(({ parent, status }) => parent?.session === join.session && !isTerminal(status))
      .filter(({ parent }) => (parent?.index ?? -1) >= join.started)
      .toSorted((a, b) => (a.parent?.index ?? 0) - (b.parent?.index ?? 0))[0]
    if (next === undefined) return
    join.started = (next.parent?.index ?? 0) + 1
    next.status = 'ready'
    next.heldUntil = null
    next.wakeAt = this.#rows.now()
    report.wake(0)
  }

  #cancelBelow(id: string, isMeant: (child: StoredActor) => boolean, request: Json, report: Report): void {
    for (const child of this.#children.get(id) ?? []) {
      if (!isMeant(child) || isTerminal(child.status)) continue
      const result = cancelRow(child, { id: child.id, request, reason: null }, this.#rows.now())
      if (result.kind === 'asked') report.reach(0, child.id, result.owner, child.inboxSeq)
      this.#cancelBelow(child.id, () => true, request, report)
    }
  }
}

/** All have ended; or, where fewer are needed, enough have succeeded, or too few are left to. */
function isOver({ total, need, ended, succeeded }: Join): boolean {
  if (ended >= total) return true
  return need < total && (succeeded >= need || succeeded + total - ended < need)
}

/** It waits for its turn. */
function hold(row: StoredActor): void {
  row.status = 'waiting'
  row.heldUntil = Infinity
  row.wakeAt = null
}

function fail(row: StoredActor, error: Json, now: number): void {
  row.status = 'failed'
  row.lastError = error
  row.endedAt = now
  row.wakeAt = null
}

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
import { isHeld, isOverAtOnce, keyTakenError, STOP_CHILD, UNLIMITED_INBOX } from './outgoing.ts'
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

/** What one commit does, or one operator. */
interface Work {
  readonly report: Report
  /** What parents are told. */
  readonly letters: { readonly to: string; readonly event: Json }[]
  /** Who is asked to end, and by which request. */
  readonly stops: Map<StoredActor, Json>
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
    const work: Work = { report: new Report(), letters: [], stops: new Map() }
    const isEnd = isTerminal(row.status)
    if (isEnd) this.#joins.delete(row.id)
    else this.#cancelSessions(row.id, outgoing.cancels, work)
    for (const join of outgoing.joins) this.#open(row, join)
    const unborn = outgoing.births.filter((birth) => !this.#bear(birth, outgoing, work))
    for (const join of outgoing.joins.filter(isOverAtOnce)) {
      work.letters.push({ to: row.id, event: childrenEvent(join.session, join.need, join.total, new Map()) })
    }
    for (const { id } of unborn) this.#tell(this.#rows.get(id), work)
    if (outgoing.tellsParent) this.#tell(row, work)
    if (isEnd) this.#cancelAll(row.id, STOP_CHILD, work)
    for (const { to, event } of outgoing.messages) this.#send(to, event, work)
    this.#deliver(work)
    return work.report.complete(result, commit, 0)
  }

  cancel(cancellation: Cancellation): CancelResult {
    const row = this.#rows.get(cancellation.id)
    const lived = row !== undefined && !isTerminal(row.status)
    const result = cancelRow(row, cancellation, this.#rows.now())
    if (!lived) return result
    const work: Work = { report: new Report(), letters: [], stops: new Map() }
    if (result.kind === 'ended') {
      this.#joins.delete(row.id)
      this.#tell(row, work)
    }
    this.#cancelAll(row.id, cancellation.request, work)
    this.#deliver(work)
    return { ...result, ...work.report.toReached(0) }
  }

  /** Its row is gone. */
  forget(id: string): void {
    this.#children.delete(id)
    this.#joins.delete(id)
  }

  #open(parent: StoredActor, join: NewJoin): void {
    if (isOverAtOnce(join)) return
    const { session, total, concurrency } = join
    const joins = this.#joins.get(parent.id) ?? new Map<number, Join>()
    const started = Math.min(concurrency ?? total, total)
    this.#joins.set(parent.id, joins.set(session, { ...join, started, ended: 0, succeeded: 0 }))
  }

  /** false: it could not be born, and has ended already. */
  #bear(actor: NewActor, { joins }: Outgoing, { report }: Work): boolean {
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

  #send(to: Target, event: Json, { report }: Work): void {
    const target = 'id' in to ? this.#rows.get(to.id) : this.#rows.findKey(to.key)
    const reason = this.#put(target, event, report)
    if (reason !== null) report.fail(0, { to, reason })
  }

  /** What goes out behind the messages. */
  #deliver({ report, letters, stops }: Work): void {
    for (const { to, event } of letters) this.#put(this.#rows.get(to), event, report)
    for (const [row, request] of stops) {
      const result = cancelRow(row, { id: row.id, request, reason: null }, this.#rows.now())
      if (result.kind === 'asked') report.reach(0, row.id, result.owner, row.inboxSeq)
    }
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
  #tell(child: StoredActor | undefined, work: Work): void {
    if (!child?.parent || !isTerminal(child.status)) return
    const { id, session, index } = child.parent
    if (index === null) {
      work.letters.push({ to: id, event: childEvent(session, child) })
      return
    }
    const join = this.#joins.get(id)?.get(session)
    if (join === undefined) return
    join.ended += 1
    if (child.status === 'done') join.succeeded += 1
    if (isOver(join)) return this.#release(id, join, work)
    if (join.concurrency !== null && index < join.started) this.#letNextRun(id, join, work)
  }

  #release(id: string, { session, need, total }: Join, work: Work): void {
    this.#joins.get(id)?.delete(session)
    const isOfJoin = ({ parent }: StoredActor): boolean => parent?.session === session
    const ends = new Map<number, End>()
    for (const child of (this.#children.get(id) ?? []).filter(isOfJoin)) {
      if (isTerminal(child.status)) ends.set(child.parent?.index ?? -1, child)
    }
    work.letters.push({ to: id, event: childrenEvent(session, need, total, ends) })
    this.#cancelBelow(id, isOfJoin, STOP_CHILD, work)
  }

  #letNextRun(id: string, join: Join, { report }: Work): void {
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

  #cancelSessions(id: string, sessions: readonly number[], work: Work): void {
    for (const session of sessions) this.#joins.get(id)?.delete(session)
    this.#cancelBelow(id, ({ parent }) => sessions.includes(parent?.session ?? -1), STOP_CHILD, work)
  }

  #cancelAll(id: string, request: Json, work: Work): void {
    this.#cancelBelow(id, () => true, request, work)
  }

  /** Ends who has no owner, and gathers who has one. */
  #cancelBelow(id: string, isMeant: (child: StoredActor) => boolean, request: Json, work: Work): void {
    for (const child of this.#children.get(id) ?? []) {
      if (!isMeant(child) || isTerminal(child.status)) continue
      if (child.owner === null) {
        cancelRow(child, { id: child.id, request, reason: null }, this.#rows.now())
        this.#joins.delete(child.id)
      } else if (!work.stops.has(child)) work.stops.set(child, request)
      this.#cancelAll(child.id, request, work)
    }
  }
}

/** All have ended; or, where some must succeed, enough have, or too few are left to. */
function isOver({ total, need, ended, succeeded }: Join): boolean {
  if (ended >= total) return true
  return need !== null && (succeeded >= need || succeeded + total - ended < need)
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

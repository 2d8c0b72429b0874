/**
 * Commits that reach other rows, as statements of one transaction: the outcomes themselves, children, joins, messages, cancels, and
 * what parents are told.
 *
 * Owns: the statements and their order. Does not own: beginning, committing, and beginning again (postgres-linked.ts).
 *
 * Invariants
 * 1. The number of statements does not depend on the size of the batch: eleven at most.
 * 2. All locks that are waited for are taken by the first two: joins in the order of (parent, session), then actors in the order of
 *    ids. So two such transactions never wait for each other in a ring; nor does any single statement of ours, which locks in the order of
 *    ids too. What comes later touches only rows that are locked, or born, here. Three waits are left. Dedup keys are written only
 *    under the lock of their actor, and looked up after it: no wait. The key of a child may be one that another is giving up just then;
 *    births come after all locks, so that only one that waits for us closes a ring, be it for a lock, or for a key that is given up
 *    here: a limit on waits opens it, and it is tried again. Partitions are only tried for, by picks and claims, and births are not leased.
 * 3. Nothing is done for an outcome that did not go through.
 * 4. Sessions are cancelled before births, which may take the keys that become free. A request to stop comes behind what the same
 *    commit sends. No session is cancelled that a commit brings children into being under, unless that commit ends its actor: what
 *    ends below those comes after births.
 */
import type { Param, Queryable, Row } from './drivers/driver.ts'
import { childrenEvent } from './child-events.ts'
import type { Cancellation, CancelResult } from './operator.ts'
import {
  isHeld,
  isOverAtOnce,
  keyTakenError,
  STOP_CHILD,
  UNLIMITED_INBOX,
  type Outgoing,
  type Undelivered
} from './outgoing.ts'
import {
  concernsFamily,
  toCauses,
  toCounted,
  toFailedEntry,
  toLink,
  toLiving,
  type Cause,
  type Counted,
  type Link
} from './postgres-linked-rows.ts'
import {
  toCancelResult,
  toCommitEntry,
  toCommitResults,
  toDocument,
  toInsertEntry,
  toInsertResult,
  toSignalEntry,
  toSignalResult
} from './postgres-rows.ts'
import type { Queries, Statement } from './queries.ts'
import { Report } from './reached.ts'
import { askUntilTold } from './second-looks.ts'
import type { Commit, CommitResult, InsertResult, Json } from './store.ts'

/** A commit that went through. */
interface Through {
  readonly n: number
  readonly id: string
  readonly outgoing: Outgoing
}

/** An event on its way into an inbox. `to: null`: nobody needs to know that it did not arrive. */
interface Letter {
  readonly n: number
  readonly actorId: string
  readonly event: Json
  readonly to: Undelivered['to'] | null
}

export class LinkedTransaction {
  readonly #tx: Queryable
  readonly #queries: Queries
  readonly #waitMax: string
  /** Actors that this transaction holds: it locked them, or brought them into being. */
  readonly #held = new Set<string>()
  readonly #report = new Report()
  /** Requests to stop, by who is to get them: one each. */
  readonly #stops = new Map<string, Letter>()

  /** `waitMax`: how long a lock is waited for, as Postgres has it. */
  constructor(tx: Queryable, queries: Queries, waitMax: string) {
    this.#tx = tx
    this.#queries = queries
    this.#waitMax = waitMax
  }

  async commit(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    const links = commits.map(toLink)
    const targets = commits.flatMap(({ outgoing }) => outgoing?.messages.map(({ to }) => to) ?? [])
    await this.#lock(links, targets)
    const results = await this.#write(node, commits)
    const through = commits.flatMap(({ id, outgoing }, n): readonly Through[] =>
      outgoing && results[n]?.kind === 'committed' ? [{ n, id, outgoing }] : []
    )
    const own = through.map(({ n }) => links[n] as Link).filter(concernsFamily)
    await this.#cancelBelow(own.filter(({ ends }) => !ends).flatMap(toCauses), STOP_CHILD)
    const family = [...own, ...(await this.#bear(through))]
    const joined = await this.#join(through)
    const messages = await this.#address(through)
    const counted = await this.#count(family)
    await this.#cancelBelow([...own.filter(({ ends }) => ends).flatMap(toCauses), ...toReleased(counted)], STOP_CHILD)
    await this.#send([...messages, ...joined, ...toLetters(counted), ...this.#stops.values()])
    return results.map((result, n) => this.#report.complete(result, commits[n] as Commit, n))
  }

  async cancel({ id, request, reason }: Cancellation): Promise<CancelResult> {
    const link: Link = { n: 0, id, tells: true, done: false, ends: true, cancels: [] }
    await this.#lock([link], [])
    const [row] = await this.#query(this.#queries.cancel, id, request, reason)
    const result = toCancelResult(row as Row)
    if (!row?.['lived']) return result
    const counted = result.kind === 'ended' ? await this.#count([link]) : []
    await this.#cancelBelow([...toCauses(link), ...toReleased(counted)], request)
    await this.#send([...toLetters(counted), ...this.#stops.values()])
    return { ...result, ...this.#report.toReached(0) }
  }

  async #lock(links: readonly Link[], targets: readonly Undelivered['to'][]): Promise<void> {
    const document = JSON.stringify(links)
    if (links.some(concernsFamily)) await this.#query(this.#queries.lockJoins, document, this.#waitMax)
    const ids = JSON.stringify(targets.flatMap((to) => ('id' in to ? to.id : [])))
    const keys = JSON.stringify(targets.flatMap((to) => ('key' in to ? to.key : [])))
    const [row] = await this.#query(this.#queries.lockLinked, document, ids, keys, this.#waitMax)
    for (const id of JSON.parse(row?.['locked'] as string) as readonly string[]) this.#held.add(id)
  }

  async #write(node: string, commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    const entries = commits.map(toCommitEntry) as { readonly id: string }[]
    entries.sort((a, b) => (a.id < b.id ? -1 : 1))
    const [row] = await this.#query(this.#queries.commit, node, JSON.stringify(entries))
    return toCommitResults(row, commits.length)
  }

  /** Answers those that could not be born: they have ended already. */
  async #bear(through: readonly Through[]): Promise<readonly Link[]> {
    const births = through.flatMap(({ n, outgoing: { births, joins } }) =>
      births.map((actor) => ({ n, actor: { ...actor, owner: null }, held: isHeld(actor, joins) || undefined }))
    )
    if (births.length === 0) return []
    for (const { n, actor, held } of births) {
      this.#held.add(actor.id)
      if (!held) this.#report.wake(n)
    }
    const results = await askUntilTold<(typeof births)[number], InsertResult>(births, async (asked) => {
      const document = toDocument(asked, ({ actor, held }, n) => ({ ...toInsertEntry(actor, n), held }))
      return (await this.#query(this.#queries.insert, document, null)).map(toInsertResult)
    })
    const unborn = births.flatMap(({ n, actor }, index) => {
      const result = results[index] as InsertResult
      if (result.kind === 'inserted' || result.by === 'id') return []
      return [{ n, actor, error: keyTakenError(actor.key as string, result.id) }]
    })
    if (unborn.length === 0) return []
    await this.#query(
      this.#queries.insertFailed,
      toDocument(unborn, ({ actor, error }) => toFailedEntry(actor, error))
    )
    return unborn.map(({ n, actor: { id } }) => ({ n, id, tells: true, done: false, ends: false, cancels: [] }))
  }

  /** Answers what is told of the joins that are over at once. */
  async #join(through: readonly Through[]): Promise<readonly Letter[]> {
    const joins = through.flatMap(({ n, id, outgoing }) => outgoing.joins.map((join) => ({ n, parent: id, ...join })))
    const open = joins.filter((join) => !isOverAtOnce(join))
    if (open.length > 0) await this.#query(this.#queries.openJoins, JSON.stringify(open))
    return joins.filter(isOverAtOnce).map(({ n, parent: actorId, session, need, total }) => {
      return { n, actorId, event: childrenEvent(session, need, total, new Map()), to: null }
    })
  }

  /** Finds who has the keys now. */
  async #address(through: readonly Through[]): Promise<readonly Letter[]> {
    const messages = through.flatMap(({ n, outgoing }) => outgoing.messages.map((message) => ({ n, ...message })))
    const keys = [...new Set(messages.flatMap(({ to }) => ('key' in to ? to.key : [])))]
    const rows = keys.length === 0 ? [] : await this.#query(this.#queries.findKeys, JSON.stringify(keys))
    const owners = new Map(keys.map((key, place) => [key, rows[place]?.['id'] as string | null]))
    return messages.flatMap(({ n, to, event }): readonly Letter[] => {
      const actorId = 'id' in to ? to.id : (owners.get(to.key) ?? null)
      if (actorId !== null && this.#held.has(actorId)) return [{ n, actorId, event, to }]
      if (actorId !== null && 'key' in to) throw new RowsMovedError()
      this.#report.fail(n, { to, reason: 'missing' })
      return []
    })
  }

  async #count(family: readonly Link[]): Promise<readonly Counted[]> {
    if (family.length === 0) return []
    const counted = (await this.#query(this.#queries.countEnds, JSON.stringify(family))).map(toCounted)
    for (const { n, parent } of counted) if (parent === null) this.#report.wake(n)
    return counted
  }

  async #send(letters: readonly Letter[]): Promise<void> {
    if (letters.length === 0) return
    const document = toDocument(letters, ({ actorId, event }, n) =>
      toSignalEntry({ actorId, machine: null, event, dedupKey: null }, n)
    )
    const rows = await this.#query(this.#queries.signal, document, UNLIMITED_INBOX, null)
    for (const [place, { n, actorId, to }] of letters.entries()) {
      const result = toSignalResult(rows[place] as Row)
      if (result.kind === 'queued') this.#report.reach(n, actorId, result.owner, result.seq)
      else if (to !== null) this.#report.fail(n, { to, reason: result.kind === 'missing' ? 'missing' : 'terminated' })
    }
  }

  async #cancelBelow(causes: readonly Cause[], request: Json): Promise<void> {
    if (causes.length === 0) return
    const locked = JSON.stringify([...this.#held])
    const [row] = await this.#query(this.#queries.cancelChildren, JSON.stringify(causes), locked)
    if ((row as Row)['missed'] !== 0) throw new RowsMovedError()
    for (const { n, id, node, seq, wasAsked } of toLiving(row as Row)) {
      if (wasAsked) this.#report.reach(n, id, node, seq)
      else if (!this.#stops.has(id)) this.#stops.set(id, { n, actorId: id, event: request, to: null })
    }
  }

  #query(statement: Statement, ...params: readonly Param[]): Promise<readonly Row[]> {
    return this.#tx.query(statement, params)
  }
}

const toLetters = (counted: readonly Counted[]): readonly Letter[] =>
  counted.flatMap((one) => (one.parent === null ? [] : [{ n: one.n, actorId: one.parent, event: one.event, to: null }]))

const toReleased = (counted: readonly Counted[]): readonly Cause[] =>
  counted.flatMap((one) => (one.parent === null ? [] : (one.released ?? [])))

/** A row is concerned that was not when the locks were taken. The transaction is to be taken back and begun again. */
export class RowsMovedError extends Error {
  /** Postgres for a failure that a retry mends, by which transient-errors.ts knows it. */
  readonly code = '40001'
  constructor() {
    super('rows that a commit reaches did not stand still')
  }
}

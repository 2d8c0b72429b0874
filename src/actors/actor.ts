/**
 * One awake actor: a row that this node leases, and what waits for it.
 *
 *     offer ──► mailbox ──► turn ──► commit ──► effects ──► receipts ──► next turn
 *                             │         └─ stale ──► drop the tree, run nothing, send the entries on to the new owner
 *                             └─ the outcome cannot be stored ──► read the row again, then one entry at a time: only the culprit fails
 *
 * Owns: the phases of an awake actor, and with them the order above. Does not own: the tree and its row (incarnation.ts),
 * deferral (turn.ts), batching (the committer), which actors are awake (registry.ts).
 * Phases: `resting` → `committing` → `resting` …, `loading` while its inbox is read, `reloading` while its row is, `gone` at the end.
 *
 * Invariants
 * 1. A turn runs only while the actor rests: no commit is under way, nothing is being read.
 * 2. Nothing that the world could see (effect, observer, receipt) happens before the commit of its turn is known.
 * 3. After any other answer than `committed` the incarnation is dropped: its tree is one turn ahead of the row.
 * 4. An actor leaves memory only when everything that it holds is in the row, was handed on, or was refused to who sent it.
 */
import { MailboxFullError, SnapshotIllegalError } from '../errors.ts'
import type { Settled } from '../persistence/group-commit.ts'
import { isTerminal, type ClaimedRow, type Commit, type CommitAnswer, type NewActor } from '../persistence/store.ts'
import type { ActorHost } from './actor-host.ts'
import { Alarm } from './alarm.ts'
import { CommitSlot, type UnderWay } from './commit-slot.ts'
import { Incarnation, type Committed, type Outcome } from './incarnation.ts'
import { KnownKeys } from './known-keys.ts'
import { NONE } from './lists.ts'
import { comesFromRow, isSent, Mailbox, refuseMisaddressed, rejectEntry, type Entry } from './mailbox.ts'
import { failsForGood } from './own-transaction.ts'
import { refuseReceipts, resolveReceipts, settleLate, tellEnd, tellFault, tellTurn } from './receipts.ts'
import type { EffectFailure } from './effect-runner.ts'
import type { Registration } from './registration.ts'
import { entriesOfRow, failureEntry } from './row-entries.ts'
import { changesNothing, type Turn } from './turn.ts'

export class Actor {
  readonly id: string
  readonly key: string | null
  readonly queue: string
  readonly registration: Registration
  readonly #about: { readonly id: string; readonly machine: string }
  readonly #host: ActorHost
  readonly #mailbox: Mailbox
  /** What an effect threw that is to be tried again, or what overflowed. */
  #failure: { readonly error: unknown } | null = null
  #hasUnseen = false
  #phase: 'resting' | 'committing' | 'loading' | 'reloading' | 'gone' = 'resting'
  #now: Incarnation
  readonly #commits: CommitSlot
  isExecuting = false // set by room.ts
  /** Then others may wait for it to rest: it keeps its lease only while it has something to do. */
  readonly isOfPartition: boolean
  readonly #knownKeys = new KnownKeys()
  readonly #alarm: Alarm
  /** When it last came to rest, by the monotonic clock in milliseconds. */
  restingSince = performance.now()

  /** Of a row that this node leases: to be offered its start, or to `takeUp` what it was doing. Throws SnapshotIllegalError. */
  constructor(row: NewActor | ClaimedRow, registration: Registration, host: ActorHost) {
    this.id = row.id
    this.key = row.key
    this.queue = row.queue
    this.isOfPartition = row.partitionKey !== null
    this.registration = registration
    this.#about = { id: row.id, machine: registration.name }
    this.#host = host
    this.#mailbox = new Mailbox(host.bounds.mailbox)
    this.#alarm = new Alarm(host.clock, () => this.offer({ kind: 'timers' }))
    this.#commits = new CommitSlot(this, host)
    this.#now = this.#read(row)
    // Nothing of it goes on before `takeUp`, which may have to wait.
    if ('inbox' in row) this.#phase = 'loading'
  }

  /** Takes an entry into the mailbox. A full mailbox refuses what was sent, and ends an actor that floods itself. */
  offer(entry: Entry): void {
    if (this.#phase === 'gone') return isSent(entry) ? this.#host.reroute(this.id, [entry]) : undefined
    if (refuseMisaddressed(entry, this.id, this.registration.name)) return
    if (this.#mailbox.offer(entry)) return this.#phase === 'resting' ? this.#host.schedule(this) : undefined
    const full = new MailboxFullError(this.id, this.#host.bounds.mailbox)
    if (isSent(entry)) return entry.receipt.reject(full)
    this.#failure ??= { error: full }
    if (this.#phase === 'resting') this.#rest()
  }

  /** Runs one turn, if nothing is under way and something waits. */
  turn(): void {
    const entries = this.#phase === 'resting' ? this.#mailbox.next() : NONE
    if (entries.length > 0) this.#run(entries)
    else if (this.isOfPartition) this.passivate()
  }

  /** Its tree, and what else its row says, as last read or committed. */
  get incarnation(): Incarnation {
    return this.#now
  }

  /** No turn is under way and none waits. */
  get isQuiet(): boolean {
    return this.#phase === 'gone' || (this.#phase === 'resting' && this.#mailbox.isEmpty)
  }

  /** Quiet, and no started work would be cut off by leaving memory; with its node, none that has an end. */
  get mayPassivate(): boolean {
    return this.isQuiet && this.#phase !== 'gone' && !this.#now.tree.hasLiveWork(this.#host.isOpen ? 'any' : 'ending')
  }

  /** Tells the row that the effects of the last transition have run; later commits do so along with it. */
  acknowledge(): void {
    if (this.isQuiet && this.#phase !== 'gone' && this.#now.owesAck) this.#submit(this.#now.commitWith({}))
  }

  /** Gives the lease back and leaves memory, unless something comes meanwhile. */
  passivate(): void {
    if (this.mayPassivate) this.#submit(this.#now.commitWith({ release: true }))
  }

  /** Signals have arrived that this actor has not seen: it reads them before its next turn. */
  fetchInbox(): void {
    this.#hasUnseen = true
    if (this.#phase === 'resting') this.#rest()
  }

  /** The lease is lost, or the node goes down: drops everything; whoever waits is told `error`. */
  abandon(error: unknown): void {
    for (const entry of this.#leave()) rejectEntry(entry, error)
  }

  #run(entries: readonly Entry[]): void {
    const startedAt = performance.now()
    let outcome: Outcome
    try {
      const mayLeave = (this.isOfPartition || this.#host.passivateAfterMs === 0) && this.isQuiet
      outcome = this.#now.run(entries, { mayLeave, owesRow: this.#mailbox.owesRow })
    } catch (error) {
      return this.#spoiled(entries, error)
    }
    const { turn, commit } = outcome
    const { status, error } = this.#now.tree
    if (status === 'error' && this.registration.retry) return this.#fault(error, entries)
    const accepted = refuseReceipts(turn, entries, this.#mailbox, { id: this.id, status }, this.#host.bounds.inbox)
    if (changesNothing(turn, entries)) {
      this.#now.inbox.waiting = turn.waiting
      resolveReceipts(turn)
      const owesSeen = this.#now.inbox.owesSeen && !this.#mailbox.owesRow
      return owesSeen ? this.#submit(this.#now.commitWith({})) : this.#rest()
    }
    this.#submit(commit, accepted, turn, startedAt)
  }

  #submit(commit: Commit, entries: readonly Entry[] = NONE, turn: Turn | null = null, startedAt = 0): void {
    this.#phase = 'committing'
    this.#commits.submit({ commit, entries, turn, startedAt, fault: null })
  }

  /** The answer to the commit under way; called by commit-slot.ts. */
  settle(settled: Settled<CommitAnswer>, underWay: UnderWay): void {
    const { commit, entries, turn } = underWay
    if (this.#phase !== 'committing') return void settleLate(settled, entries, turn)
    if (!settled.ok && failsForGood(entries, settled.error)) return this.#fault(settled.error, [])
    if (!settled.ok) return this.#lose(settled.error, entries)
    const result = settled.value
    switch (result.kind) {
      case 'committed':
        // Another node may have run the effects already, from the journal.
        if (!this.#host.holdsLease) return this.abandon(settleLate(settled, entries, turn))
        if (this.#now.committed(commit, result, turn)) this.#hasUnseen = true
        return this.#committed(underWay, result)
      case 'duplicate':
        this.#knownKeys.addAll(result.keys)
        return this.#reload(entries)
      case 'stale':
        this.#host.foundStale(this, commit.version)
        return this.#handOn(entries)
    }
  }

  /** What was committed may show now; then the actor leaves memory, or rests. */
  #committed({ commit, entries, turn, startedAt, fault }: UnderWay, { released }: Committed): void {
    if (turn !== null) {
      this.#effectsFailed(this.#now.perform(turn.effects))
      resolveReceipts(turn)
      tellTurn(this.#host.telemetry, this.#about, turn, commit, startedAt)
    }
    if (fault) tellFault(this.#host.telemetry, this.#about, this.#now.attempt, commit, fault.error)
    else if (released || isTerminal(commit.status)) tellEnd(this.#host.telemetry, this.#about, this.#now)
    else return this.#rest()
    this.#handOn(fault ? entries : NONE)
  }

  /** An effect that throws fails its machine, as an action that throws does in XState; with a retry policy it runs again. */
  #effectsFailed(failures: readonly EffectFailure[]): boolean {
    const [first] = failures
    if (first && this.registration.retry) this.#failure = { error: first.error }
    else if (first) this.#mailbox.putFirst(failures.map(failureEntry))
    return first !== undefined
  }

  /** A turn threw, or its outcome cannot be stored: the tree is spoiled. Find the culprit, spare the rest. */
  #spoiled(entries: readonly Entry[], error: unknown): void {
    const only = entries.length === 1 ? (entries[0] as Entry) : null
    if (only === null) {
      this.#mailbox.separate()
      this.#reload(entries)
    } else if (only.kind === 'send') {
      only.receipt.reject(error)
      this.#reload([])
    } else this.#fault(error, entries)
  }

  /** Reads the row again. What it wants done comes first, then `entries`, then what waits. */
  #reload(entries: readonly Entry[]): void {
    this.#phase = 'reloading'
    this.#now.dispose()
    const left = [...entries.filter((entry) => !comesFromRow(entry)), ...this.#mailbox.takeForReload()]
    this.#host
      .reload(this.id)
      .then((row) => {
        if (this.#phase !== 'reloading') return this.#host.reroute(this.id, left)
        if (row === null) return this.#handOn(left)
        const previous = this.#now
        this.#now = this.#read(row)
        this.takeUp(row, left, previous)
      })
      .catch((error: unknown) => this.#lose(error, left))
  }

  /** The actor cannot go on by itself: try again later, by its retry policy, or park it for an operator. */
  #fault(error: unknown, entries: readonly Entry[]): void {
    const losesEvents = this.#mailbox.hasInternal || entries.some(({ kind }) => kind === 'internal')
    const commit = this.#now.faultCommit(error, losesEvents)
    this.#now.dispose()
    this.#phase = 'committing'
    this.#commits.submit({ commit, entries, turn: null, startedAt: 0, fault: { error } })
  }

  /** The database did not answer. `entries` are refused with that; the row, which may still be ours, is claimed again later. */
  #lose(error: unknown, entries: readonly Entry[]): void {
    for (const entry of entries) rejectEntry(entry, error)
    this.#handOn([])
    this.#host.recover(this.id)
  }

  #read(row: NewActor | ClaimedRow): Incarnation {
    return new Incarnation(row, this.registration, this.#host, this.#knownKeys, (entry) => this.offer(entry))
  }

  /** What the row was doing goes on: its inbox, its timers, its started work, effects that were not acknowledged. */
  takeUp(row: ClaimedRow, entries: readonly Entry[] = [], previous?: Incarnation): void {
    this.#knownKeys.addAll(row.dedupKeys.toReversed())
    try {
      this.#mailbox.putFirst(entriesOfRow(row, this.#now.tree, this.#host.clock.earliestMs()))
    } catch (error) {
      this.#failure = { error }
    }
    this.#mailbox.putFirst(entries)
    if (!this.#effectsFailed(this.#now.takeUp(row, previous))) this.#mailbox.bringInternalForward()
    this.#host.telemetry.emit('actor.hydrated', this.#about)
    this.#rest()
  }

  #rest(): void {
    if (this.#failure !== null) return this.#fault(this.#failure.error, [])
    if (this.#hasUnseen) return this.#loadInbox()
    // An effect that failed has its turn before the end: it makes the end another one.
    const ending = this.#mailbox.isEmpty ? this.#now.endCommit() : null
    if (ending) return this.#submit(ending)
    this.#phase = 'resting'
    this.restingSince = performance.now()
    this.#alarm.set(this.#now.tree.nextTimer()?.dueAt)
    if (!this.isQuiet || (this.isOfPartition && this.mayPassivate)) this.#host.schedule(this)
    else this.#host.setExecuting(this, this.#now.tree.hasLiveWork())
  }

  /** Its failure costs only time: the row says that signals are unseen, and the next look finds it. */
  #loadInbox(): void {
    this.#phase = 'loading'
    this.#hasUnseen = false
    this.#host
      .loadInbox(this.id, this.#now.inbox.seen)
      .then((signals) => this.#phase === 'loading' && this.#mailbox.putFirst(this.#now.inbox.see(signals)))
      .catch((error: unknown) => error instanceof SnapshotIllegalError && (this.#failure = { error }))
      .finally(() => this.#phase === 'loading' && this.#rest())
  }

  /** Leaves memory; what came from outside and is not in the row goes to whoever has the actor next. */
  #handOn(entries: readonly Entry[]): void {
    const left = [...entries, ...this.#leave()].filter(isSent)
    if (left.length > 0) this.#host.reroute(this.id, left)
  }

  #leave(): readonly Entry[] {
    if (this.#phase === 'gone') return []
    this.#phase = 'gone'
    this.#host.setExecuting(this, false)
    this.#alarm.set(undefined)
    this.#now.dispose()
    this.#host.left(this)
    return this.#mailbox.takeAll()
  }
}

/**
 * One reading of a row: the tree that it became, and what else the row said.
 *
 * An actor has one incarnation at a time and makes another by reading its row again. An incarnation is never repaired: when
 * a commit does not go through, its tree is one turn ahead of the row, and it is dropped.
 *
 * Owns: the tree, the version that it stands at, the events that wait for a state that takes them, how outcomes become commits.
 * Does not own: when turns run and commits go out (actor.ts), what a turn does (turn.ts).
 *
 * Invariants
 * 1. Between turns, tree, `version` and `waiting` are exactly what the row holds.
 * 2. Messages of a dropped incarnation's tree (work that still runs, held refs) reach nobody.
 */
import { checkSize } from '../bounds.ts'
import { DurableRef } from '../logics/durable-ref.ts'
import type { ActorStatus, ClaimedRow, Commit, CommitResult, Json, NewActor } from '../persistence/store.ts'
import type { ActorHost } from './actor-host.ts'
import { type EffectFailure, EffectRunner, type Performer } from './effect-runner.ts'
import { deferredOf, Inbox } from './inbox.ts'
import type { KnownKeys } from './known-keys.ts'
import { NONE } from './lists.ts'
import type { Entry } from './mailbox.ts'
import { NOTHING_OUT, outgoingOf } from './outgoing.ts'
import type { OwnStep } from './own-transaction.ts'
import type { Registration } from './registration.ts'
import { nextAttemptInMs } from '../retry-policy.ts'
import { endOf, liveStatus } from './row-status.ts'
import { encodeError } from './snapshot-codec.ts'
import { type Host as TreeHost, MachineTree, markPerformed, type TreeEffect } from './transition.ts'
import { runTurn, type Turn, type TurnRules } from './turn.ts'

export type Committed = Extract<CommitResult, { kind: 'committed' }>

export interface Outcome {
  readonly turn: Turn
  readonly commit: Commit
}

export class Incarnation implements Performer {
  readonly tree: MachineTree
  readonly id: string
  readonly #registration: Registration
  readonly #host: ActorHost
  readonly #rules: TurnRules & { readonly knownKeys: KnownKeys }
  version = 0
  /** Claims since the last progress. */
  attempt = 0
  readonly inbox: Inbox
  sizeBytes = 0
  /** The snapshot that was last committed, and whose effects have run. */
  shown: MachineTree['snapshot'] | undefined
  #timerAt: number | null = null
  #stopReason: string | null = null
  /** The journal in the row. */
  #journal: Json | null = null
  readonly #runner = new EffectRunner(this)
  readonly #enqueue: (entry: Entry) => void
  readonly #isChild: boolean
  #isDisposed = false

  /** Throws SnapshotIllegalError where the row cannot be brought to life. */
  constructor(
    row: NewActor | ClaimedRow,
    registration: Registration,
    host: ActorHost,
    knownKeys: KnownKeys,
    enqueue: (entry: Entry) => void
  ) {
    const { id } = row
    this.#rules = { unhandled: registration.unhandled, knownKeys, inboxLimit: host.bounds.inbox }
    this.id = id
    this.#registration = registration
    this.#host = host
    const treeHost: TreeHost = {
      enqueue: (sessionId, event, source) => {
        if (!this.#isDisposed) enqueue({ kind: 'internal', sessionId, event, source })
      },
      observe: (notice, value) => host.observers.observe(id, notice, value),
      emit: (sessionId, event) => {
        if (this.tree.isRoot(sessionId)) host.observers.emit(id, event)
      },
      log: host.log,
      inspection: host.observers.inspectors,
      parent: row.parent ? new DurableRef({ id: row.parent.id }) : undefined,
      retrying: (sessionId, attempt, error, retryInMs) => {
        const about = { id, machine: registration.name, work: sessionId }
        host.telemetry.emit('activity.retrying', { ...about, attempt, error, retryInMs })
      }
    }
    this.#enqueue = enqueue
    this.#isChild = row.parent !== null
    // A signal for an actor at rest has made its row `ready`.
    const isWoken = 'inbox' in row && row.status === 'ready' && row.inbox.length > 0
    this.inbox = new Inbox(id, 'version' in row ? row.inboxSeq : 0, isWoken)
    if (!('snapshot' in row) || row.snapshot === null) {
      this.tree = MachineTree.create(registration.blueprint, id, treeHost)
    } else {
      this.tree = MachineTree.hydrate(registration.blueprint, id, treeHost, row.snapshot)
      this.shown = this.tree.snapshot
      this.sizeBytes = row.snapshot.length
      this.#timerAt = this.tree.nextTimer()?.dueAt ?? null
    }
    if ('version' in row) {
      this.version = row.version
      this.attempt = row.attempt
    }
  }

  /** Drops the tree: its work is aborted, its messages go nowhere. */
  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    for (const error of this.tree.dispose()) this.effectFailed('stop', error)
  }

  /**
   * Takes up what the row was doing: started work, and effects that were committed but not acknowledged, in order.
   * `previous`: the incarnation that this one replaces in the same process; effects that it has run do not run again.
   */
  takeUp(row: ClaimedRow, previous?: Incarnation): readonly EffectFailure[] {
    this.tree.introduce()
    if (row.journal === null) return this.#runner.start(this.tree.workToStart())
    const { effects, performed, version, problems } = this.tree.decodeJournal(row.journal, row.journalBefore)
    const { name } = this.#registration
    this.#journal = row.journal
    const done = previous?.version === this.version ? previous.#runner.performed : performed
    this.#runner.performed = done
    const left = effects.slice(done)
    if (left.length > 0) {
      this.#host.telemetry.emit('effect.rerun', { id: this.id, machine: name, count: left.length })
    }
    if (problems.length > 0) this.#host.telemetry.emit('journal.diverged', { id: this.id, machine: name, problems })
    // Work that was started before the effect that failed died with its process, too.
    const started = new Set(left.flatMap((effect) => (effect.kind === 'start' ? [effect.sessionId] : [])))
    const others = this.tree.workToStart().filter((effect) => !started.has(effect.sessionId))
    const failures = this.#runner.start(others)
    if (failures.length > 0 && this.#registration.retry) return failures
    return [...failures, ...this.#runner.run(left, version ?? this.version)]
  }

  /**
   * Runs a turn. Throws where the outcome cannot be stored; the incarnation is spoiled then. `mayLeave`: the actor may leave memory
   * with it. `owesRow`: not all that the row wants done is in this turn or one before.
   */
  run(entries: readonly Entry[], actor: { readonly mayLeave: boolean; readonly owesRow: boolean }): Outcome {
    const { clock, bounds, registrations } = this.#host
    const time = { earliestMs: clock.earliestMs(), latestMs: clock.latestMs() }
    this.tree.introduce()
    const turn = runTurn(this.tree, entries, this.inbox.waiting, this.#rules, time)
    this.#stopReason ??= turn.stopReason
    const journal = this.tree.encodeJournal(turn.effects)
    const hasLiveWork = this.tree.hasLiveWork()
    const snapshot = this.tree.persist()
    checkSize('snapshot', snapshot, bounds)
    const isActive = this.tree.status === 'active'
    // An actor whose last effects have not run yet is not over: whoever takes it up must run them.
    const end = isActive || journal !== null ? null : endOf(this.tree, this.#stopReason)
    const { id, tree } = this
    const sender = { id, tree, registrations, bounds }
    const outgoing = outgoingOf(turn.effects, sender, end !== null && this.#isChild)
    const commit: Commit = {
      id,
      version: this.version,
      snapshot,
      status: end?.status ?? liveStatus(!isActive || hasLiveWork, actor.owesRow),
      output: end?.output ?? null,
      lastError: end?.lastError ?? null,
      journal: journal?.journal ?? null,
      journalNeedsBefore: journal?.needsBefore ?? false,
      timerAt: this.tree.nextTimer()?.dueAt ?? null,
      deferred: deferredOf(turn),
      consumed: turn.consumed,
      dedupKeys: keysOf(turn),
      inboxSeen: this.inbox.seen,
      release: isActive && journal === null && !hasLiveWork && actor.mayLeave,
      retryInMs: null
    }
    return { turn, commit: this.#encode(outgoing === undefined ? commit : { ...commit, outgoing }) }
  }

  /** The commit that ends an actor whose last effects have run; null while its machine is active. */
  endCommit(): Commit | null {
    if (this.tree.status === 'active') return null
    const told = this.#isChild ? { outgoing: { ...NOTHING_OUT, tellsParent: true } } : {}
    return this.commitWith({ ...endOf(this.tree, this.#stopReason), timerAt: null, ...told })
  }

  /**
   * The commit of an attempt that failed: to be tried again by the retry policy, or parked. Effects that are left stay in the
   * journal; all of them do where events that they sent to the actor itself are lost with it.
   */
  faultCommit(error: unknown, losesEvents: boolean): Commit {
    const journal = this.#journal && this.#host.registrations.codecs.decode(this.id, this.#journal)
    const retryInMs = nextAttemptInMs(this.#registration.retry, Math.max(this.attempt, 1), Math.random())
    return this.commitWith({
      status: retryInMs === null ? 'parked' : 'waiting',
      retryInMs,
      lastError: encodeError(error),
      journal: journal === null ? null : markPerformed(journal, losesEvents ? 0 : this.#runner.performed)
    })
  }

  /** A commit that leaves all as it is and acknowledges the effects, but for `changes`. */
  commitWith(changes: Partial<Commit>): Commit {
    return this.#encode({
      id: this.id,
      version: this.version,
      snapshot: null,
      status: this.#restingStatus,
      output: null,
      lastError: null,
      journal: null,
      journalNeedsBefore: false,
      timerAt: this.#timerAt,
      deferred: NONE,
      consumed: NONE,
      dedupKeys: NONE,
      inboxSeen: this.inbox.seen,
      release: false,
      retryInMs: null,
      ...changes
    })
  }

  #encode(commit: Commit): Commit {
    return this.#host.registrations.codecs.encodeCommit(this.#registration.name, commit)
  }

  /** Of an actor that has started: what it was claimed for, being `ready`, is done or under way. */
  get #restingStatus(): ActorStatus {
    if (this.version === 0) return 'ready'
    return this.tree.hasLiveWork() ? 'running' : 'waiting'
  }

  /** A commit of this incarnation, of a turn or of none, is in the row. true: signals have arrived that it has not seen. */
  committed(commit: Commit, result: Committed, turn: Turn | null): boolean {
    if (this.#journal !== null && commit.journal === null && commit.retryInMs === null) this.attempt = 0
    this.#journal = commit.journal
    this.#timerAt = commit.timerAt
    if (turn !== null) {
      this.version++
      this.attempt = 0
      this.sizeBytes = commit.snapshot?.length ?? 0
      this.#rules.knownKeys.addAll(commit.dedupKeys)
    }
    this.inbox.committed(commit, result, turn?.waiting ?? this.inbox.waiting)
    for (const { dedupKey } of commit.deferred) if (dedupKey !== null) this.#rules.knownKeys.addAll([dedupKey])
    return this.inbox.unseen > 0
  }

  /** Runs the effects of the turn that was just committed, in order, and gives back those that threw. */
  perform(effects: readonly TreeEffect[]): readonly EffectFailure[] {
    this.#runner.performed = 0
    const failures = this.#runner.run(effects, this.version)
    // A machine whose last action throws has not come to the end that its snapshot tells.
    if (!failures.some(({ effect }) => this.tree.isRoot(effect.sessionId))) this.shown = this.tree.snapshot
    return failures
  }

  /** Effects have run that the row does not know of yet. */
  get owesAck(): boolean {
    return this.#journal !== null
  }

  get triesAgain(): boolean {
    return this.#registration.retry !== null
  }

  get holdsLease(): boolean {
    return this.#host.holdsLease
  }

  get permits(): ActorHost['permits'] {
    return this.#host.permits
  }

  effectFailed(kind: TreeEffect['kind'], error: unknown): void {
    const { name } = this.#registration
    this.#host.telemetry.emit('effect.failed', { id: this.id, machine: name, effect: kind, error })
  }

  transact(sessionId: string, work: OwnStep['work'], signal: AbortSignal): Promise<void> {
    const deliver: OwnStep['deliver'] = (data, transaction) => {
      const event = { type: 'xstate.promise.resolve', data }
      this.#enqueue({ kind: 'internal', sessionId, event, source: sessionId, transaction })
    }
    return this.#host.transact(this.id, { work, signal, deliver })
  }
}

function keysOf({ applied }: Turn): readonly string[] {
  return applied.every(({ dedupKey }) => dedupKey === null) ? NONE : applied.flatMap(({ dedupKey }) => dedupKey ?? [])
}

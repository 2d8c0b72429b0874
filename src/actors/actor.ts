/**
 * One awake actor: a row that this node leases, and what waits for it.
 *
 *     offer ──► mailbox ──► turn ──► commit ──► effects ──► receipts ──► next turn
 *                             │         └─ stale ──► drop the tree, run nothing, send the entries on to the new owner
 *                             └─ the outcome cannot be stored ──► read the row again, then one entry at a time: only the culprit fails
 *
 * Owns: the phases of an awake actor, and with them the order above. Does not own: the tree and its row (incarnation.ts),
 * deferral (turn.ts), batching (the committer), which actors are awake (registry.ts).
 *
 * Phases: `resting` → `committing` → `resting` …, `reloading` while the row is read again, `gone` at the end.
 *
 * Invariants
 * 1. At most one commit of an actor is under way, and no turn runs while it is.
 * 2. Nothing that the world could see (effect, observer, receipt) happens before the commit of its turn is known.
 * 3. After any other answer than `committed` the incarnation is dropped: its tree is one turn ahead of the row.
 * 4. An actor leaves memory only when everything that it holds is in the row, was handed on, or was refused to who sent it.
 */
import { ActorTerminatedError, InboxFullError, MailboxFullError } from '../errors.ts'
import { isTerminal, type ClaimedRow, type Commit } from '../persistence/store.ts'
import type { ActorHost } from './actor-host.ts'
import { Incarnation, type Committed, type EffectFailure, type Outcome } from './incarnation.ts'
import { Mailbox, rejectEntry, type Entry, type SendEntry } from './mailbox.ts'
import type { Registration } from './registration.ts'
import { backOffMs } from './retry-policy.ts'
import type { MachineTree, TreeEffect } from './transition.ts'
import type { Turn } from './turn.ts'

/** Keys remembered per awake actor, so that one that comes again soon is answered without the database. */
const REMEMBERED_KEYS = 256

type RowIdentity = Pick<ClaimedRow, 'id' | 'key' | 'queue'>

type Phase = 'resting' | 'committing' | 'reloading' | 'gone'

export class Actor {
  readonly id: string
  readonly key: string | null
  readonly queue: string
  readonly registration: Registration
  readonly #host: ActorHost
  readonly #mailbox: Mailbox
  /** Turns that go before the mailbox: what a row wants done, entries tried one by one, the failure of an effect. */
  #first: (readonly Entry[])[] = []
  /** While the culprit of a spoiled turn is sought, every entry has a turn of its own. */
  #oneByOne = false
  #isExecuting = false
  /** What an effect threw that is to be tried again. */
  #failure: unknown
  #phase: Phase = 'resting'
  #now!: Incarnation
  readonly #knownKeys = new Set<string>()
  #alarm: { readonly dueAt: number; readonly cancel: () => void } | undefined
  /** When it last came to rest, by the monotonic clock in milliseconds. */
  restingSince = performance.now()

  private constructor(row: RowIdentity, registration: Registration, host: ActorHost) {
    this.id = row.id
    this.key = row.key
    this.queue = row.queue
    this.registration = registration
    this.#host = host
    this.#mailbox = new Mailbox(host.limits.mailbox)
  }

  /** An actor whose row was inserted a moment ago, leased by this node. */
  static born(row: RowIdentity, registration: Registration, input: unknown, host: ActorHost): Actor {
    const actor = new Actor(row, registration, host)
    actor.#now = Incarnation.born(row.id, registration, host, actor.#enqueue)
    actor.offer({ kind: 'start', input })
    return actor
  }

  /**
   * An actor from a row that this node has claimed. Call `takeUp` once it can be found by its id.
   * Throws SnapshotIllegalError where the row cannot be brought back.
   */
  static of(row: ClaimedRow, registration: Registration, host: ActorHost): Actor {
    const actor = new Actor(row, registration, host)
    actor.#now = Incarnation.of(row, registration, host, actor.#enqueue)
    return actor
  }

  // ── what the house may ask ────────────────────────────────────────────────────────────────────────────────────

  /** Takes an entry into the mailbox. A full mailbox refuses what was sent, and ends an actor that floods itself. */
  offer(entry: Entry): void {
    if (this.#phase === 'gone') return this.#host.reroute(this.id, [entry])
    if (this.#mailbox.offer(entry)) return this.#phase === 'resting' ? this.#wake() : undefined
    const full = new MailboxFullError(this.id, this.#host.limits.mailbox)
    if (entry.kind === 'send' || entry.kind === 'stop') entry.receipt.reject(full)
    else if (this.#phase === 'resting') this.#fault(full, [])
  }

  /** Runs one turn, if nothing is under way and something waits. */
  turn(): void {
    if (this.#phase !== 'resting') return
    const entries = this.#first.shift() ?? this.#takeMail()
    if (entries.length > 0) this.#run(entries)
  }

  #takeMail(): readonly Entry[] {
    this.#oneByOne = false
    return this.#mailbox.takeAll()
  }

  /** The snapshot that was last committed; undefined before the first commit. */
  get snapshot(): MachineTree['snapshot'] | undefined {
    return this.#now.shown
  }

  get sizeBytes(): number {
    return this.#now.sizeBytes
  }

  /** No turn is under way and none waits. */
  get isQuiet(): boolean {
    return this.#phase === 'gone' || (this.#phase === 'resting' && this.#mailbox.size === 0 && this.#first.length === 0)
  }

  /** Quiet, and no started work would be cut off by leaving memory. */
  get mayPassivate(): boolean {
    return this.#phase === 'resting' && this.isQuiet && !this.#now.tree.hasLiveWork()
  }

  /** Effects have run that the row does not know of yet. */
  get owesAck(): boolean {
    return this.#phase !== 'gone' && this.#now.owesAck
  }

  /** Tells the row that the effects of the last transition have run; later commits do so by the way. */
  acknowledge(): void {
    if (!this.owesAck || this.#phase !== 'resting' || !this.isQuiet) return
    this.#submit(this.#now.commitWith({}), () => this.#rest())
  }

  /** Gives the lease back and leaves memory, unless something comes meanwhile. */
  passivate(): void {
    if (!this.mayPassivate) return
    this.#submit(this.#now.commitWith({ release: true }), ({ released }) => {
      if (!released) return this.#rest()
      this.#host.telemetry.emit('actor.passivated', { id: this.id, machine: this.registration.name })
      this.#handOn([])
    })
  }

  /** Signals have arrived that this actor has not seen. */
  async fetchInbox(): Promise<void> {
    if (this.#phase === 'gone') return
    const incarnation = this.#now
    const seen = incarnation.inboxSeen
    const signals = await this.#host.loadInbox(this.id, seen)
    if (incarnation !== this.#now || incarnation.inboxSeen !== seen) return
    for (const entry of incarnation.see(signals)) this.offer(entry)
  }

  /** The lease is lost, or the node goes down: drops everything; whoever waits is told `error`. */
  abandon(error: unknown): void {
    for (const entry of this.#leave()) rejectEntry(entry, error)
  }

  // ── a turn and its commit ─────────────────────────────────────────────────────────────────────────────────────

  #run(entries: readonly Entry[]): void {
    const startedAt = performance.now()
    const incarnation = this.#now
    let outcome: Outcome
    try {
      outcome = incarnation.run(entries, this.#knownKeys, () => this.#host.passivateAfterMs === 0 && this.isQuiet)
    } catch (error) {
      return this.#spoiled(entries, error)
    }
    const { turn, commit } = outcome
    if (incarnation.tree.status === 'error' && this.registration.retry) return this.#fault(incarnation.tree.error, entries)
    const accepted = this.#refuse(turn, entries)
    this.#submit(commit, (result) => this.#finish(outcome, result, performance.now() - startedAt), accepted, turn)
  }

  /** The turn is committed: now it may show. */
  #finish({ turn, commit }: Outcome, { released }: Committed, durationMs: number): void {
    const failure = this.#now.perform(turn.effects)
    if (failure) this.#effectFailed(failure)
    for (const entry of turn.applied) this.#accept(entry, 'applied')
    for (const { send } of turn.waiting) if (send) this.#accept(send, 'deferred')
    for (const entry of turn.duplicates) this.#accept(entry, 'duplicate')
    for (const entry of turn.stops) entry.receipt.resolve()
    this.#tell(turn, commit, durationMs)
    if (isTerminal(commit.status)) this.#end()
    else if (released) this.#handOn([])
    else this.#rest()
  }

  #tell({ applied, consumed, waiting }: Turn, { status, deferred }: Commit, durationMs: number): void {
    const { telemetry } = this.#host
    const about = { id: this.id, machine: this.registration.name }
    const kind = status === 'done' || status === 'failed' || status === 'stopped' ? status : 'transition'
    telemetry.emit('step.stop', { ...about, kind, durationMs, events: applied.length + consumed.length })
    if (deferred.length > 0) telemetry.emit('signal.deferred', { ...about, count: deferred.length, waiting: waiting.length })
  }

  /** Answers what needs no commit because it changes nothing; returns the other entries. */
  #refuse({ refused, overflowed }: Turn, entries: readonly Entry[]): readonly Entry[] {
    if (refused.length === 0 && overflowed.length === 0) return entries
    for (const entry of refused) entry.receipt.reject(new ActorTerminatedError(this.id, this.#now.tree.status))
    for (const entry of overflowed) entry.receipt.reject(new InboxFullError(this.id, this.#host.limits.inbox))
    const answered = new Set<Entry>([...refused, ...overflowed])
    return entries.filter((entry) => !answered.has(entry))
  }

  #accept({ dedupKey, receipt }: SendEntry, status: 'applied' | 'deferred' | 'duplicate'): void {
    if (dedupKey !== null) this.#remember(dedupKey)
    receipt.resolve(status)
  }

  #remember(dedupKey: string): void {
    if (this.#knownKeys.size >= REMEMBERED_KEYS) this.#knownKeys.clear()
    this.#knownKeys.add(dedupKey)
  }

  /** `entries` are handed on, tried again or refused where the commit does not go through. */
  #submit(
    commit: Commit,
    onCommitted: (result: Committed) => void,
    entries: readonly Entry[] = [],
    turn: Turn | null = null
  ): void {
    this.#phase = 'committing'
    this.#host.commit(commit, (settled) => {
      if (this.#phase !== 'committing') return
      if (!settled.ok) return this.#lose(settled.error, entries)
      const result = settled.value
      switch (result.kind) {
        case 'committed':
          if (this.#now.committed(commit, result, turn)) this.#host.fetchInbox(this)
          return onCommitted(result)
        case 'duplicate':
          for (const key of result.keys) this.#remember(key)
          return this.#reload(entries)
        case 'stale':
          this.#host.telemetry.emit('commit.stale', { id: this.id, machine: this.registration.name, version: commit.version })
          return this.#handOn(entries)
      }
    })
  }

  /** An effect that throws fails the machine, as an action that throws does in XState; with a retry policy it runs again. */
  #effectFailed({ effect, error }: EffectFailure): void {
    if (this.registration.retry) this.#failure = error
    else this.#first.unshift([{ kind: 'failure', sessionId: effect.sessionId, error }])
  }

  // ── what can go wrong ─────────────────────────────────────────────────────────────────────────────────────────

  /** A turn threw, or its outcome cannot be stored: the tree is spoiled. Find the culprit, spare the rest. */
  #spoiled(entries: readonly Entry[], error: unknown): void {
    const only = entries.length === 1 ? (entries[0] as Entry) : null
    if (only === null) {
      this.#oneByOne = true
      this.#reload(entries)
    } else if (only.kind === 'send') {
      only.receipt.reject(error)
      this.#reload([])
    } else {
      this.#fault(error, entries)
    }
  }

  /** Reads the row again. What it wants done comes first, then `entries`, then what waits. */
  #reload(entries: readonly Entry[]): void {
    this.#phase = 'reloading'
    this.#now.dispose()
    const left = [...entries, ...this.#first.flat()].filter((entry) => !comesFromRow(entry))
    this.#first = []
    this.#host.reload(this.id).then(
      (row) => {
        if (this.#phase !== 'reloading') return
        if (row === null) return this.#handOn(left)
        this.#now = Incarnation.of(row, this.registration, this.#host, this.#enqueue)
        this.takeUp(row)
        this.#putFirst(left)
      },
      (error: unknown) => this.#lose(error, left)
    )
  }

  /** The actor cannot go on by itself: try again later, by its retry policy, or park it for an operator. */
  #fault(error: unknown, entries: readonly Entry[]): void {
    const { retry, name } = this.registration
    const attempt = Math.max(this.#now.attempt, 1)
    const retryInMs = retry && attempt < retry.maxAttempts ? backOffMs(retry, attempt, Math.random()) : null
    this.#now.dispose()
    this.#submit(this.#now.faultCommit(error, retryInMs), () => this.#handOn(entries), entries)
    if (retryInMs === null) this.#host.telemetry.emit('actor.parked', { id: this.id, machine: name, reason: error })
    else this.#host.telemetry.emit('actor.retry', { id: this.id, machine: name, attempt, retryInMs, error })
  }

  /** The database did not answer. `entries` are refused with that; the row, which may still be ours, is claimed again later. */
  #lose(error: unknown, entries: readonly Entry[]): void {
    for (const entry of entries) rejectEntry(entry, error)
    this.#handOn([])
    this.#host.recover(this.id)
  }

  // ── coming, resting, going ────────────────────────────────────────────────────────────────────────────────────

  readonly #enqueue = (entry: Entry): void => this.offer(entry)

  /** What the row was doing goes on: its inbox, its timers, its started work, effects that were not acknowledged. */
  takeUp(row: ClaimedRow): void {
    this.#putFirst(this.#now.entriesOf(row))
    const failure = this.#now.takeUp(row)
    if (failure) this.#effectFailed(failure)
    this.#host.telemetry.emit('actor.hydrated', { id: this.id, machine: this.registration.name })
    this.#rest()
  }

  #putFirst(entries: readonly Entry[]): void {
    if (this.#oneByOne) this.#first.push(...entries.map((entry) => [entry]))
    else if (entries.length > 0) this.#first.push(entries)
  }

  #rest(): void {
    if (this.#failure !== undefined) return this.#fault(this.#failure, [])
    const ending = this.#now.endCommit()
    if (ending) return this.#submit(ending, () => this.#end())
    this.#phase = 'resting'
    this.restingSince = performance.now()
    this.#setAlarm()
    if (!this.isQuiet) this.#wake()
    else this.#countAsExecuting(this.#now.tree.hasLiveWork())
  }

  #wake(): void {
    this.#countAsExecuting(true)
    this.#host.schedule(this)
  }

  #countAsExecuting(isExecuting: boolean): void {
    if (this.#isExecuting === isExecuting) return
    this.#isExecuting = isExecuting
    this.#host.countExecuting(this.queue, isExecuting ? 1 : -1)
  }

  #setAlarm(): void {
    const dueAt = this.#now.tree.nextTimer()?.dueAt
    if (dueAt === this.#alarm?.dueAt) return
    this.#alarm?.cancel()
    this.#alarm =
      dueAt === undefined
        ? undefined
        : { dueAt, cancel: this.#host.clock.schedule(dueAt, () => this.#enqueue({ kind: 'timers' })) }
  }

  #end(): void {
    const { inboxSeen, waiting } = this.#now
    if (waiting.length > 0) {
      this.#host.telemetry.emit('signal.unconsumed', { id: this.id, machine: this.registration.name, count: waiting.length })
    }
    this.#handOn([])
  }

  /** Leaves memory; what came from outside and is not in the row goes to whoever has the actor next. */
  #handOn(entries: readonly Entry[]): void {
    const left = [...entries, ...this.#leave()].filter((entry) => entry.kind === 'send' || entry.kind === 'stop')
    if (left.length > 0) this.#host.reroute(this.id, left)
  }

  #leave(): readonly Entry[] {
    if (this.#phase === 'gone') return []
    this.#phase = 'gone'
    this.#countAsExecuting(false)
    this.#alarm?.cancel()
    this.#now.dispose()
    this.#host.left(this)
    return [...this.#first.flat(), ...this.#mailbox.takeAll()]
  }
}

/** Entries that a row brings along each time it is read. */
const comesFromRow = (entry: Entry): boolean =>
  entry.kind === 'signal' || entry.kind === 'timers' || entry.kind === 'start' || entry.kind === 'failure'

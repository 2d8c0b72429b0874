/**
 * The actors of this node, under one lease of its.
 *
 *     deliver(id, entry) ──► awake here: its mailbox
 *                        ──► else arrivals.ts: claim its row and wake it, or use its durable inbox
 *
 * Owns: finding, waking and birthing actors, and what they need of the node (ActorHost). One engine lives as long as one lease; when that
 * is lost, everything in here is dropped and another engine begins with another node id.
 * Does not own: the life of an actor (actor.ts), loops (supervisor/).
 *
 * Invariant
 * 1. An actor runs here only if this node knows its machine and serves its queue.
 */
import type { Clock } from '../clock.ts'
import type { Bounds } from '../bounds.ts'
import type { NodePermits } from '../limiting/permits.ts'
import type { BatchedStore } from '../persistence/batched-store.ts'
import type { Settled } from '../persistence/group-commit.ts'
import type {
  ClaimedRow,
  Commit,
  CommitAnswer,
  CommittedOutgoing,
  NewActor,
  Signal,
  Store
} from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { ActorHost } from './actor-host.ts'
import { Actor } from './actor.ts'
import { Arrivals } from './arrivals.ts'
import { ClaimedRows } from './claimed-rows.ts'
import type { Entry } from './mailbox.ts'
import type { Observers } from './observers.ts'
import { runTransactionStep, type OwnStep } from './own-transaction.ts'
import { Post } from './post.ts'
import { Registry } from './registry.ts'
import type { Registrations } from './registration.ts'
import { Room } from './room.ts'
import { giveBackNewbornCommit } from './row-commits.ts'
import { Strangers } from './strangers.ts'
import { Strays } from './strays.ts'
import { Turns } from './turns.ts'

export interface EngineOptions {
  readonly node: string
  readonly store: Store
  readonly batched: BatchedStore
  readonly registrations: Registrations
  /** Actors executing at once, by queue; a queue that is not named is not served here. */
  readonly queues: Readonly<Record<string, number>>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly observers: Observers
  readonly log: (...args: unknown[]) => void
  readonly bounds: Bounds
  readonly permits: NodePermits
  /** Whether no other node can have taken this one's actors yet. */
  readonly holdsLease: () => boolean
  readonly passivateAfterMs: number
  readonly maxResident: number
  readonly maxResidentBytes: number
  /** Rows have come about, or can be had, that some picker should look at. */
  readonly poke: () => void
  /** An actor that another node has was sent something. */
  readonly tellOwner: (node: string, id: string) => void
}

/** An acknowledgement waits this long for the actor's next commit, which would do it along with the rest. */
const ACK_AFTER_MS = 50

export class Engine implements ActorHost {
  readonly #options: EngineOptions
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly bounds: Bounds
  readonly permits: NodePermits
  readonly observers: Observers
  readonly log: (...args: unknown[]) => void
  readonly registry: Registry
  readonly room: Room
  readonly strangers: Strangers
  readonly #arrivals: Arrivals
  readonly #claimed: ClaimedRows
  readonly #strays: Strays
  readonly #turns: Turns
  readonly post: Post
  /** Actors whose rows were claimed while they were here. */
  readonly #claimedTwice = new Set<string>()
  #phase: 'open' | 'closed' | 'abandoned' = 'open'

  constructor(options: EngineOptions) {
    this.#options = options
    this.clock = options.clock
    this.telemetry = options.telemetry
    this.bounds = options.bounds
    this.permits = options.permits
    this.observers = options.observers
    this.log = options.log
    this.strangers = new Strangers(options.telemetry)
    this.registry = new Registry({ maxActors: options.maxResident, maxBytes: options.maxResidentBytes })
    this.room = new Room(options.queues, () => this.registry.room - this.#arrivals.size)
    this.#arrivals = new Arrivals({
      batched: options.batched,
      bounds: options.bounds,
      codecs: options.registrations.codecs,
      // The one that asks is counted among those that are on their way.
      mayClaim: (id) => this.room.servesAny && this.isOpen && this.room.free >= 0 && !this.strangers.has(id),
      awaken: (row) => this.awaken(row),
      recover: (id) => this.recover(id),
      queued: (id, owner) => this.post.arrived(id, owner)
    })
    const { registrations, bounds, telemetry, batched } = options
    this.#claimed = new ClaimedRows({
      rules: { registrations, bounds, serves: (queue) => this.room.serves(queue) && this.isOpen },
      batched,
      telemetry,
      arrivals: this.#arrivals,
      strangers: this.strangers,
      awaken: (row) => this.awaken(row),
      recover: (id) => this.recover(id),
      poke: options.poke
    })
    const { room, permits } = this
    this.#turns = new Turns({ room, permits, crashed: (actor, error) => this.crashed(actor, error) })
    this.#strays = new Strays(this.registry, this.#arrivals)
    this.post = new Post({ ...options, registry: this.registry, strays: this.#strays })
  }

  // ── for the runtime and the pickers ───────────────────────────────────────────────────────────────────────────

  /** Takes an entry to an actor, wherever that is. Its receipt tells how that went. */
  deliver(id: string, entry: Entry): void {
    const actor = this.#arrivals.has(id) ? undefined : this.registry.get(id)
    if (actor) actor.offer(entry)
    else this.#arrivals.add(id, entry)
  }

  /** Begins an actor whose row was inserted with this node as its owner, in room that was taken for it. */
  birth(row: NewActor, input: unknown): void {
    this.room.give(row.queue)
    const registration = this.#options.registrations.find(row.machine, row.machineVersion)
    if (!this.isOpen) return this.#options.batched.commit(giveBackNewbornCommit(row), () => this.#options.poke())
    if (registration === undefined || this.registry.get(row.id)) return
    const actor = new Actor(row, registration, this)
    this.registry.add(actor)
    actor.offer({ kind: 'start', input })
    this.#strays.welcome(actor)
  }

  /** Wakes the actor of a row that this node has claimed. */
  awaken(claimed: ClaimedRow): void {
    if (!this.holdsLease) return
    const present = this.registry.get(claimed.id)
    if (present) return this.#join(claimed.id, present)
    const waking = this.#claimed.settle(claimed)
    if (waking === null) return
    const { registration, row } = waking
    let actor: Actor
    try {
      actor = new Actor(row, registration, this)
    } catch (error) {
      return this.#claimed.park(claimed, error)
    }
    this.registry.add(actor)
    const last = this.observers.lastVersions.get(row.id)
    if (this.observers.lastVersions.takeRegressed(last, row)) this.observers.goBack(row, last.version)
    if (row.snapshot !== null) this.observers.catchUp(row.id, row.version, actor.incarnation.shown)
    this.#turns.run(actor, () => actor.takeUp(row))
    this.#strays.welcome(actor)
    for (const entry of this.#arrivals.take(row.id)) this.deliver(row.id, entry)
  }

  /** A claim came back for an actor that is here already: born, or picked, meanwhile; or about to give up the lease, which must be taken back. */
  #join(id: string, present: Actor): void {
    this.#claimedTwice.add(id)
    present.fetchInbox()
    for (const entry of this.#arrivals.take(id)) present.offer(entry)
  }

  /** Lets go of what need not stay: acknowledges effects, passivates who rests too long, makes room, takes back strays. */
  sweep(): void {
    const now = performance.now()
    const { passivateAfterMs } = this
    for (const actor of this.registry) {
      const restedMs = now - actor.restingSince
      if (restedMs >= passivateAfterMs) actor.passivate()
      else if (restedMs >= ACK_AFTER_MS) actor.acknowledge()
    }
    for (const actor of this.registry.listLongestResting(this.registry.countExcess())) actor.passivate()
    this.#strays.takeBackAll()
  }

  /** No turn is under way or waits, and every effect that has run is acknowledged. */
  get isQuiet(): boolean {
    if (this.#arrivals.size > 0) return false
    for (const actor of this.registry) if (!actor.isQuiet || actor.incarnation.owesAck) return false
    return true
  }

  /** Takes up nothing more. Who comes to rest leaves memory, and gives its lease back, at once. */
  close(): void {
    if (this.isOpen) this.#phase = 'closed'
  }

  get isOpen(): boolean {
    return this.#phase === 'open'
  }

  /** Nobody is here, and nothing is on its way to anybody, or to the database. */
  get isEmpty(): boolean {
    return this.registry.size === 0 && this.#arrivals.size === 0 && this.#options.batched.isIdle
  }

  /** Drops every actor; whoever waits is told `error`. The rows are whole: nothing in here was more than a turn ahead. */
  abandon(error: Error): void {
    this.#phase = 'abandoned'
    this.observers.lastVersions.suspect(this.clock.latestMs())
    for (const actor of this.registry) actor.abandon(error)
    this.#arrivals.refuseAll(error)
    this.permits.giveUp(error)
    this.#strays.clear()
  }

  // ── for the actors (ActorHost) ────────────────────────────────────────────────────────────────────────────────

  get holdsLease(): boolean {
    return this.#options.holdsLease()
  }

  get passivateAfterMs(): number {
    return this.isOpen ? this.#options.passivateAfterMs : 0
  }

  schedule(actor: Actor): void {
    this.#turns.schedule(actor)
  }

  commit(commit: Commit, settle: (settled: Settled<CommitAnswer>) => void): void {
    this.#options.batched.commit(commit, settle)
  }

  transact(id: string, step: OwnStep): Promise<void> {
    const { store, node } = this.#options
    const isFree = (): boolean => !store.isExclusive || this.registry.get(id)?.isQuiet === true
    return runTransactionStep({ ...step, store, node, isFree })
  }

  reached(actor: Actor, outgoing: CommittedOutgoing): void {
    this.post.reached(actor, outgoing)
  }

  get registrations(): Registrations {
    return this.#options.registrations
  }

  /** A defect ends the actor in whose name it happened; its row is whole, and is taken up again. */
  crashed(actor: Actor, error: unknown): void {
    this.telemetry.emit('actor.crashed', { id: actor.id, machine: actor.registration.name, error })
    actor.abandon(error)
    this.recover(actor.id)
  }

  foundStale({ id, registration }: Actor, version: number): void {
    this.telemetry.emit('commit.stale', { id, machine: registration.name, version })
    this.recover(id)
  }

  reload(id: string): Promise<ClaimedRow | null> {
    return this.#options.batched.reclaim(id).then((row) => row && this.registrations.codecs.decodeRow(row))
  }

  async loadInbox(id: string, afterSeq: number): Promise<readonly Signal[]> {
    return this.registrations.codecs.decodeSignals(id, await this.#options.store.inbox(id, afterSeq))
  }

  setExecuting(actor: Actor, isExecuting: boolean): void {
    this.#turns.setExecuting(actor, isExecuting)
  }

  left(actor: Actor): void {
    this.registry.remove(actor)
    if (actor.isOfPartition || this.#phase === 'closed') this.#options.poke()
    if (this.#claimedTwice.delete(actor.id)) this.recover(actor.id)
    const { version, tree } = actor.incarnation
    const last = { id: actor.id, machine: actor.registration.name, version, atMs: this.clock.latestMs() }
    this.observers.left(last, tree.status !== 'active')
  }

  recover(id: string): void {
    this.#strays.add(id)
  }

  reroute(id: string, entries: readonly Entry[]): void {
    // What is on its way tells whose the row is.
    this.#strays.delete(id)
    for (const entry of entries) this.deliver(id, entry)
  }
}

/**
 * One node: the supervision tree of a runtime. Its list of children is the architecture.
 *
 *     runtime (restForOne)
 *     ├─ membership     node id, lease, self-fence
 *     ├─ actors         the engine: everything that is awake under this lease
 *     ├─ queue …        a picker for each queue
 *     ├─ signals        what others have put into the inboxes of awake actors
 *     ├─ wakes          what nodes tell each other, so that signals and pickers need not wait for their next poll
 *     ├─ scheduler      occurrences of schedules that are due; where a queue is served
 *     ├─ sweeper        acknowledgements, passivation
 *     ├─ reaper         rows of dead nodes
 *     ├─ watcher        changes of actors that are watched here but awake elsewhere
 *     └─ janitor        dedup keys and ended actors past their retention, rows that nobody takes
 *
 * restForOne: when the membership is lost, everything after it stops, in reverse, and starts again under a new node id.
 *
 * Owns: which children there are, in which order, and the engine of the moment. Does not own: what any of them does.
 */
import { setTimeout } from 'node:timers/promises'
import * as Cause from 'effect/Cause'
import * as Effect from 'effect/Effect'
import { drainEngine } from '../actors/drain.ts'
import { Engine, type EngineOptions } from '../actors/engine.ts'
import type { SyncedClock } from '../clock.ts'
import { LeaseLostError, RuntimeNotRunningError } from '../errors.ts'
import { BatchedStore } from '../persistence/batched-store.ts'
import { DueSoon } from './due-soon.ts'
import { makeJanitor } from './janitor.ts'
import type { Store } from '../persistence/store.ts'
import type { Limits } from '../limiting/limits.ts'
import { NodePermits } from '../limiting/permits.ts'
import { makeLoop, type Loop } from './loop.ts'
import { Membership } from './membership.ts'
import { makePicker } from './picker.ts'
import { fireDue, makeScheduler, type Look } from './scheduler.ts'
import type { ChildSpec } from './supervisor.ts'
import { openTree, type Tree } from './tree.ts'
import { WaitingRoom } from './waiting-room.ts'
import { Wakes } from './wakes.ts'

export interface NodeOptions extends Omit<
  EngineOptions,
  'node' | 'batched' | 'permits' | 'clock' | 'poke' | 'tellOwner' | 'holdsLease'
> {
  readonly clock: SyncedClock
  readonly limits: Limits
  readonly name: string
  readonly leaseMs: number
  readonly pollMs: number
  readonly dedupRetentionMs: number
  readonly retentionMs: number | null
  readonly reaper: boolean
  readonly janitor: boolean
  /** Nobody waits for the node any more. */
  readonly stopped: AbortSignal
  /** Looks after actors that are watched here but awake elsewhere; resolves to the pause before the next look. */
  readonly watch: () => Promise<number>
}

/** The engine of the moment, and what it stands on. */
export interface Current {
  readonly node: string
  readonly engine: Engine
  readonly batched: BatchedStore
  /** Has the pickers of all nodes look now. */
  readonly poke: () => void
  readonly pokeSchedulers: () => void
  /** Has actors come of what is due now. */
  readonly fireSchedules: () => Promise<Look>
}

/** How long commits that are under way may take when the actors stop. */
const IDLE_WITHIN = '1 second'
/** How long telling the others that this node has left may take. */
const TELL_WITHIN_MS = 1_000
const SWEEP_MS = 50
const REAP_MS = 1_000
const REAP_BATCH = 5_000
/** However long the database is away: pauses of up to a second between restarts are enough. A node never gives up. */
const MAX_RESTARTS = Infinity
/** Restarts within this time make the pause before the next one longer. */
const RESTARTS_WITHIN_MS = 60_000

export class Node {
  readonly #options: NodeOptions
  readonly #membership: Membership
  readonly #pickers: readonly Loop[]
  readonly #watcher: Loop
  readonly #signals: Loop
  readonly #scheduler: Loop
  readonly #wakes: Wakes
  readonly #dueSoon: DueSoon
  readonly #waitingRoom: WaitingRoom<Current>
  readonly tree: Tree
  readonly store: Store
  #current: Current | null = null
  #isStopping = false

  constructor(options: NodeOptions) {
    this.#options = options
    this.store = options.store
    const { missing } = options.store
    if (missing.length > 0) options.telemetry.emit('pooler.found', { missing })
    this.#membership = new Membership(options)
    this.#pickers = Object.entries(options.queues).map(([queue, concurrency]) =>
      makePicker({
        ...options,
        queue,
        concurrency,
        machines: options.registrations.runnable,
        engine: () => this.#current
      })
    )
    this.#waitingRoom = new WaitingRoom(options.leaseMs, options.stopped)
    this.#dueSoon = new DueSoon({ ...options, look: () => this.#pokePickers() })
    this.#watcher = makeLoop({ name: 'watcher', step: options.watch })
    this.#signals = makeLoop({
      name: 'signals',
      step: async () => {
        await this.#current?.engine.post.look()
        return options.pollMs
      }
    })
    this.#scheduler = makeScheduler(
      () => (this.#current?.engine.isOpen ? this.#current.fireSchedules() : null),
      options.pollMs
    )
    this.#wakes = new Wakes({
      store: options.store,
      node: () => this.#membership.node,
      onSignals: (ids) => this.#current?.engine.post.heed(ids),
      onRows: () => this.#pokePickers(),
      onSchedules: () => this.#scheduler.poke(),
      onConnected: () => {
        this.#pokePickers()
        this.#signals.poke()
        this.#scheduler.poke()
      }
    })
    this.tree = openTree({
      strategy: 'restForOne',
      maxRestarts: MAX_RESTARTS,
      withinMs: RESTARTS_WITHIN_MS,
      children: this.#children(),
      onCrash: (child, cause) =>
        options.telemetry.emit('child.crashed', {
          child,
          error: Cause.squash(cause),
          restarts: this.#restartsOf(child)
        })
    })
  }

  get current(): Current | null {
    return this.#current
  }

  /**
   * Tells the engine, at once or when the node is a member again: in the order of these calls, and before anybody else finds it there.
   * Or tells LeaseLostError where that takes longer than a lease, OverloadedError, or the reason of `stopped`.
   */
  onceMember(resolve: (current: Current) => void, reject: (reason: unknown) => void): void {
    if (this.#current) resolve(this.#current)
    else this.#waitingRoom.enter(resolve, reject)
  }

  /**
   * Takes up nothing more, lets what is under way come to an end until the time for that `isOver`, and leaves: what is left then
   * is free, and the others are told.
   */
  async stop(isOver: () => boolean): Promise<void> {
    const { queues, telemetry } = this.#options
    this.#isStopping = true
    const engine = this.#current?.engine
    const drained = engine ? await drainEngine(engine, Object.keys(queues), isOver) : []
    await this.tree.stop()
    this.#wakes.tellPickers()
    await Promise.race([this.#wakes.whenTold(), setTimeout(TELL_WITHIN_MS, undefined, { ref: false })])
    for (const queue of drained) telemetry.emit('scheduler.drain', queue)
  }

  /** Has the pickers of all nodes look now. */
  poke(): void {
    this.#pokePickers()
    this.#wakes.tellPickers()
  }

  #pokePickers(): void {
    for (const picker of this.#pickers) picker.poke()
  }

  #pokeSchedulers(): void {
    this.#scheduler.poke()
    this.#wakes.tellSchedulers()
  }

  /** Has the node that has an actor look into its inbox. */
  tellOwner(owner: string, id: string): void {
    if (owner === this.#current?.node) this.#current.engine.post.heed([id])
    else this.#wakes.tellOwner(owner, id)
  }

  pokeWatcher(): void {
    this.#watcher.poke()
  }

  #children(): readonly ChildSpec[] {
    const { store, telemetry, reaper, janitor, pollMs } = this.#options
    const loop = (name: string, step: (current: Current) => Promise<number> | number): ChildSpec =>
      makeLoop({ name, step: () => (this.#current ? step(this.#current) : pollMs) }).spec
    return [
      this.#membership.spec,
      this.#actors(),
      ...this.#pickers.map((picker) => picker.spec),
      this.#signals.spec,
      this.#wakes.spec,
      ...(this.#pickers.length > 0 ? [this.#scheduler.spec] : []),
      loop('sweeper', ({ engine }) => {
        engine.sweep()
        return SWEEP_MS
      }),
      ...(reaper
        ? [
            loop('reaper', async ({ node }) => {
              const { nodes, actors } = await store.reap(node, REAP_BATCH)
              if (nodes.length > 0 || actors > 0) {
                telemetry.emit('reaper.reaped', { nodes, actors })
                this.poke()
              }
              return actors >= REAP_BATCH ? 0 : REAP_MS
            })
          ]
        : []),
      this.#watcher.spec,
      ...(janitor ? [makeJanitor({ ...this.#options, engine: () => this.#current?.engine }).spec] : [])
    ]
  }

  /** The engine lives in the scope of its start: when that ends, with or without a lease, all its actors are dropped. */
  #actors(): ChildSpec {
    const start = Effect.acquireRelease(
      Effect.sync(() => this.#openEngine()),
      ({ engine, batched }) =>
        Effect.suspend(() => {
          const isLast = this.#isStopping || this.#membership.holdsLease
          const error = isLast
            ? new RuntimeNotRunningError('this call', 'stopped')
            : new LeaseLostError('its lease is lost')
          this.#current = null
          engine.abandon(error)
          this.#dueSoon.clear()
          const idle = Effect.promise(() => batched.whenIdle()).pipe(Effect.timeout(IDLE_WITHIN), Effect.ignore)
          // Under another lease the database may still answer; after the last one nobody would hear it.
          return isLast ? Effect.andThen(idle, () => Effect.sync(() => batched.giveUp(error))) : idle
        })
    )
    return { name: 'actors', restart: 'permanent', start: Effect.as(start, { run: Effect.never }) }
  }

  #openEngine(): Current {
    const { bounds, leaseMs, store, telemetry } = this.#options
    const node = this.#membership.node as string
    const holdsLease = (): boolean => this.#membership.holdsLease && this.#membership.node === node
    const refuse = (): Error | null => (holdsLease() ? null : new LeaseLostError('its lease may be lost'))
    const permits = new NodePermits({ ...this.#options, node, refuse, retryForMs: leaseMs })
    const batched = new BatchedStore({
      store,
      node,
      telemetry,
      inboxLimit: bounds.inbox,
      retryForMs: leaseMs,
      onLetGo: (commit) => this.#dueSoon.note(commit),
      refuse
    })
    const poke = (): void => this.poke()
    const tellOwner = (owner: string, id: string): void => this.#wakes.tellOwner(owner, id)
    const engine = new Engine({ ...this.#options, node, batched, permits, holdsLease, poke, tellOwner })
    if (this.#isStopping) engine.close()
    const current = {
      node,
      engine,
      batched,
      poke,
      pokeSchedulers: () => this.#pokeSchedulers(),
      fireSchedules: () => fireDue({ ...this.#options, machines: this.#options.registrations.runnable, poke })
    }
    this.#current = current
    this.#waitingRoom.letIn(current)
    return current
  }

  #restartsOf(child: string): number {
    return this.tree.children().find(({ name }) => name === child)?.restarts ?? 0
  }
}

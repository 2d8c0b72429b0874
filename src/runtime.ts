/**
 * The runtime: the public face of perdure. Start reading here.
 *
 * Owns: the public calls. Wires the rooms together.
 * Does not own: reading the arguments of spawns and sends (spawning.ts, sending.ts), anything that happens to an actor (actors/),
 * rows (persistence/), loops (supervisor/).
 *
 * Invariants
 * 1. Every call answers: with what is durable, or with a typed error. Bad arguments are refused before anything is stored.
 * 2. A runtime starts once. After `stop` another is created.
 */
import { setMaxListeners } from 'node:events'
import type { AnyStateMachine } from 'xstate'
import type { EventTo, OptionalIfEmpty, Runtime, StopOptions, TransactionCalls, TransactionOptions } from './api.ts'
import type { Inspector } from './actors/inspectors.ts'
import { ActorHandle, type ActorId, type DurableActorRef } from './actor-ref.ts'
import type { SendResult } from './actors/mailbox.ts'
import { Observers, type Subscription } from './actors/observers.ts'
import type { Registrations } from './actors/registration.ts'
import * as read from './arguments.ts'
import { DatabaseClock, type SyncedClock } from './clock.ts'
import { RuntimeNotRunningError } from './errors.ts'
import {
  DEFAULT_SCHEMA,
  readOptions,
  readRuntimeFields,
  type Address,
  type MachineEntry,
  type MachineOf,
  type ReadOptions,
  type RuntimeOptions,
  type SendOptions,
  type SpawnOptions,
  type SpawnSettings
} from './options.ts'
import { cancelActor, readReason, retryActor, type OperatorHost } from './operating.ts'
import { inTime, OpenedStore } from './opened-store.ts'
import { openPostgresStore } from './persistence/postgres-store.ts'
import type { Store } from './persistence/store.ts'
import { readSchedule, Scheduling, type AnyScheduleSettings } from './scheduling.ts'
import { registerMachines, tellWarnings } from './registering.ts'
import { Sender } from './sending.ts'
import { draftActors, idOfSpawned, idsOfInserted, spawnDrafts, type Spawned } from './spawning.ts'
import { Node, type Current } from './supervisor/node.ts'
import type { TreeNode } from './supervisor/supervisor.ts'
import type { TelemetryEventName } from './telemetry/catalogue.ts'
import { reportToPeople } from './telemetry/report.ts'
import { Telemetry, type TelemetryListener } from './telemetry/telemetry.ts'
import { Transaction } from './transactions.ts'
import { Watcher } from './watcher.ts'

/**
 * Makes the given machines durable. Nothing is connected before `migrate` or `start`.
 *
 * Throws MachineNotDurableError with all findings where a machine cannot be durable, and InvalidArgumentError.
 * @example
 * const runtime = createRuntime({ database: process.env.DATABASE_URL, machines: [checkout] })
 * await runtime.migrate()
 * await runtime.start()
 */
export function createRuntime<const Machines extends readonly MachineEntry[]>(
  options: RuntimeOptions<Machines>
): Runtime<MachineOf<Machines[number]>> {
  const given = readRuntimeFields(options)
  const { database, schema = DEFAULT_SCHEMA, pooler } = given
  return new DurableRuntime(given, () => openPostgresStore(database, schema, pooler), new DatabaseClock())
}

type State = 'not started' | 'starting' | 'running' | 'stopping' | 'stopped'

/** Above the store and the clock that it is given, so that tests can bring their own. */
export class DurableRuntime<TMachine extends AnyStateMachine> implements Runtime<TMachine> {
  readonly #options: ReadOptions
  readonly #registrations: Registrations
  readonly #bus = new Telemetry()
  readonly #observers = new Observers(this.#bus)
  readonly #store: OpenedStore
  readonly #clock: SyncedClock
  readonly #stopped = new AbortController()
  #node: Node | null = null
  #state: State = 'not started'
  #stopping: Promise<void> | null = null
  /** By the monotonic clock, in milliseconds. */
  #drainUntil = Infinity
  readonly #sender: Sender
  readonly #operator: OperatorHost
  readonly schedules = new Scheduling((operation) => this.member(operation))

  constructor(options: RuntimeOptions, open: () => Promise<Store>, clock: SyncedClock) {
    this.#options = readOptions(options)
    this.#registrations = registerMachines(options.machines, this.#options)
    this.#sender = new Sender({
      bounds: this.#options.bounds,
      current: () => (this.#state === 'running' ? (this.#node?.current ?? null) : null),
      onceMember: (resolve, reject) => this.#onceMember('send()', resolve, reject)
    })
    this.#operator = {
      member: () => this.member('this call'),
      poke: () => this.#node?.poke(),
      tellOwner: (node, id) => this.#node?.tellOwner(node, id),
      stopped: this.#stopped.signal
    }
    // Every wait listens for the end of the runtime, and there may be thousands.
    setMaxListeners(0, this.#stopped.signal)
    const isKept = (): boolean => this.#state === 'running' || this.#state === 'stopping'
    this.#store = new OpenedStore(open, options.schema ?? DEFAULT_SCHEMA, isKept, this.#stopped.signal)
    this.#clock = clock
    reportToPeople(this.#bus, options.warn)
    tellWarnings(this.#registrations, this.#bus)
  }

  async migrate(): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'stopped')
      throw new RuntimeNotRunningError('migrate()', this.#state)
    await this.#store.use('migrate()', (store) => store.migrate())
  }

  async start(): Promise<void> {
    if (this.#state !== 'not started') throw new RuntimeNotRunningError('start()', this.#state)
    this.#state = 'starting'
    try {
      await this.#store.use('start()', (store) => this.#join(store))
    } catch (error) {
      this.#checkStarting()
      this.#state = 'not started'
      this.#node = null
      throw error
    }
  }

  async stop(options: StopOptions = {}): Promise<void> {
    const { drain = '10 seconds' } = read.readFields('stop', options, ['drain'])
    this.#drainUntil = Math.min(this.#drainUntil, performance.now() + read.readDurationMs('drain', drain))
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async spawn<M extends TMachine>(
    machine: M,
    ...[options]: OptionalIfEmpty<SpawnOptions<M>>
  ): Promise<DurableActorRef<M>> {
    const [result] = await this.#spawn(machine, [options ?? {}])
    return this.#refOf(machine, idOfSpawned(result as Spawned))
  }

  async spawnMany<M extends TMachine>(machine: M, entries: readonly SpawnOptions<M>[]): Promise<readonly ActorId<M>[]> {
    const results = await this.#spawn(machine, entries)
    return idsOfInserted(results) as readonly ActorId<M>[]
  }

  send<Id extends string>(
    address: Id | Exclude<Address, string>,
    event: EventTo<Id, TMachine>,
    options: SendOptions = {}
  ): Promise<SendResult> {
    return this.#sender.send(address, event, options, null)
  }

  async get<M extends TMachine>(first: M | Address, second?: Address): Promise<DurableActorRef<M>> {
    const machine = second === undefined ? null : this.#registrations.of(first as M).machine
    return this.#refOf(machine as M | null, await this.#sender.findId(second ?? first))
  }

  withTransaction(client: unknown, options: TransactionOptions = {}): TransactionCalls<TMachine> {
    const wake = read.readFlag('wake', read.readFields('withTransaction', options, ['wake']).wake, true)
    if (this.#state !== 'running' || !this.#node) throw new RuntimeNotRunningError('withTransaction()', this.#state)
    const transaction = new Transaction({
      writer: this.#node.store.within(client),
      registrations: this.#registrations,
      bounds: this.#options.bounds,
      wake,
      refOf: (machine, id) => this.#refOf(machine as TMachine, id)
    })
    return transaction as TransactionCalls<TMachine>
  }

  async retry(address: Address): Promise<boolean> {
    return retryActor(await this.#sender.findId(address), this.#operator)
  }

  async cancel(address: Address, reason?: string): Promise<void> {
    const why = readReason(reason)
    return cancelActor(await this.#sender.findId(address), why, this.#operator)
  }

  async schedule(
    name: string,
    cron: string,
    machine: AnyStateMachine,
    options: AnyScheduleSettings = {}
  ): Promise<void> {
    const registration = this.#registrations.of(machine)
    return this.schedules.save(readSchedule(name, cron, options, registration, this.#options.bounds))
  }

  on<Name extends TelemetryEventName>(event: Name, listener: TelemetryListener<Name>): () => void {
    return this.#bus.on(read.readTelemetryEvent(event), read.readFunction('the listener', listener))
  }

  inspect(inspector: Inspector): Subscription {
    return this.#observers.inspectors.add(inspector)
  }

  get telemetry(): Telemetry['events'] {
    return this.#bus.events
  }

  tree(): readonly TreeNode[] {
    return this.#node?.tree.children() ?? []
  }

  // ── behind the calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #spawn(machine: AnyStateMachine, entries: readonly SpawnSettings[]): Promise<readonly Spawned[]> {
    const registration = this.#registrations.of(machine)
    const drafts = draftActors(entries, registration, this.#options.bounds)
    if (drafts.length === 0) return []
    return spawnDrafts(drafts, await this.member('spawn()'), () => this.#node?.poke())
  }

  #refOf<M extends TMachine>(machine: M | null, id: string): DurableActorRef<M> {
    const name = machine && this.#registrations.of(machine).name
    return new ActorHandle<M>(id as ActorId<M>, {
      machine,
      registrations: this.#registrations,
      observers: this.#observers,
      stopped: this.#stopped.signal,
      send: (event, options = {}) => this.#sender.send(id, event, options, name),
      stop: () => this.#sender.stop(id, name),
      member: () => this.member('this call'),
      watch: () => this.#node?.pokeWatcher()
    })
  }

  // ── coming and going ──────────────────────────────────────────────────────────────────────────────────────────

  /** The engine; waits for it, for as long as a lease at most, while the node is about to be a member again. */
  protected member(operation: string): Promise<Current> {
    return new Promise((resolve, reject) => this.#onceMember(operation, resolve, reject))
  }

  #onceMember(operation: string, ...tell: Parameters<Node['onceMember']>): void {
    if (this.#state === 'running' && this.#node) this.#node.onceMember(...tell)
    else tell[1](new RuntimeNotRunningError(operation, this.#state))
  }

  async #join(store: Store): Promise<void> {
    await inTime(store.checkSchema())
    this.#checkStarting()
    this.#node = this.#openNode(store)
    await this.#node.tree.started
    this.#checkStarting()
    this.#state = 'running'
  }

  /** Throws where it was stopped meanwhile: `stop` ends what there is by then, and nothing more may begin. */
  #checkStarting(): void {
    if (this.#state !== 'starting') throw new RuntimeNotRunningError('start()', this.#state)
  }

  #openNode(store: Store): Node {
    const watcher = new Watcher({
      store,
      observers: this.#observers,
      registrations: this.#registrations,
      isAwakeHere: (id) => this.#node?.current?.engine.registry.get(id) !== undefined
    })
    return new Node({
      ...this.#options,
      store,
      registrations: this.#registrations,
      observers: this.#observers,
      telemetry: this.#bus,
      clock: this.#clock,
      stopped: this.#stopped.signal,
      watch: () => watcher.look()
    })
  }

  /** The node dies without a word, and another begins: for tests of what survives that. */
  protected async restartNode(): Promise<void> {
    const store = await this.#store.get()
    await this.#node?.tree.stop()
    this.#node = this.#openNode(store)
    await this.#node.tree.started
  }

  async #stop(): Promise<void> {
    const node = this.#node
    this.#state = 'stopping'
    if (node !== null) await node.stop(() => performance.now() >= this.#drainUntil)
    this.#state = 'stopped'
    this.#stopped.abort(new RuntimeNotRunningError('waiting for an actor, which goes on,', 'stopped'))
    await this.#store.close()
  }
}

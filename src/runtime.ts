/**
 * The runtime: the public face of perdure. Start reading here.
 *
 * Owns: the public calls; their arguments are read here, their receipts become promises here. Wires the rooms together.
 * Does not own: anything that happens to an actor (actors/), rows (persistence/), loops (supervisor/).
 *
 * Invariants
 * 1. Every call answers: with what is durable, or with a typed error. Bad arguments are refused before anything is stored.
 * 2. A runtime starts once. After `stop` another is created.
 */
import { hostname } from 'node:os'
import { uuidV7Unsafe } from 'effect/crypto/SecureRandom'
import type { AnyStateMachine, EventFromLogic } from 'xstate'
import { ActorHandle, type ActorId, type DurableActorRef, type SendResult } from './actor-ref.ts'
import type { Entry } from './actors/mailbox.ts'
import { Observers } from './actors/observers.ts'
import { Registrations } from './actors/registration.ts'
import { decode, encode } from './actors/snapshot-codec.ts'
import * as read from './arguments.ts'
import { DatabaseClock, type SyncedClock } from './clock.ts'
import { ActorNotFoundError, DuplicateIdError, DuplicateKeyError, OutcomeUnknownError, RuntimeNotRunningError } from './errors.ts'
import { checkSize } from './limits.ts'
import {
  DEFAULTS,
  readLimits,
  readMachine,
  readQueues,
  type Address,
  type DurationInput,
  type MachineEntry,
  type MachineOf,
  type RuntimeOptions,
  type SendOptions,
  type SpawnOptions,
  type SpawnSettings
} from './options.ts'
import { openPostgresStore } from './persistence/postgres-store.ts'
import type { InsertResult, NewActor, Store } from './persistence/store.ts'
import { Node, type Current } from './supervisor/node.ts'
import type { TreeNode } from './supervisor/supervisor.ts'
import type { TelemetryEventName } from './telemetry/catalogue.ts'
import { reportToPeople } from './telemetry/report.ts'
import { Telemetry, type TelemetryListener } from './telemetry/telemetry.ts'
import { Watcher } from './watcher.ts'

export interface StopOptions {
  /** How long turns and started work may take to finish; what is not done by then is handed over. 0: at once. Default 10 seconds. */
  readonly drain?: DurationInput
}

export interface Runtime<TMachine extends AnyStateMachine = AnyStateMachine> extends AsyncDisposable {
  /** Brings the database's schema up to this version of perdure. Safe to call from several nodes at once, and again. */
  migrate(): Promise<void>

  /** Joins the database and takes up work. Rejects with SchemaMismatchError where the schema does not fit. */
  start(): Promise<void>

  /** Finishes what is under way, hands the rest over, and leaves. Calls that wait are refused. Safe to call again. */
  stop(options?: StopOptions): Promise<void>

  /**
   * Creates an instance of a registered machine; resolves once its row is durable, and not only after its first turn.
   * Rejects with DuplicateKeyError or DuplicateIdError (unless `ifExists: 'return'`), NotSerializableError, TooLargeError,
   * StoreUnavailableError or OutcomeUnknownError (then retry with the same `id`).
   * @example const order = await runtime.spawn(checkout, { input: { order: 42 }, key: 'order:42' })
   */
  spawn<M extends TMachine>(machine: M, ...options: OptionalIfEmpty<SpawnOptions<M>>): Promise<DurableActorRef<M>>

  /** Creates many in one statement. Entries whose key or id is taken, also by one another, are left out. Resolves to the ids of the rest. */
  spawnMany<M extends TMachine>(machine: M, entries: readonly SpawnOptions<M>[]): Promise<readonly ActorId<M>[]>

  /**
   * Sends an event; resolves once it is durable, with what became of it. Fails as `ref.send` does.
   * @example await runtime.send({ key: 'order:42' }, { type: 'payment.confirmed', amount: 100 }, { dedupKey: 'evt-7' })
   */
  send<M extends TMachine>(id: ActorId<M>, event: EventFromLogic<M>, options?: SendOptions): Promise<SendResult>
  send(address: Address, event: EventFromLogic<TMachine>, options?: SendOptions): Promise<SendResult>

  /** The ref of an actor. It is not looked for before the ref is used. */
  get<M extends TMachine>(machine: M, address: Address): Promise<DurableActorRef<M>>
  get(address: Address): Promise<DurableActorRef<TMachine>>

  /** Hears of what happens; `runtime.telemetry` lists the events. Returns what ends that. A listener cannot harm the runtime. */
  on<Name extends TelemetryEventName>(event: Name, listener: TelemetryListener<Name>): () => void
  readonly telemetry: Telemetry['events']

  /** The supervision tree as it is now. */
  tree(): readonly TreeNode[]
}

type OptionalIfEmpty<Options> = Record<never, never> extends Options ? [options?: Options] : [options: Options]

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
  const schema = options.schema ?? DEFAULTS.schema
  return new DurableRuntime(options, () => openPostgresStore(options.database, schema), new DatabaseClock())
}

type State = 'not started' | 'starting' | 'running' | 'stopping' | 'stopped'

/** Above the store and the clock that it is given, so that tests can bring their own. */
export class DurableRuntime<TMachine extends AnyStateMachine> implements Runtime<TMachine> {
  readonly #options: ReturnType<typeof readOptions>
  readonly #registrations: Registrations
  readonly #bus = new Telemetry()
  readonly #observers = new Observers(this.#bus)
  readonly #open: () => Promise<Store>
  readonly #clock: SyncedClock
  readonly #stopped = new AbortController()
  #store: Promise<Store> | null = null
  #node: Node | null = null
  #state: State = 'not started'
  #stopping: Promise<void> | null = null
  /** Look-ups of keys under way: what is sent to one key meanwhile waits for the same answer, in order. */
  readonly #lookups = new Map<string, Promise<string>>()

  constructor(options: RuntimeOptions, open: () => Promise<Store>, clock: SyncedClock) {
    this.#options = readOptions(options)
    this.#registrations = new Registrations(options.machines.map(readMachine))
    this.#open = open
    this.#clock = clock
    reportToPeople(this.#bus, options.warn)
    for (const { name, blueprint } of this.#registrations) {
      for (const { place, problem, remedy } of blueprint.warnings) {
        this.#bus.emit('machine.warning', { machine: name, place, problem, remedy })
      }
    }
  }

  async migrate(): Promise<void> {
    await (await this.#openStore()).migrate()
  }

  async start(): Promise<void> {
    if (this.#state !== 'not started') throw new RuntimeNotRunningError('start()', this.#state)
    this.#state = 'starting'
    try {
      const store = await this.#openStore()
      await store.checkSchema()
      this.#node = this.#openNode(store)
      await this.#node.tree.started
      this.#state = 'running'
    } catch (error) {
      this.#state = 'not started'
      this.#node = null
      await this.#closeStore()
      throw error
    }
  }

  stop({ drain = '10 seconds' }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(read.readDurationMs('drain', drain))
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async spawn<M extends TMachine>(machine: M, ...[options]: OptionalIfEmpty<SpawnOptions<M>>): Promise<DurableActorRef<M>> {
    const settings: SpawnSettings & { readonly input?: unknown } = options ?? {}
    const [result] = await this.#insert(machine, [settings])
    const { row, answer } = result as Inserted
    if (answer.kind === 'inserted' || settings.ifExists === 'return') {
      return this.#refOf(machine, answer.kind === 'inserted' ? row.id : answer.id)
    }
    throw answer.by === 'key' ? new DuplicateKeyError(row.key ?? '', answer.id) : new DuplicateIdError(answer.id)
  }

  async spawnMany<M extends TMachine>(machine: M, entries: readonly SpawnOptions<M>[]): Promise<readonly ActorId<M>[]> {
    const results = await this.#insert(machine, entries)
    return results.flatMap(({ row, answer }) => (answer.kind === 'inserted' ? [row.id as ActorId<M>] : []))
  }

  async send(address: Address, event: EventFromLogic<TMachine>, options: SendOptions = {}): Promise<SendResult> {
    const at = read.readAddress(address)
    const { type } = read.readEvent(event)
    const dedupKey = options.dedupKey === undefined ? null : read.readText('dedupKey', options.dedupKey)
    const tree = encode(event, 'event')
    const json = JSON.stringify(tree)
    checkSize('event', json, this.#options.limits)
    // The machine gets a copy: what the caller does to its object later must not reach into a context.
    const copy = { ...(decode(tree, 'event') as object), type }
    return new Promise((resolve, reject) => {
      const receipt = { resolve: (status: SendResult['status']) => resolve({ status }), reject }
      this.#deliver(at, { kind: 'send', event: copy, json, dedupKey, receipt }, reject)
    })
  }

  async get<M extends TMachine>(first: M | Address, second?: Address): Promise<DurableActorRef<M>> {
    const machine = second === undefined ? null : this.#registrations.of(first as M).machine
    const at = read.readAddress(second ?? first)
    return this.#refOf(machine as M | null, typeof at === 'string' ? at : await this.#findKey(at.key))
  }

  on<Name extends TelemetryEventName>(event: Name, listener: TelemetryListener<Name>): () => void {
    return this.#bus.on(event, listener)
  }

  get telemetry(): Telemetry['events'] {
    return this.#bus.events
  }

  tree(): readonly TreeNode[] {
    return this.#node?.tree.children() ?? []
  }

  // ── spawn ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #insert(
    machine: AnyStateMachine,
    entries: readonly (SpawnSettings & { readonly input?: unknown })[]
  ): Promise<readonly Inserted[]> {
    const registration = this.#registrations.of(machine)
    const drafts = entries.map((settings) => this.#draft(settings, registration.name, registration.version))
    if (drafts.length === 0) return []
    const current = await this.#member('spawn()')
    const room = new Map<string, number>()
    const rows = drafts.map(({ row, startsNow }) => {
      const left = room.get(row.queue) ?? current.engine.countRoom(row.queue)
      room.set(row.queue, left - 1)
      return startsNow && left > 0 ? { ...row, owner: current.node } : row
    })
    let answers: readonly InsertResult[]
    try {
      answers = await current.batched.insert(rows)
    } catch (error) {
      // Rows that may have come about are leased by this node: it must have their actors, too.
      if (error instanceof OutcomeUnknownError) for (const { id, owner } of rows) if (owner !== null) current.engine.recover(id)
      throw error
    }
    const inserted = rows.map((row, index) => ({ row, answer: answers[index] as InsertResult }))
    for (const [index, { row, answer }] of inserted.entries()) {
      if (answer.kind !== 'inserted') continue
      if (row.owner !== null) current.engine.birth(row, drafts[index]?.input)
      else this.#node?.poke()
    }
    return inserted
  }

  #draft(settings: SpawnSettings & { readonly input?: unknown }, machine: string, machineVersion: string | null) {
    const tree = settings.input === undefined ? undefined : encode(settings.input, 'input')
    const json = tree === undefined ? null : JSON.stringify(tree)
    if (json !== null) checkSize('input', json, this.#options.limits)
    const { startAt, startInMs } = read.readStart(settings)
    const row: NewActor = {
      id: settings.id === undefined ? uuidV7Unsafe() : read.readId('id', settings.id),
      machine,
      machineVersion,
      key: settings.key === undefined ? null : read.readText('key', settings.key),
      keyScope: read.readKeyScope(settings.keyScope),
      queue: settings.queue === undefined ? 'default' : read.readText('queue', settings.queue),
      priority: read.readPriority(settings.priority),
      partitionKey: settings.partitionKey === undefined ? null : read.readText('partitionKey', settings.partitionKey),
      input: json,
      owner: null,
      startAt,
      startInMs
    }
    return { row, input: tree === undefined ? undefined : decode(tree, 'input'), startsNow: startAt === null && startInMs === null }
  }

  // ── send ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Hands an entry to the engine; `fail` is told where that is not possible. */
  #deliver(at: Address, entry: Entry, fail: (error: unknown) => void): void {
    const current = this.#state === 'running' ? this.#node?.current : null
    if (!current) {
      this.#member('send()').then(() => this.#deliver(at, entry, fail), fail)
      return
    }
    if (typeof at === 'string') return current.engine.deliver(at, entry)
    const awake = this.#lookups.has(at.key) ? undefined : current.engine.registry.getByKey(at.key)
    if (awake) return awake.offer(entry)
    this.#findKey(at.key).then((id) => this.#deliver(id, entry, fail), fail)
  }

  #findKey(key: string): Promise<string> {
    const running = this.#lookups.get(key)
    if (running) return running
    const lookup = this.#member('send()')
      .then(({ batched }) => batched.findKey(key))
      .then((id) => {
        if (id === null) throw new ActorNotFoundError(`with key '${key}'`)
        return id
      })
      .finally(() => this.#lookups.delete(key))
    this.#lookups.set(key, lookup)
    return lookup
  }

  #refOf<M extends TMachine>(machine: M | null, id: string): DurableActorRef<M> {
    return new ActorHandle<M>(id as ActorId<M>, {
      machine,
      registrations: this.#registrations,
      observers: this.#observers,
      stopped: this.#stopped.signal,
      send: (event, options) => this.send(id, event, options),
      stop: () => new Promise((resolve, reject) => this.#deliver(id, { kind: 'stop', receipt: { resolve, reject } }, reject)),
      member: () => this.#member('this call'),
      watch: () => this.#node?.pokeWatcher()
    })
  }

  // ── coming and going ──────────────────────────────────────────────────────────────────────────────────────────

  /** The engine; waits for it while the node is about to be a member again. */
  async #member(operation: string): Promise<Current> {
    if (this.#state !== 'running' || this.#node === null) throw new RuntimeNotRunningError(operation, this.#state)
    return this.#node.whenMember(this.#stopped.signal)
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
      watch: () => watcher.look()
    })
  }

  async #stop(drainMs: number): Promise<void> {
    const node = this.#node
    this.#state = 'stopping'
    if (node !== null) {
      await node.current?.engine.drain(AbortSignal.timeout(drainMs))
      await node.tree.stop()
    }
    this.#state = 'stopped'
    this.#stopped.abort(new RuntimeNotRunningError('this call', 'stopped'))
    await this.#closeStore()
  }

  #openStore(): Promise<Store> {
    this.#store ??= this.#open()
    return this.#store
  }

  async #closeStore(): Promise<void> {
    const store = this.#store
    this.#store = null
    await (await store)?.close()
  }
}

interface Inserted {
  readonly row: NewActor
  readonly answer: InsertResult
}

function readOptions(options: RuntimeOptions) {
  const duration = (name: 'passivateAfter' | 'lease' | 'poll' | 'dedupRetention', fallback: number): number =>
    options[name] === undefined ? fallback : read.readDurationMs(name, options[name])
  return {
    queues: readQueues(options.queues ?? DEFAULTS.queues),
    limits: readLimits(options.limits),
    passivateAfterMs: duration('passivateAfter', DEFAULTS.passivateAfterMs),
    leaseMs: duration('lease', DEFAULTS.leaseMs),
    pollMs: duration('poll', DEFAULTS.pollMs),
    dedupRetentionMs: duration('dedupRetention', DEFAULTS.dedupRetentionMs),
    maxResident: read.readCount('maxResident', options.maxResident ?? DEFAULTS.maxResident),
    maxResidentBytes: read.readCount('maxResidentBytes', options.maxResidentBytes ?? DEFAULTS.maxResidentBytes),
    name: read.readText('name', options.name ?? `${hostname()}:${process.pid}`),
    reaper: options.reaper ?? true,
    janitor: options.janitor ?? true,
    log: options.log ?? console.log
  }
}

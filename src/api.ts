/**
 * The runtime as its users see it: what each call does, what it promises, how it fails.
 */
import type { AnyStateMachine, EventFromLogic, InputFrom, InspectionEvent, Observer } from 'xstate'
import type { ActorId, DurableActorRef } from './actor-ref.ts'
import type { SendResult, SendStatus } from './actors/mailbox.ts'
import type { Subscription } from './actors/observers.ts'
import type { Address, DurationInput, SendOptions, SpawnOptions } from './options.ts'
import type { ScheduleOptions, Schedules, TimedScheduleOptions, TimeField } from './schedule-api.ts'
import type { TreeNode } from './supervisor/supervisor.ts'
import type { TelemetryEventName } from './telemetry/catalogue.ts'
import type { Telemetry, TelemetryListener } from './telemetry/telemetry.ts'

export interface StopOptions {
  /**
   * How long what is under way may take: turns, and work that actors have started. What is left then is aborted, and runs again at
   * once, under the same key, on another node. 0: stop at once. Of several calls the shortest limit holds. Default 10 seconds.
   */
  readonly drain?: DurationInput
}

export interface Runtime<TMachine extends AnyStateMachine = AnyStateMachine> extends AsyncDisposable {
  /**
   * Brings the database's schema up to this version of perdure. Safe to call from several nodes at once, and again.
   * Rejects with SchemaMismatchError where the schema is newer, with StoreUnavailableError where the database cannot be reached or
   * written to, with StoreRefusedError where it lets nobody in, or refuses a statement. It may then be called again: what it had
   * applied stays.
   */
  migrate(): Promise<void>

  /**
   * Joins the database and takes up work. Rejects with SchemaMismatchError where the schema does not fit, with StoreUnavailableError
   * where the database cannot be reached or written to, with StoreRefusedError where it lets nobody in, or refuses a statement.
   * Nothing runs then, no connection stays open, and it may be called again. Rejects with RuntimeNotRunningError where it is stopped
   * meanwhile, and for good.
   */
  start(): Promise<void>

  /**
   * Takes up nothing more, hands over at once what only waits, lets what is under way come to an end within `drain`, hands over the
   * rest, and leaves. Calls made before are answered, or refused with RuntimeNotRunningError, or, where the database does not answer,
   * with OutcomeUnknownError; later ones are refused. Safe to call again.
   * @example process.once('SIGTERM', () => void runtime.stop({ drain: '20 seconds' }))
   */
  stop(options?: StopOptions): Promise<void>

  /**
   * Creates an instance of a registered machine; resolves once its row is durable, and not only after its first turn.
   * Rejects with DuplicateKeyError or DuplicateIdError (with `ifExists: 'return'` with MachineMismatchError, where an actor of
   * another machine has the key or the id), NotSerializableError, TooLargeError, StoreUnavailableError or OutcomeUnknownError
   * (then retry with the same `id`).
   * @example const order = await runtime.spawn(checkout, { input: { order: 42 }, key: 'order:42' })
   */
  spawn<M extends TMachine>(machine: M, ...options: OptionalIfEmpty<SpawnOptions<M>>): Promise<DurableActorRef<M>>

  /** Creates many in one statement. Entries whose key or id is taken, also by one another, are left out. Resolves to the ids of the rest. */
  spawnMany<M extends TMachine>(machine: M, entries: readonly SpawnOptions<M>[]): Promise<readonly ActorId<M>[]>

  /**
   * Sends an event; resolves once it is durable, with what became of it. Fails as `ref.send` does.
   * @example await runtime.send({ key: 'order:42' }, { type: 'payment.confirmed', amount: 100 }, { dedupKey: 'evt-7' })
   */
  send<Id extends string>(
    address: Id | Exclude<Address, string>,
    event: EventTo<Id, TMachine>,
    options?: SendOptions
  ): Promise<SendResult>

  /**
   * The ref of an actor. An id is not looked for before the ref is used. A key is looked up at once: rejects with
   * ActorNotFoundError where no actor has it. Where it is an actor of another machine than `machine`, the ref's calls reject,
   * and its subscriptions end, with MachineMismatchError.
   * @example const order = await runtime.get(checkout, { key: 'order:42' })
   */
  get<M extends TMachine>(machine: M, address: Address): Promise<DurableActorRef<M>>
  get(address: Address): Promise<DurableActorRef<TMachine>>

  /**
   * Spawns and sends as a part of your own transaction: what they do is there if that commits, and nodes are woken then.
   * `client`: a pg client on which you ran `begin`, or what the callback of `sql.begin` (postgres.js) or `pglite.transaction` is given;
   * connected to the database of this runtime. Throws InvalidArgumentError for anything else.
   * @example
   * await client.query('begin')
   * await client.query('insert into purchase (id) values (42)')
   * await runtime.withTransaction(client).spawn(checkout, { input: { order: 42 }, key: 'order:42' })
   * await client.query('commit')
   */
  withTransaction(client: unknown, options?: TransactionOptions): TransactionCalls<TMachine>

  /**
   * Has an actor tried again now that is parked, or waits for its next attempt; attempts are counted anew. Resolves to whether
   * there was anything to try again. Rejects with ActorNotFoundError or ActorTerminatedError.
   * @example await runtime.retry({ key: 'order:42' })
   */
  retry(address: Address): Promise<boolean>

  /**
   * Ends an actor, wherever it is and whatever it does: awake here or elsewhere, asleep, parked, not started. Resolves when it
   * is `stopped`; also where it had ended before. `reason` is kept in its row. Rejects with ActorNotFoundError.
   * @example await runtime.cancel({ key: 'order:42' }, 'ordered by mistake')
   */
  cancel(address: Address, reason?: string): Promise<void>

  /**
   * Has an actor of the machine come into being at each moment that a cron expression names: once each, however many nodes there are.
   * Creates the schedule of this name, or changes it; the same call again changes nothing, so every node may make it as it boots.
   * Rejects with InvalidArgumentError, NotSerializableError or TooLargeError.
   * @example
   * await runtime.schedule('nightly-report', '0 3 * * *', report, { timeZone: 'Europe/Vienna', input: { of: 'sales' } })
   */
  schedule<M extends TMachine>(
    name: string,
    cron: string,
    machine: M,
    ...options: OptionalIfEmpty<ScheduleOptions<M>>
  ): Promise<void>
  schedule<M extends TMachine, Field extends TimeField<InputFrom<M>>>(
    name: string,
    cron: string,
    machine: M,
    options: TimedScheduleOptions<M, Field>
  ): Promise<void>

  /** What there is of schedules: told, paused, resumed, removed. */
  readonly schedules: Schedules

  /** Hears of what happens; `runtime.telemetry` lists the events. Returns what ends that. A listener cannot harm the runtime. */
  on<Name extends TelemetryEventName>(event: Name, listener: TelemetryListener<Name>): () => void
  readonly telemetry: Telemetry['events']

  /**
   * Hears XState's inspection events of every actor that is awake in this process: of committed turns only, after the commit, in
   * the order of XState. Takes what `createActor(machine, { inspect })` takes. An actor that comes into memory, and each that
   * is there already, is told as `@xstate.actor`. An inspector that throws is reported once (`listener.failed`) and harms nobody.
   * Throws InvalidArgumentError where it is neither a function nor an observer.
   * @example const { unsubscribe } = runtime.inspect(createSkyInspector().inspect)
   */
  inspect(inspector: Observer<InspectionEvent> | ((event: InspectionEvent) => void)): Subscription

  /** The supervision tree as it is now. */
  tree(): readonly TreeNode[]
}

export interface TransactionOptions {
  /**
   * Tell nodes when the transaction commits, with a NOTIFY in it. `false`: they find what it did by their next poll. Transactions
   * that notify commit one after another: where thousands a second do, that is the limit. Default true.
   */
  readonly wake?: boolean
}

/**
 * The calls of a runtime as parts of a transaction. An error of theirs leaves the transaction usable, except where it comes from
 * the client itself: such errors are given on as they are.
 */
export interface TransactionCalls<TMachine extends AnyStateMachine = AnyStateMachine> {
  /**
   * As `runtime.spawn`; resolves to the ref of the actor that is there once the transaction commits. It waits for another
   * transaction that has just taken the same key, or id.
   */
  spawn<M extends TMachine>(machine: M, ...options: OptionalIfEmpty<SpawnOptions<M>>): Promise<DurableActorRef<M>>

  /** As `runtime.spawnMany`. */
  spawnMany<M extends TMachine>(machine: M, entries: readonly SpawnOptions<M>[]): Promise<readonly ActorId<M>[]>

  /**
   * As `runtime.send`, but the event always goes into the durable inbox, and the actor's row is locked until the transaction ends.
   * Rejects with ActorNotFoundError, ActorTerminatedError, InboxFullError, TooLargeError or NotSerializableError.
   */
  send<Id extends string>(
    address: Id | Exclude<Address, string>,
    event: EventTo<Id, TMachine>,
    options?: SendOptions
  ): Promise<{ readonly status: Extract<SendStatus, 'queued' | 'duplicate'> }>
}

/** What may be sent: to an id that knows its machine the events of that, to all else those of any of `TMachine`. */
export type EventTo<Id extends string, TMachine extends AnyStateMachine> = EventFromLogic<
  Id extends ActorId<infer M> ? M : TMachine
>

/** Options that have no required field may be left out as a whole. */
export type OptionalIfEmpty<Options> = Partial<Options> extends Options ? [options?: Options] : [options: Options]

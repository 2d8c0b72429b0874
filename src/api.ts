/**
 * The runtime as its users see it: what each call does, what it promises, how it fails.
 */
import type { AnyStateMachine, EventFromLogic } from 'xstate'
import type { ActorId, DurableActorRef } from './actor-ref.ts'
import type { SendResult } from './actors/mailbox.ts'
import type { Address, DurationInput, SendOptions, SpawnOptions } from './options.ts'
import type { TreeNode } from './supervisor/supervisor.ts'
import type { TelemetryEventName } from './telemetry/catalogue.ts'
import type { Telemetry, TelemetryListener } from './telemetry/telemetry.ts'

export interface StopOptions {
  /**
   * How long turns that are under way may take. Started work is not waited for: it is aborted, and runs again, under the same
   * key, where the actor is taken up next. 0: stop at once. Default 10 seconds.
   */
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

/** Options that have no required field may be left out as a whole. */
export type OptionalIfEmpty<Options> = Partial<Options> extends Options ? [options?: Options] : [options: Options]

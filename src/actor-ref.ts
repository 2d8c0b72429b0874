/**
 * The handle of a durable actor: an address with XState's verbs, whose reads are promises.
 *
 * Owns: no state but the address; it stays good when the actor is passivated, moves to another node or ends.
 */
import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  EmittedFrom,
  EventFromLogic,
  OutputFrom,
  SnapshotFrom
} from 'xstate'
import type { Engine } from './actors/engine.ts'
import type { SendResult } from './actors/mailbox.ts'
import type { Observers, Subscription } from './actors/observers.ts'
import type { Registrations } from './actors/registration.ts'
import { readColumn, reviveSnapshot } from './actors/revive.ts'
import { lookAt, readDurationMs, readFields, readFunction, readText } from './arguments.ts'
import {
  ActorFailedError,
  ActorNotFoundError,
  ActorTerminatedError,
  InvalidArgumentError,
  MachineMismatchError,
  WaitUnmetError
} from './errors.ts'
import type { SendOptions, WaitOptions } from './options.ts'
import type { BatchedStore } from './persistence/batched-store.ts'
import { isTerminal, type ActorRow } from './persistence/store.ts'
import { waitForNews, type News } from './waiting.ts'

declare const machineOf: unique symbol

/** An actor's id: a UUID that remembers, for the compiler only, of which machine. */
export type ActorId<TMachine extends AnyStateMachine = AnyStateMachine> = string & { readonly [machineOf]: TMachine }

export interface SnapshotObserver<Snapshot> {
  next?(snapshot: Snapshot): void
  error?(error: unknown): void
  complete?(): void
}

export interface DurableActorRef<TMachine extends AnyStateMachine> {
  readonly id: ActorId<TMachine>

  /**
   * Sends an event; resolves once it is durable.
   * Rejects with ActorTerminatedError, ActorNotFoundError, InboxFullError, MailboxFullError, TooLargeError,
   * NotSerializableError, LeaseLostError, StoreUnavailableError (nothing was taken) or OutcomeUnknownError.
   */
  send(event: EventFromLogic<TMachine>, options?: SendOptions): Promise<SendResult>

  /** The snapshot that was last committed; before the first turn, the one that the actor will start with. */
  getSnapshot(): Promise<SnapshotFrom<TMachine>>

  /**
   * Resolves with the first committed snapshot, the present one included, for which `predicate` holds. Where the actor is
   * awake in this process each snapshot is seen, else the newest about every 200 ms.
   * Rejects with WaitTimeoutError, or WaitUnmetError where the actor ends before.
   * @example const shipped = await order.waitFor((s) => s.matches('shipped'), { timeout: '1 hour' })
   */
  waitFor(
    predicate: (snapshot: SnapshotFrom<TMachine>) => boolean,
    options?: WaitOptions
  ): Promise<SnapshotFrom<TMachine>>

  /** The output of the machine's final state. Rejects with ActorFailedError, ActorTerminatedError (stopped) or WaitTimeoutError. */
  result(options?: WaitOptions): Promise<OutputFrom<TMachine>>

  /** Committed snapshots from now on, as in XState. Ends with `complete`, or `error` where the machine failed. */
  subscribe(
    observer: SnapshotObserver<SnapshotFrom<TMachine>> | ((snapshot: SnapshotFrom<TMachine>) => void)
  ): Subscription

  /** Events that the machine emits while it is awake in this process. */
  on<Type extends EmittedFrom<TMachine>['type'] | '*'>(
    type: Type,
    handler: (event: Extract<EmittedFrom<TMachine>, Type extends '*' ? AnyEventObject : { type: Type }>) => void
  ): Subscription

  /**
   * Stops the actor as XState stops a root actor, after what was sent to it before. Resolves once that is durable; also where it
   * had ended. Of an actor that this node cannot wake, it is durable that it will be stopped: `runtime.cancel` waits for that, and
   * ends parked ones too.
   */
  stop(): Promise<void>
}

/** What a handle needs of its runtime. */
export interface HandleHost<TMachine extends AnyStateMachine> {
  /** null: found by the row. */
  readonly machine: TMachine | null
  readonly registrations: Registrations
  readonly observers: Observers
  readonly stopped: AbortSignal
  send(event: EventFromLogic<TMachine>, options?: SendOptions): Promise<SendResult>
  stop(): Promise<void>
  member(): Promise<{ readonly engine: Engine; readonly batched: BatchedStore }>
  /** Somebody watches: have the watcher look, in case the actor is not awake here. */
  watch(): void
}

export class ActorHandle<TMachine extends AnyStateMachine> implements DurableActorRef<TMachine> {
  readonly id: ActorId<TMachine>
  readonly #host: HandleHost<TMachine>

  constructor(id: ActorId<TMachine>, host: HandleHost<TMachine>) {
    this.id = id
    this.#host = host
  }

  send(event: EventFromLogic<TMachine>, options?: SendOptions): Promise<SendResult> {
    return this.#host.send(event, options)
  }

  stop(): Promise<void> {
    return this.#host.stop()
  }

  async getSnapshot(): Promise<SnapshotFrom<TMachine>> {
    const { engine } = await this.#host.member()
    const snapshot = this.#findShown(engine) ?? this.#revive(await this.#readRow())
    return snapshot as SnapshotFrom<TMachine>
  }

  async waitFor(
    predicate: (snapshot: SnapshotFrom<TMachine>) => boolean,
    options: WaitOptions = {}
  ): Promise<SnapshotFrom<TMachine>> {
    readFunction('the predicate of waitFor', predicate)
    return this.#wait(options, (news) => {
      if (news.kind === 'snapshot') {
        const snapshot = news.snapshot as SnapshotFrom<TMachine>
        return predicate(snapshot) ? { value: snapshot } : undefined
      }
      throw new WaitUnmetError(this.id, news.kind === 'failed' ? 'failed' : endOf(news.last))
    })
  }

  async result(options: WaitOptions = {}): Promise<OutputFrom<TMachine>> {
    return this.#wait(options, (news) => {
      if (news.kind === 'failed') throw new ActorFailedError(this.id, news.error)
      const last = news.kind === 'snapshot' ? news.snapshot : news.last
      if (last?.status === 'done') return { value: last.output as OutputFrom<TMachine> }
      if (news.kind === 'ended') throw new ActorTerminatedError(this.id, 'stopped')
      return undefined
    })
  }

  subscribe(
    observer: SnapshotObserver<SnapshotFrom<TMachine>> | ((snapshot: SnapshotFrom<TMachine>) => void)
  ): Subscription {
    const told = readObserver(observer) as SnapshotObserver<AnyMachineSnapshot>
    const subscription = this.#host.observers.subscribe(this.id, {
      next: (snapshot) => {
        const mismatch = this.#findMismatch(snapshot.machine.id)
        if (mismatch === null) return told.next?.(snapshot)
        subscription.unsubscribe()
        told.error?.(mismatch)
      },
      error: (error) => told.error?.(error),
      complete: () => told.complete?.()
    })
    this.#host.watch()
    return subscription
  }

  on<Type extends EmittedFrom<TMachine>['type'] | '*'>(
    type: Type,
    handler: (event: Extract<EmittedFrom<TMachine>, Type extends '*' ? AnyEventObject : { type: Type }>) => void
  ): Subscription {
    readText('the type of on()', type)
    readFunction('the handler', handler)
    return this.#host.observers.on(this.id, type, handler as (event: AnyEventObject) => void)
  }

  async #wait<Value>(
    options: WaitOptions,
    judge: (news: News) => { readonly value: Value } | undefined
  ): Promise<Value> {
    const { timeout } = readFields('the options of a wait', options, ['timeout'])
    const timeoutMs = timeout === undefined ? null : readDurationMs('timeout', timeout)
    const { observers, stopped } = this.#host
    const news = waitForNews({
      id: this.id,
      observers,
      stopped,
      timeoutMs,
      readNow: () => this.#readNews(),
      judge: (each) => {
        if (each.kind === 'snapshot') this.#refuseOther(each.snapshot.machine.id)
        return judge(each)
      }
    })
    this.#host.watch()
    return news
  }

  async #readNews(): Promise<News | null> {
    const { engine } = await this.#host.member()
    const awake = this.#findShown(engine)
    if (awake) return newsOf(awake.status, awake, awake.error)
    const row = await this.#readRow()
    const { observers } = this.#host
    // What is committed after this read is news, also if the watcher looks only then.
    if (observers.seenVersion(row.id) === undefined) observers.setSeenVersion(row.id, row.version)
    if (row.snapshot === null && !isTerminal(row.status)) return null
    this.#refuseOther(row.machine)
    if (row.status === 'stopped') return { kind: 'ended', last: null }
    return newsOf(row.status, this.#revive(row), readColumn(row.id, row.lastError))
  }

  async #readRow(): Promise<ActorRow> {
    const { batched } = await this.#host.member()
    const row = await batched.read(this.id)
    if (row === null) throw new ActorNotFoundError(this.id)
    return this.#host.registrations.codecs.decodeRow(row)
  }

  /** The snapshot of the actor where it is awake here. */
  #findShown(engine: Engine): AnyMachineSnapshot | undefined {
    const actor = engine.registry.get(this.id)
    if (actor) this.#refuseOther(actor.registration.name)
    return actor?.incarnation.shown
  }

  #refuseOther(machine: string): void {
    const mismatch = this.#findMismatch(machine)
    if (mismatch) throw mismatch
  }

  /** null: the actor, which is of `machine`, is what this ref takes it for. */
  #findMismatch(machine: string): MachineMismatchError | null {
    const expected = this.#host.machine?.id ?? machine
    return expected === machine ? null : new MachineMismatchError(this.id, expected, machine)
  }

  #revive(row: ActorRow): AnyMachineSnapshot {
    this.#refuseOther(row.machine)
    const { machine, registrations } = this.#host
    const registration =
      registrations.find(row.machine, row.machineVersion) ?? (machine ? registrations.of(machine) : undefined)
    if (registration === undefined) throw registrations.unknown(row.machine, row.machineVersion)
    return reviveSnapshot(row, registration)
  }
}

function readObserver<Snapshot>(
  observer: SnapshotObserver<Snapshot> | ((snapshot: Snapshot) => void)
): SnapshotObserver<Snapshot> {
  if (typeof observer === 'function') return { next: observer }
  const remedy = 'Pass a function, or an object with some of next, error, complete'
  const isObserver = lookAt('the observer', remedy, () => {
    // oxlint-disable-next-line typescript/unbound-method -- only looked at
    const { next, error, complete } = observer ?? {}
    const given: readonly unknown[] = [next, error, complete].filter((part) => part !== undefined)
    return given.length > 0 && given.every((part) => typeof part === 'function')
  })
  if (isObserver) return observer
  throw new InvalidArgumentError('the observer', 'is no observer', remedy)
}

/** `status`: of the snapshot, or of the row, which know an error by different names. */
function newsOf(status: string, snapshot: AnyMachineSnapshot, error: unknown): News {
  if (status === 'failed' || status === 'error') return { kind: 'failed', error }
  return status === 'stopped' ? { kind: 'ended', last: snapshot } : { kind: 'snapshot', snapshot }
}

/** A stop brings no snapshot of its own: the last one is that of an active machine. */
const endOf = (last: AnyMachineSnapshot | null): string => (last?.status === 'done' ? last.status : 'stopped')

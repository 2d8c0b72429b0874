/**
 * Calls that are a part of a transaction of the caller's own: what they do is there if that commits, and wakes whom it concerns then.
 *
 * Owns: the arguments and answers of these calls, who is told of what they did.
 * Does not own: statements (persistence/), the transaction.
 *
 * Invariants
 * 1. Everything goes through the caller's client, look-ups too: they see what the transaction has done before. Nothing waits for
 *    another connection, which might wait for this transaction.
 * 2. Nothing is begun in this process: actors are born without an owner, events go into inboxes.
 * 3. Nodes are told by a NOTIFY in the transaction itself, which Postgres delivers when it commits, and only then.
 */
import type { AnyEventObject, AnyStateMachine } from 'xstate'
import type { ActorId, DurableActorRef } from './actor-ref.ts'
import type { Registrations } from './actors/registration.ts'
import type { TransactionCalls } from './api.ts'
import { readAddress } from './arguments.ts'
import { ActorNotFoundError, ActorTerminatedError, InboxFullError } from './errors.ts'
import type { Bounds } from './bounds.ts'
import type { Address, SendOptions, SpawnSettings } from './options.ts'
import type { Json, SignalResult, Writer } from './persistence/store.ts'
import { readLetter } from './sending.ts'
import { draftActors, idOfSpawned, idsOfInserted, type Spawned } from './spawning.ts'
import { toMessages } from './supervisor/wakes.ts'

export interface TransactionOptions {
  /** The store, within the caller's transaction. */
  readonly writer: Writer
  readonly registrations: Registrations
  readonly bounds: Bounds
  readonly wake: boolean
  readonly refOf: (machine: AnyStateMachine, id: string) => DurableActorRef<AnyStateMachine>
}

type Result = Awaited<ReturnType<TransactionCalls['send']>>

/** The calls, whatever the machine; runtime.ts gives them their types. */
export class Transaction {
  readonly #options: TransactionOptions

  constructor(options: TransactionOptions) {
    this.#options = options
  }

  async spawn(machine: AnyStateMachine, settings: SpawnSettings = {}): Promise<DurableActorRef<AnyStateMachine>> {
    const [spawned] = await this.#insert(machine, [settings])
    return this.#options.refOf(machine, idOfSpawned(spawned as Spawned))
  }

  async spawnMany(machine: AnyStateMachine, entries: readonly SpawnSettings[]): Promise<readonly ActorId[]> {
    return idsOfInserted(await this.#insert(machine, entries)) as readonly ActorId[]
  }

  async send(address: Address, event: AnyEventObject, options: SendOptions = {}): Promise<Result> {
    const { writer, bounds, registrations } = this.#options
    const at = readAddress(address)
    const { json, dedupKey } = readLetter(event, options, bounds)
    const actorId = typeof at === 'string' ? at : await this.#findKey(at.key)
    const signal = async (machine: string | null, event: Json): Promise<SignalResult> => {
      const [result] = await writer.signal([{ actorId, machine, event, dedupKey }], bounds.inbox)
      return result as SignalResult
    }
    const { codecs } = registrations
    const [guess] = codecs.machines
    if (guess === undefined) return this.#answer(actorId, await signal(null, json))
    // By whose codec, only the row tells: an answer that it is of another machine names that.
    const answer = await signal(guess, codecs.encode(guess, json, 'event'))
    if (answer.kind !== 'otherMachine') return this.#answer(actorId, answer)
    return this.#answer(actorId, await signal(answer.machine, codecs.encode(answer.machine, json, 'event')))
  }

  async #insert(machine: AnyStateMachine, entries: readonly SpawnSettings[]): Promise<readonly Spawned[]> {
    const { registrations, bounds, writer } = this.#options
    const registration = registrations.of(machine)
    const drafts = draftActors(entries, registration, bounds)
    if (drafts.length === 0) return []
    const answers = await writer.insert(drafts.map(({ row }) => row))
    const spawned = drafts.map(({ row, ifExists }, index) => {
      return { row, answer: answers[index] as Spawned['answer'], ifExists }
    })
    if (spawned.some(({ answer }) => answer.kind === 'inserted')) await this.#tell(null, null)
    return spawned
  }

  async #answer(id: string, result: SignalResult): Promise<Result> {
    switch (result.kind) {
      case 'queued':
        await this.#tell(result.owner, id)
        return { status: 'queued' }
      case 'duplicate':
        return { status: 'duplicate' }
      case 'terminated':
        throw new ActorTerminatedError(id, result.status)
      case 'full':
        throw new InboxFullError(id, this.#options.bounds.inbox)
      default:
        throw new ActorNotFoundError(id)
    }
  }

  async #findKey(key: string): Promise<string> {
    const [id] = await this.#options.writer.findKeys([key])
    if (id) return id
    throw new ActorNotFoundError(`with key '${key}'`)
  }

  /** The node that has the actor, or all pickers; this node hears of it as others do. */
  async #tell(node: string | null, id: string | null): Promise<void> {
    if (this.#options.wake) await this.#options.writer.notify(toMessages([{ node, id }], null))
  }
}

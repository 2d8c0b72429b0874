/**
 * Sending: from a caller's event to an entry at the engine, with a receipt that becomes the promise.
 *
 * Owns: reading the arguments, finding the ids of keys. Does not own: where the entry goes from there (actors/engine.ts).
 *
 * Invariant
 * 1. What one caller sends to one actor arrives in that order, also while its key is being looked up.
 */
import type { AnyEventObject } from 'xstate'
import type { SendEntry, SendResult, StopEntry } from './actors/mailbox.ts'
import { readAddress, readEvent, readFields, readText } from './arguments.ts'
import { ActorNotFoundError } from './errors.ts'
import type { Bounds } from './bounds.ts'
import type { Address, SendOptions } from './options.ts'
import type { Json } from './persistence/store.ts'
import type { Current } from './supervisor/node.ts'

export interface SenderOptions {
  readonly bounds: Bounds
  /** The engine where it can be had at once. */
  readonly current: () => Current | null
  /** Waits for the engine: in order, and before anybody finds it there. */
  readonly onceMember: (resolve: (current: Current) => void, reject: (reason: unknown) => void) => void
}

export interface Letter {
  readonly event: AnyEventObject
  readonly json: Json
  readonly dedupKey: string | null
}

const SEND_OPTIONS = ['dedupKey'] as const satisfies readonly (keyof SendOptions)[]

/** Throws InvalidArgumentError, NotSerializableError or TooLargeError. */
export function readLetter(event: AnyEventObject, options: SendOptions, bounds: Bounds): Letter {
  const { dedupKey } = readFields('send', options, SEND_OPTIONS)
  const { copy, json } = readEvent(event, bounds)
  return { event: copy, json, dedupKey: dedupKey === undefined ? null : readText('dedupKey', dedupKey) }
}

export class Sender {
  readonly #options: SenderOptions
  /** Look-ups of keys under way: what is sent to one key meanwhile waits for the same answer, in order. */
  readonly #lookups = new Map<string, Promise<string>>()

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** `machine`: what the sender takes the actor for; null: an actor of any. */
  send(address: Address, event: AnyEventObject, options: SendOptions, machine: string | null): Promise<SendResult> {
    // Not an async function: thousands may wait at once, and each would hold a second promise. What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      const at = readAddress(address)
      const letter = readLetter(event, options, this.#options.bounds)
      this.#deliver(at, { kind: 'send', machine, ...letter, receipt: { resolve, reject } })
    })
  }

  stop(id: string, machine: string | null): Promise<void> {
    return new Promise((resolve, reject) => this.#deliver(id, { kind: 'stop', machine, receipt: { resolve, reject } }))
  }

  /** The id of an address. Rejects with ActorNotFoundError for a key that no actor ever had. */
  async findId(address: unknown): Promise<string> {
    const at = readAddress(address)
    return typeof at === 'string' ? at : this.#findKey(at.key)
  }

  /** Hands an entry to the engine, or tells its receipt why that is not possible. */
  #deliver(at: Address, entry: SendEntry | StopEntry): void {
    const fail = (error: unknown): void => entry.receipt.reject(error)
    const current = this.#options.current()
    if (!current) {
      this.#options.onceMember(() => this.#deliver(at, entry), fail)
      return
    }
    if (typeof at === 'string') return current.engine.deliver(at, entry)
    const awake = this.#lookups.has(at.key) ? undefined : current.engine.registry.getByKey(at.key)
    if (awake) return awake.offer(entry)
    this.#findKey(at.key).then((id) => this.#deliver(id, entry), fail)
  }

  #findKey(key: string): Promise<string> {
    const running = this.#lookups.get(key)
    if (running) return running
    const lookup = new Promise<Current>((resolve, reject) => this.#options.onceMember(resolve, reject))
      .then(({ batched }) => batched.findKey(key))
      .then((id) => {
        if (id === null) throw new ActorNotFoundError(`with key '${key}'`)
        return id
      })
      .finally(() => this.#lookups.delete(key))
    this.#lookups.set(key, lookup)
    return lookup
  }
}

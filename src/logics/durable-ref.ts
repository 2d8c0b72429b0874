/**
 * A reference to an actor of another row, by id or by key: to be sent to from within a machine, and kept in a context.
 *
 * Owns: what XState asks of a reference. Does not own: delivery, which is a part of the sender's commit (actors/outgoing.ts).
 */
import type { ActorRefFrom, AnyStateMachine } from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { lookAt, readText } from '../texts.ts'

export type DurableAddress = { readonly id: string } | { readonly key: string }

/** XState's word for an actor that runs. Whether this one does, the commit finds out. */
const RUNNING = 1

export class DurableRef {
  readonly address: DurableAddress
  readonly id: string
  readonly sessionId: string
  readonly _processingStatus = RUNNING
  readonly _parent = undefined

  constructor(address: DurableAddress) {
    this.address = address
    this.id = 'id' in address ? address.id : address.key
    this.sessionId = `durable:${this.id}`
  }

  get ref(): this {
    return this
  }

  send(): never {
    return this.#refuse('sent to')
  }

  getSnapshot(): never {
    return this.#refuse('read')
  }

  subscribe(): never {
    return this.#refuse('watched')
  }

  on(): never {
    return this.#refuse('watched')
  }

  toJSON(): object {
    return { address: this.address }
  }

  #refuse(what: string): never {
    throw new InvalidArgumentError(
      `durable actor '${this.id}'`,
      `cannot be ${what} through a ref that a machine holds`,
      'In a machine, use the action sendTo(ref, event); outside, runtime.get(id)'
    )
  }
}

/**
 * A reference to a durable actor that is no child of the machine, for `sendTo`: what is sent is a part of the sender's commit,
 * and with that is sent exactly once. It can be kept in a context, and handed on in events and input. A key leads to the actor
 * that has it when the commit is made.
 *
 * An actor that does not exist, or has ended, gets nothing, as in XState; telemetry tells (`message.undelivered`). A delayed
 * `sendTo` to it is refused: send the delay to yourself. Throws InvalidArgumentError where the address is neither an id nor a key.
 *
 * @example
 * on: { PAID: { actions: sendTo(({ context }) => durableRef<typeof stock>({ key: `stock:${context.item}` }), { type: 'TAKE' }) } }
 */
export function durableRef<M extends AnyStateMachine = AnyStateMachine>(
  address: string | { readonly key: string }
): ActorRefFrom<M> {
  return new DurableRef(readAddress(address)) as unknown as ActorRefFrom<M>
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Also of what was stored: nobody can have it address anything else. */
export function readAddress(address: unknown): DurableAddress {
  if (typeof address === 'string' && UUID.test(address)) return { id: address.toLowerCase() }
  const key: unknown = lookAt('durableRef', 'Pass the id of an actor, or { key }', () =>
    typeof address === 'object' && address !== null && 'key' in address ? address.key : undefined
  )
  if (key !== undefined) return { key: readText('the key of durableRef', key) }
  throw new InvalidArgumentError('durableRef', 'has no address', 'Pass the id of an actor, or { key }')
}

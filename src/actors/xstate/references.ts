/**
 * References to actors of a tree: which values are such, what is stored of one, and what stands for an actor that is
 * not (or not yet) in memory.
 *
 * Owns: `Ref`, the translation between session ids as seen (`<actor>:<n>`) and as stored (`n`), and paths for people.
 * Does not own: the actors (live-tree.ts).
 *
 * Invariants
 * 1. A reference names an actor by session id, never by path: it does not lead to a later child with the same id.
 * 2. What is sent to a reference goes the way of every message of its tree: applied in a turn, enqueued outside of one.
 */
import type { AnyEventObject } from 'xstate'
import { DurableRef } from '../../logics/durable-ref.ts'
import type { ActorRefs, StoredRef } from '../snapshot-codec.ts'
import { standsForChild } from './actor-kinds.ts'
import { type LiveActor, type LiveMachineSnapshot, type LiveObserver, STOPPED, type Subscription } from './internals.ts'

/** What a reference needs of its tree. */
export interface RefOwner {
  readonly actorId: string
  readonly system: unknown
  actorAt(sessionId: string): LiveActor | undefined
  relay(source: unknown, target: { readonly sessionId: string }, event: AnyEventObject): void
}

export function sessionIdOf(actorId: string, session: number): string {
  return `${actorId}:${session}`
}

/** The stored form of a session id; undefined where it is not one of this actor's tree. */
export function sessionOf(actorId: string, sessionId: string): number | undefined {
  return sessionId.startsWith(`${actorId}:`) ? Number(sessionId.slice(actorId.length + 1)) : undefined
}

/** Where an actor is among the children of its root, in words. */
export function pathOf(actor: LiveActor): string {
  const parent = actor._parent
  // The root's own parent, if it has one, is no actor of this tree.
  const above = parent?._parent?.logic ? `${pathOf(parent)}.` : ''
  return `${above}children.${actor.id}`
}

/** XState's own test for references. */
export function isRef(
  value: object
): value is { readonly sessionId: string; readonly id: string; readonly _parent?: LiveActor } {
  return 'sessionId' in value && 'send' in value && 'ref' in value
}

/** An actor reference that looks its actor up each time: it outlives the actor, and may come before it. */
export class Ref {
  readonly sessionId: string
  readonly id: string
  readonly #parent: string | undefined
  readonly #owner: RefOwner
  readonly send: (event: AnyEventObject) => void

  constructor(owner: RefOwner, sessionId: string, id: string, parent: string | undefined) {
    this.sessionId = sessionId
    this.id = id
    this.#parent = parent
    this.#owner = owner
    this.send = (event) => owner.relay(undefined, this, event)
  }

  get ref(): this {
    return this
  }

  get system(): unknown {
    return this.#owner.system
  }

  get _parent(): unknown {
    if (this.#parent === undefined) return undefined
    return this.#owner.actorAt(this.#parent) ?? new Ref(this.#owner, this.#parent, this.#parent, undefined)
  }

  get _processingStatus(): number {
    return this.#actor?._processingStatus ?? STOPPED
  }

  _stop(): void {
    this.#actor?._stop()
  }

  getSnapshot(): unknown {
    return this.#actor?.getSnapshot() ?? { status: 'stopped', output: undefined, error: undefined }
  }

  subscribe(observer: LiveObserver): Subscription {
    return this.#actor?.subscribe(observer) ?? { unsubscribe: () => {} }
  }

  on(type: string, handler: (event: AnyEventObject) => void): Subscription {
    return this.#actor?.on(type, handler) ?? { unsubscribe: () => {} }
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.id }
  }

  get #actor(): LiveActor | undefined {
    return this.#owner.actorAt(this.sessionId)
  }
}

/** How references are stored: session id, id, and parent, so that a stopped child is still known as whose it was. */
export class OwnRefs implements ActorRefs {
  readonly #owner: RefOwner

  constructor(owner: RefOwner) {
    this.#owner = owner
  }

  toRef(value: object): StoredRef | undefined {
    if (!isRef(value)) return undefined
    const { actorId } = this.#owner
    const session = sessionOf(actorId, value.sessionId)
    if (session === undefined) return undefined
    const parent = value._parent && sessionOf(actorId, value._parent.sessionId)
    return { session, id: value.id, ...(parent !== undefined && { parent }) }
  }

  fromRef(stored: StoredRef): unknown {
    return refAt(this.#owner, stored)
  }

  toStandIn(value: object): object | undefined {
    return '_nodes' in value ? plainSnapshot(value) : undefined
  }
}

/**
 * How references are written for other rows: the root by its id, and a child in a row of its own by that one's. Other actors of the
 * tree are refused: nobody outside could send to them.
 */
export function refsForOthers(owner: RefOwner, childIdOf: (sessionId: string) => string): ActorRefs {
  const { actorId } = owner
  return {
    toRef: () => undefined,
    fromRef: () => undefined,
    toStandIn(value) {
      if (!isRef(value)) return undefined
      const session = sessionOf(actorId, value.sessionId)
      if (session === 0) return new DurableRef({ id: actorId })
      const src = owner.actorAt(value.sessionId)?.logic
      return src && standsForChild(src) ? new DurableRef({ id: childIdOf(value.sessionId) }) : undefined
    }
  }
}

function refAt(owner: RefOwner, { session, id, parent }: StoredRef): unknown {
  if (typeof session !== 'number' || typeof id !== 'string') throw new TypeError('malformed')
  const sessionId = sessionIdOf(owner.actorId, session)
  const parentId = typeof parent === 'number' ? sessionIdOf(owner.actorId, parent) : undefined
  return owner.actorAt(sessionId) ?? new Ref(owner, sessionId, id, parentId)
}

/** What is left of a machine's snapshot that someone keeps: its data. Its methods, and the machine, are not stored. */
function plainSnapshot(value: object): object | undefined {
  const { machine } = value as { readonly machine?: object }
  if (typeof machine !== 'object' || !('__xstatenode' in machine)) return undefined
  const { status, output, error, value: state, context, children, tags } = value as LiveMachineSnapshot
  return { status, output, error, value: state, context, children, tags: [...tags] }
}

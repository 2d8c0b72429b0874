/**
 * The actor system that the actors of a tree live in: what XState calls, handed on to the tree.
 *
 * Owns: system ids. Everything else is asked of the tree.
 * Does not own: clocks and loggers (timers are data, logs are effects).
 */
import type { AnyEventObject } from 'xstate'
import type { WorkRequests } from './actor-kinds.ts'
import type { InspectedEvent, LiveActor } from './internals.ts'

export interface Scheduler {
  schedule(source: LiveActor, target: object, event: AnyEventObject, delayMs: number, id?: string): void
  cancel(source: LiveActor, id: string): void
  cancelAll(source: LiveActor): void
}

/** What the system asks of its tree. */
export interface SystemOwner extends Scheduler, WorkRequests {
  newSessionId(): string
  /** A new actor, before its first snapshot. */
  adopt(actor: LiveActor): void
  /** An actor that starts. */
  register(actor: LiveActor): void
  countMicrostep(): void
  /** Everything that inspectors are to hear. */
  inspect(event: InspectedEvent): void
  relay(source: unknown, target: object, event: AnyEventObject): void
}

// Methods live on the prototype and maps are made when needed: there is one of these for every actor that is awake.
export class ActorSystem {
  readonly owner: SystemOwner
  #actors: Map<string, LiveActor> | undefined
  // The other way round: releases of XState differ in where an actor has its system id.
  #ids: Map<LiveActor, string> | undefined

  constructor(owner: SystemOwner) {
    this.owner = owner
  }

  get scheduler(): Scheduler {
    return this.owner
  }

  get _clock(): typeof NO_CLOCK {
    return NO_CLOCK
  }

  /** Never called: what is logged is an effect. */
  get _logger(): () => void {
    return () => {}
  }

  get(systemId: string): LiveActor | undefined {
    return this.#actors?.get(systemId)
  }

  getAll(): Record<string, LiveActor> {
    return Object.fromEntries(this.#actors ?? [])
  }

  idOf(actor: LiveActor): string | undefined {
    return this.#ids?.get(actor)
  }

  getSnapshot(): object {
    return { _scheduledEvents: {} }
  }

  inspect(): never {
    throw new Error('a durable actor cannot be inspected from inside: use runtime.inspect() instead')
  }

  start(): void {}

  _bookId(): string {
    return this.owner.newSessionId()
  }

  _register(sessionId: string, actor: LiveActor): string {
    this.owner.register(actor)
    return sessionId
  }

  _unregister(actor: LiveActor): void {
    const systemId = this.idOf(actor)
    if (systemId === undefined) return
    this.#actors?.delete(systemId)
    this.#ids?.delete(actor)
  }

  _set(systemId: string, actor: LiveActor): void {
    this.#actors ??= new Map()
    this.#ids ??= new Map()
    const holder = this.#actors.get(systemId)
    if (holder && holder !== actor) throw new Error(`Actor with system ID '${systemId}' already exists.`)
    this.#actors.set(systemId, actor)
    this.#ids.set(actor, systemId)
  }

  _sendInspectionEvent(event: InspectedEvent): void {
    if (event.type === '@xstate.microstep') this.owner.countMicrostep()
    else if (event.type === '@xstate.actor') this.owner.adopt(event.actorRef as LiveActor)
    this.owner.inspect(event)
  }

  _relay(source: unknown, target: object, event: AnyEventObject): void {
    this.owner.relay(source, target, event)
  }
}

const NO_CLOCK = {
  setTimeout(): never {
    throw new Error('a durable actor has no clock: use after, or a delayed raise or sendTo')
  },
  clearTimeout(): void {}
}

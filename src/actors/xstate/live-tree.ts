/**
 * The live actors of one durable actor: the root machine and its children, real XState actors in a system of ours.
 *
 * Owns: the inputs of a turn, messages between the actors, timers, and the effects that a turn holds back.
 * Does not own: what is replaced in an actor (adoption.ts), the stored form (tree-snapshot.ts), running effects
 * (transition.ts).
 *
 * Invariants
 * 1. Within a turn no code runs that the world could notice: custom actions, emits, logs, notices and the start and
 *    stop of work become effects, in native order.
 * 2. An input is applied to quiescence before `apply` returns.
 * 3. Messages are applied within a turn, enqueued outside of one, and dropped while a snapshot is restored (there,
 *    XState starts actors that had started long ago).
 * 4. What XState would swallow (a refusal while it makes a child) is remembered, and thrown by `apply`.
 */
import { type AnyEventObject, createActor } from 'xstate'
import { NotSerializableError } from '../../errors.ts'
import { DurableRef } from '../../logics/durable-ref.ts'
import { added } from '../lists.ts'
import type { ActorRefs } from '../snapshot-codec.ts'
import { type Adopter, adopt, adoptRoot, holdSubscriptions } from './adoption.ts'
import { ActorSystem, type SystemOwner } from './actor-system.ts'
import type { Blueprint } from './blueprint.ts'
import { type TreeEffect, withoutCancelledWork } from './effects.ts'
import type { Host, Input } from './host.ts'
import { inspectEffect } from './inspection.ts'
import { type InspectedEvent, type LiveActor, NO_OPTIONS, RUNNING, STOPPED } from './internals.ts'
import { OwnRefs, pathOf, type RefOwner, sessionIdOf, sessionOf } from './references.ts'
import { Subscriptions } from './subscriptions.ts'
import { dueTime, TimerTable } from './timer-table.ts'

/** Microsteps that one input may take more for each child (actors but the root): a broadcast is no endless loop. */
const MICROSTEPS_PER_CHILD = 100

export interface Identity {
  readonly sessionId: string
  readonly id: string
}

export class LiveTree implements SystemOwner, RefOwner, Adopter {
  readonly blueprint: Blueprint
  readonly actorId: string
  readonly host: Host
  readonly system = new ActorSystem(this)
  readonly timers = new TimerTable()
  /** By session id: the root, and every other actor that has not stopped. */
  readonly actors = new Map<string, LiveActor>()
  root: LiveActor | undefined
  /** The number of the next session or timer. */
  nextNumber = 0
  nowMs = 0
  /** Who inspects its turns, as the host has it; 0: nobody. */
  audience = 0
  /** The inputs of this turn. */
  inputs: Input[] = []
  #phase: 'idle' | 'turn' | 'hydrating' = 'idle'
  #effects: TreeEffect[] = []
  #microsteps = 0
  #refusal: NotSerializableError | undefined
  #identify: ((actor: LiveActor) => Identity) | undefined
  #refs: ActorRefs | undefined
  #subscriptions: Subscriptions | undefined

  constructor(blueprint: Blueprint, actorId: string, host: Host) {
    this.blueprint = blueprint
    this.actorId = actorId
    this.host = host
  }

  get refs(): ActorRefs {
    return (this.#refs ??= new OwnRefs(this))
  }

  get subscriptions(): Subscriptions {
    return (this.#subscriptions ??= new Subscriptions())
  }

  /** Whether code of the machine itself has ever subscribed to an actor of this tree. */
  get hasSubscriptions(): boolean {
    return this.#subscriptions !== undefined
  }

  actorAt(sessionId: string): LiveActor | undefined {
    return this.actors.get(sessionId)
  }

  /** Creates the root under a stand-in for a parent, which is how XState lets an actor into a system that exists. */
  createRoot(options: { readonly input?: unknown; readonly snapshot?: object }): LiveActor {
    const parent = { system: this.system }
    const all = { ...options, id: this.actorId, parent }
    return createActor(this.blueprint.machine, all as never) as unknown as LiveActor
  }

  /**
   * Runs `restore` with all that actors say unheard. `identify` gives every actor that XState makes its stored
   * identity.
   */
  hydrate(identify: (actor: LiveActor) => Identity, restore: () => void): void {
    this.#phase = 'hydrating'
    this.#identify = identify
    restore()
    this.#identify = undefined
    this.#phase = 'idle'
  }

  // ── a turn ──────────────────────────────────────────────────────────────────────────────────────────────────────

  beginTurn(nowMs: number): void {
    this.#phase = 'turn'
    this.nowMs = nowMs
    this.inputs = []
    this.#effects = []
  }

  apply(input: Input): void {
    this.inputs = added(this.inputs, input)
    this.#microsteps = 0
    this.#carryOut(input)
    if (this.#refusal) throw this.#refusal
  }

  endTurn(): readonly TreeEffect[] {
    if (this.actors.size > 1) this.#sweep()
    if (this.root?._processingStatus === STOPPED) this.timers.clear()
    this.#phase = 'idle'
    const effects = withoutCancelledWork(this.#effects)
    this.#effects = []
    return effects
  }

  /** Nothing more is applied: what is still sent to actors of this tree is for whoever comes after it. */
  abandon(): void {
    this.#phase = 'idle'
  }

  get isInspected(): boolean {
    return this.audience !== 0
  }

  inspect(event: InspectedEvent): void {
    if (this.isInspected) this.hold(inspectEffect(event))
  }

  hold(effect: TreeEffect): void {
    if (this.#phase === 'turn') this.#effects = added(this.#effects, effect)
  }

  #carryOut(input: Input): void {
    switch (input.kind) {
      case 'start': {
        const root = this.createRoot({ input: input.input })
        root.start()
        return void (root.options = NO_OPTIONS)
      }
      case 'event':
        return this.#receive(undefined, this.root, input.event)
      case 'internal': {
        const { source, sessionId, event } = input
        return this.#receive(this.actors.get(source ?? ''), this.actors.get(sessionId), event)
      }
      case 'timer': {
        const timer = this.timers.take(input.seq)
        return timer && this.#receive(this.actors.get(timer.source), this.actors.get(timer.target), timer.event)
      }
      case 'failure':
        return this.#fail(this.actors.get(input.sessionId), input.error)
      case 'stop':
        return this.root?._stop()
    }
  }

  #receive(source: Identity | undefined, actor: LiveActor | undefined, event: AnyEventObject): void {
    if (actor) this.#tellOfEvent(source, actor, event)
    deliver(actor, event)
  }

  /** XState tells inspectors of an event before it is delivered, and of one for an actor that has stopped as well. */
  #tellOfEvent(source: Identity | undefined, target: Identity, event: AnyEventObject): void {
    if (!this.isInspected) return
    const actorRef = this.actors.get(target.sessionId) ?? target
    this.inspect({ type: '@xstate.event', sourceRef: source, actorRef, event })
  }

  #fail(actor: LiveActor | undefined, error: unknown): void {
    const isRunning = actor?._processingStatus === RUNNING
    // An action of the root's last turn: XState would have failed before it told anybody of the end.
    const hasJustEnded = actor === this.root && actor?._snapshot.status === 'done'
    if (!actor || !(isRunning || hasJustEnded)) return
    actor._snapshot = { ...actor._snapshot, status: 'error', output: undefined, error }
    if (isRunning) actor._error(error)
    else this.hold({ kind: 'observe', sessionId: actor.sessionId, notice: 'error', value: error })
  }

  /** Children do not outlive their parent, whichever way it ended; those that have stopped are let go. */
  #sweep(): void {
    for (const [sessionId, actor] of this.actors) {
      if (actor._parent?._processingStatus === STOPPED) actor._stop()
      if (actor._processingStatus === STOPPED && actor !== this.root) this.actors.delete(sessionId)
    }
  }

  // ── what XState asks through the system ─────────────────────────────────────────────────────────────────────────

  newSessionId(): string {
    return this.#identify ? '' : sessionIdOf(this.actorId, this.nextNumber++)
  }

  adopt(actor: LiveActor): void {
    const isRoot = this.root === undefined
    if (isRoot) {
      this.root = actor
      actor._parent = this.host.parent as LiveActor | undefined
    } else if (typeof actor.src !== 'string') {
      this.#refuse(pathOf(actor), 'an actor of inline logic (give that logic a name in setup({ actors }))')
    }
    if (actor.id === '__proto__') this.#refuse(pathOf(actor), 'an actor with a reserved id')
    if (this.#identify) {
      const scope = actor._actorScope
      const { sessionId, id } = this.#identify(actor)
      actor.sessionId = scope.sessionId = sessionId
      actor.id = scope.id = id
    }
    this.actors.set(actor.sessionId, actor)
    adopt(actor, this)
    if (isRoot) adoptRoot(actor, this)
    if (!actor._syncSnapshot) holdSubscriptions(actor, this)
  }

  register(actor: LiveActor): void {
    if (actor._syncSnapshot) holdSubscriptions(actor, this)
  }

  countMicrostep(): void {
    const bound = this.blueprint.maxMicrosteps + (this.actors.size - 1) * MICROSTEPS_PER_CHILD
    if (++this.#microsteps <= bound) return
    throw new Error(`more than ${bound} microsteps for one event: transitions go in a circle (options.maxIterations)`)
  }

  relay(source: Identity | undefined, target: LiveActor | DurableRef, event: AnyEventObject): void {
    if (this.#phase === 'hydrating') return
    if (target instanceof DurableRef) return this.#sendOut(source, target, event)
    const isTurn = this.#phase === 'turn'
    if (isTurn) this.#tellOfEvent(source, target, event)
    if (!this.#isOurs(target)) {
      if (isTurn) this.hold({ kind: 'foreign', sessionId: source?.sessionId ?? this.actorId, target, event })
      else target.send(event)
    } else if (isTurn) deliver(this.actors.get(target.sessionId), event)
    else this.host.enqueue(target.sessionId, event, source?.sessionId)
  }

  /** Its end XState would tell the parent now: the row does that, once the last effects have run. */
  #sendOut(source: Identity | undefined, { address }: DurableRef, event: AnyEventObject): void {
    const isParent = 'id' in address && address.id === this.host.parent?.id
    const tellsOfItself = isParent && source === this.root && event.type.startsWith('xstate.')
    if (tellsOfItself) return
    this.hold({ kind: 'message', sessionId: source?.sessionId ?? this.actorId, to: address, event })
  }

  schedule(source: LiveActor, target: LiveActor, event: AnyEventObject, delayMs: number, id?: string): void {
    if (!this.#isOurs(target)) {
      this.#refuse(`the target of delayed event '${event.type}'`, 'an actor outside of this machine')
    }
    this.timers.add({
      seq: this.nextNumber++,
      source: source.sessionId,
      target: target.sessionId,
      id,
      event,
      dueAt: dueTime(this.nowMs, delayMs),
      isNameless: false
    })
  }

  cancel(source: LiveActor, id: string): void {
    this.timers.cancel(source.sessionId, id)
  }

  cancelAll(source: LiveActor): void {
    this.timers.cancelAll(source.sessionId)
  }

  requestEnd(actor: LiveActor): void {
    if (this.#phase === 'turn') actor._stop()
    else this.host.enqueue(actor.sessionId, { type: 'xstate.stop' })
  }

  /** Also where `target` was kept from an earlier time that this actor was in memory. */
  #isOurs(target: LiveActor): boolean {
    return target.system === this.system || sessionOf(this.actorId, String(target.sessionId)) !== undefined
  }

  #refuse(path: string, what: string): never {
    this.#refusal = new NotSerializableError(path, what)
    throw this.#refusal
  }
}

function deliver(actor: LiveActor | undefined, event: AnyEventObject): void {
  if (actor && actor._processingStatus !== STOPPED) actor._send(event)
}

/**
 * The XState port: all that the rest of the house sees of XState.
 *
 * A `MachineTree` is one durable actor in memory: its root machine and the machine's children. It takes inputs, gives
 * back what it would have the world see, and can be stored and brought back at every rest.
 *
 *     beginTurn(now) → apply(input)… → endTurn(): effects → persist(): the document to commit
 *                                                         └ committed: perform(effect)…  ·  not committed: dispose()
 *
 * Owns: the order of these calls, and running effects. Does not own: anything about XState's inside (the rooms in
 * xstate/).
 *
 * Invariants
 * 1. No I/O, no clock, no timers: time comes in with `beginTurn`, the world is touched by `perform` and `introduce` alone.
 * 2. A tree is never rolled back: if a turn is not committed, the tree is dropped.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Json } from '../persistence/store.ts'
import type { ActorRefs } from './snapshot-codec.ts'
import { type Reception, receptionOf } from './xstate/accepts.ts'
import { isPausing } from './xstate/activity-logic.ts'
import { endsByItself, workOf } from './xstate/actor-kinds.ts'
import type { Blueprint } from './xstate/blueprint.ts'
import type { EmitEffect, LogEffect, ObserveEffect, StartEffect, TreeEffect } from './xstate/effects.ts'
import { isMachineSnapshot, type LiveActor, type LiveSnapshot, RUNNING } from './xstate/internals.ts'
import { type EncodedJournal, encodeTreeJournal } from './xstate/journal.ts'
import { type DecodedJournal, decodeTreeJournal } from './xstate/journal-reading.ts'
import type { Host, Input } from './xstate/host.ts'
import { introduceActors, tellInspectors } from './xstate/inspection.ts'
import { LiveTree } from './xstate/live-tree.ts'
import { refsForOthers, sessionIdOf } from './xstate/references.ts'
import { StartedWork } from './xstate/started-work.ts'
import { assertXStateSupported } from './xstate/supported.ts'
import { checkTimers, hydrateTree } from './xstate/tree-hydration.ts'
import { goneSessions, type PersistedActor, readPersisted, writePersisted } from './xstate/persisted-actor.ts'
import { persistTree } from './xstate/tree-snapshot.ts'

export type { Reception } from './xstate/accepts.ts'
export { type Blueprint, compile } from './xstate/blueprint.ts'
export { attemptOf } from './xstate/activity-logic.ts'
export { isOutgoing } from './xstate/effects.ts'
export type * from './xstate/effects.ts'
export { isJournaled, keepVersion, markPerformed } from './xstate/journal.ts'
export type * from './xstate/persisted-actor.ts'
export type { Host, Input, Inspection } from './xstate/host.ts'
export { isOfChildren } from './xstate/remote-logic.ts'

assertXStateSupported()

export class MachineTree {
  readonly #tree: LiveTree
  #startedWork: StartedWork | undefined

  private constructor(blueprint: Blueprint, actorId: string, host: Host) {
    this.#tree = new LiveTree(blueprint, actorId, host)
  }

  /** Before its first turn, in which the `start` input must be applied. */
  static create(blueprint: Blueprint, actorId: string, host: Host): MachineTree {
    return new MachineTree(blueprint, actorId, host)
  }

  /**
   * Throws SnapshotIllegalError where the document does not come back whole, as when the machine lacks a state it
   * names.
   */
  static hydrate(blueprint: Blueprint, actorId: string, host: Host, stored: Json): MachineTree {
    const tree = new MachineTree(blueprint, actorId, host)
    hydrateTree(tree.#tree, stored)
    return tree
  }

  /**
   * A stored document as `edit` would have it, perhaps for another machine than the one that wrote it, and when its first timer is
   * due; `gone`: sessions of children that it has no more. Throws what `edit` throws, and SnapshotIllegalError, where the machine cannot take the result up as a whole.
   */
  static rewrite(
    blueprint: Blueprint,
    actorId: string,
    stored: Json,
    edit: (actor: PersistedActor) => PersistedActor
  ): { readonly snapshot: Json; readonly timerAt: number | null; readonly gone: readonly number[] } {
    const edited = writePersisted(edit(readPersisted(stored)), blueprint.machine, stored)
    const tree = MachineTree.hydrate(blueprint, actorId, { enqueue: () => undefined }, edited)
    checkTimers(tree.#tree)
    const snapshot = tree.persist()
    return { snapshot, timerAt: tree.nextTimer()?.dueAt ?? null, gone: goneSessions(stored, snapshot) }
  }

  // ── a turn ──────────────────────────────────────────────────────────────────────────────────────────────────────

  beginTurn(nowMs: number): void {
    this.#tree.beginTurn(nowMs)
  }

  /**
   * Applies an input to quiescence. What the user's code throws makes the status `error`, as in XState.
   *
   * Throws NotSerializableError where the machine makes something that cannot be stored; the tree is spoiled then.
   */
  apply(input: Input): void {
    this.#tree.apply(input)
  }

  /** Applies what the store has put into the inbox for a stand-in of children. It goes nowhere where that has stopped. */
  hear(event: AnyEventObject): void {
    const sessionId = sessionIdOf(this.#tree.actorId, event['session'] as number)
    this.apply({ kind: 'internal', sessionId, event })
  }

  /** Whether the present configuration has a transition for events of this type at the root. Guards are not asked. */
  takes(eventType: string): Reception {
    const snapshot = this.#root?._snapshot
    if (snapshot?.status !== 'active' || !isMachineSnapshot(snapshot)) return 'defer'
    return receptionOf(this.#tree.blueprint.accepts, snapshot.value, eventType)
  }

  /** Everything that the world would have seen of this turn, in native order. */
  endTurn(): readonly TreeEffect[] {
    const effects = this.#tree.endTurn()
    this.#startedWork?.dropEnded()
    return effects
  }

  // ── at rest ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Throws NotSerializableError with a path such as `context.items[3].fn` or `children.cart.context.total`. */
  persist(): Json {
    return persistTree(this.#tree)
  }

  /** How references to actors of this tree are written for other rows. */
  refsForOthers(childIdOf: (sessionId: string) => string): ActorRefs {
    return refsForOthers(this.#tree, childIdOf)
  }

  isRoot(sessionId: string): boolean {
    return sessionId === this.#root?.sessionId
  }

  get status(): LiveSnapshot['status'] {
    return this.#root?._snapshot.status ?? 'active'
  }

  get output(): unknown {
    return this.#root?._snapshot.output
  }

  get error(): unknown {
    return this.#root?._snapshot.error
  }

  /** The root's snapshot, as XState would show it. */
  get snapshot(): AnyMachineSnapshot {
    return this.#root?._snapshot as unknown as AnyMachineSnapshot
  }

  /** The root, and its children that have not stopped. */
  get actorCount(): number {
    return this.#tree.actors.size
  }

  nextTimer(): { readonly seq: number; readonly dueAt: number } | undefined {
    return this.#tree.timers.next()
  }

  /** In the order in which they fire. */
  dueTimers(nowMs: number): readonly number[] {
    return this.#tree.timers.due(nowMs).map(({ seq }) => seq)
  }

  /**
   * Tells inspectors that have come since of all actors. The turns that follow are told where somebody inspects now. To be
   * called when the tree has been hydrated, and before each turn.
   */
  introduce(): void {
    introduceActors(this.#tree)
  }

  /** Promises, callbacks or observables run, or are about to: what they do would be lost with the tree. `ending`: that end by themselves. */
  hasLiveWork(which: 'any' | 'ending' = 'any'): boolean {
    return this.#tree.actors.size > 1 && this.#activeWork().some(({ logic }) => which === 'any' || endsByItself(logic))
  }

  /** After hydration: the start of all work that was under way. */
  workToStart(): readonly TreeEffect[] {
    return this.#activeWork().map((actor) => {
      return { kind: 'start', sessionId: actor.sessionId, actor, state: actor._snapshot }
    })
  }

  #activeWork(): readonly LiveActor[] {
    return [...this.#tree.actors.values()].filter(
      (actor) => workOf(actor.logic) && actor._processingStatus === RUNNING && !isPausing(actor._snapshot)
    )
  }

  // ── after the commit ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Runs one effect, and throws what the user's code throws.
   *
   * Returns what an action returned. XState ignores that; where it is a promise, its rejection is for the caller to
   * catch.
   */
  perform(effect: TreeEffect): unknown {
    switch (effect.kind) {
      case 'action':
        return effect.run(effect.args, effect.params)
      case 'log':
        return this.#log(effect)
      case 'emit':
        return this.#emit(effect)
      case 'start':
        return this.#start(effect)
      case 'deliver':
        return this.#work.deliver(effect.sessionId, effect.event)
      case 'stop':
        return this.#work.stop(effect.sessionId)
      case 'observe':
        return this.#observe(effect)
      case 'foreign':
        return effect.target.send(effect.event)
      case 'inspect':
        return tellInspectors(effect, this.#tree)
      case 'retry':
        return this.#tree.host.retrying?.(effect.sessionId, effect.attempt, effect.error, effect.retryInMs)
      // Carried out by the commit.
      case 'birth':
      case 'message':
      case 'cancel':
        return undefined
    }
  }

  /** Drops the tree: all that it has started is stopped. Returns what clean-up code threw. */
  dispose(): readonly unknown[] {
    this.#tree.abandon()
    return this.#startedWork?.stopAll() ?? []
  }

  #log({ label, value }: LogEffect): void {
    const words = label ? [label, value] : [value]
    const { host } = this.#tree
    if (host.log) host.log(...words)
    // oxlint-disable-next-line no-console -- where XState logs to
    else console.log(...words)
  }

  #emit({ sessionId, event }: Pick<EmitEffect, 'sessionId' | 'event'>): void {
    if (this.#tree.hasSubscriptions) this.#tree.subscriptions.emit(sessionId, event)
    this.#tree.host.emit?.(sessionId, event)
  }

  #start({ sessionId, actor, state }: StartEffect): void {
    this.#work.start(actor, state, (event: AnyEventObject) => this.#emit({ sessionId, event }))
  }

  #observe({ sessionId, notice, value }: ObserveEffect): void {
    if (this.#tree.hasSubscriptions) this.#tree.subscriptions.notify(sessionId, notice, value)
    if (this.isRoot(sessionId)) this.#tree.host.observe?.(notice, value)
  }

  get #work(): StartedWork {
    return (this.#startedWork ??= new StartedWork())
  }

  get #root(): LiveActor | undefined {
    return this.#tree.root
  }

  // ── effects that must survive a crash ───────────────────────────────────────────────────────────────────────────

  /**
   * The effects of the turn that has just ended, as data; null where none of them must survive a crash.
   *
   * `needsBefore`: the snapshot before the turn must be kept with it. Throws NotSerializableError.
   */
  encodeJournal(effects: readonly TreeEffect[]): EncodedJournal | null {
    return encodeTreeJournal(effects, this.#tree)
  }

  /** Of a tree hydrated from the snapshot beside the journal: its effects. `problems`: what of them can no longer run. */
  decodeJournal(journal: Json, before: Json | null): DecodedJournal {
    return decodeTreeJournal(journal, before, this.#tree)
  }
}

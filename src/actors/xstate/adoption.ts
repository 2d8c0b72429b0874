/**
 * What becomes of an actor that XState has just made for a tree, before it has a first snapshot.
 *
 * Owns: the replaced parts: action executor, emit, logic, `subscribe`, `on`, and `stop` of the root.
 * Does not own: what is done with effects and messages (live-tree.ts).
 *
 * Invariants
 * 1. Built-in actions run at the moment that XState chose for them; custom ones, logs and emits are held back in that
 *    place.
 * 2. Code that holds an actor of the tree cannot make it move outside a turn: what it sends or asks becomes a new
 *    event.
 */
import { toObserver } from 'xstate'
import { type WorkRequests, wrap } from './actor-kinds.ts'
import type { TreeEffect } from './effects.ts'
import {
  type InspectedEvent,
  type LiveActor,
  type LiveObserver,
  type ResolvedAction,
  RUNNING,
  STOPPED,
  type Subscription
} from './internals.ts'
import { type Notice, subscribeNatively, type Subscriptions } from './subscriptions.ts'

/** What adoption needs of the tree. */
export interface Adopter extends WorkRequests {
  readonly subscriptions: Subscriptions
  readonly root: LiveActor | undefined
  /** Keeps an effect of the turn until its commit. */
  hold(effect: TreeEffect): void
  readonly isInspected: boolean
  inspect(event: InspectedEvent): void
  requestEnd(actor: LiveActor): void
}

/** Actions that XState itself carries out; all others are custom, but for `log`, which is data. */
const BUILT_IN = new Set([
  'xstate.sendTo',
  'xstate.raise',
  'xstate.cancel',
  'xstate.spawnChild',
  'xstate.stopChild',
  'xstate.emit'
])
const LOG = 'xstate.log'

export function adopt(actor: LiveActor, tree: Adopter): void {
  const scope = actor._actorScope
  const { sessionId } = actor
  actor.logic = wrap(actor.logic)
  scope.emit = (event) => tree.hold({ kind: 'emit', sessionId, event })
  scope.actionExecutor = (action) => {
    if (actor._processingStatus === RUNNING) execute(actor, action, tree)
    else scope.defer(() => execute(actor, action, tree))
  }
}

function execute(actor: LiveActor, { type, params, info, exec }: ResolvedAction, tree: Adopter): void {
  const { sessionId } = actor
  // The executor that this one replaces would have told it.
  if (tree.isInspected) tree.inspect({ type: '@xstate.action', actorRef: actor, action: { type, params } })
  if (exec === undefined) return
  if (BUILT_IN.has(type)) {
    exec(info, params)
  } else if (type === LOG) {
    const { label, value } = params as { readonly label: string | undefined; readonly value: unknown }
    tree.hold({ kind: 'log', sessionId, label, value })
  } else {
    tree.hold({ kind: 'action', sessionId, type, params, args: info, run: exec })
  }
}

/**
 * Further, for the root: its observers are always told, and it ends by an event, not in the middle of something else.
 */
export function adoptRoot(actor: LiveActor, tree: Adopter): void {
  watch(actor, tree)
  actor.stop = () => tree.requestEnd(actor)
}

/**
 * From here on, who subscribes hears of committed snapshots only.
 *
 * An actor with `_syncSnapshot` subscribes to itself, for its parent, as the first thing of its start: not before that.
 */
export function holdSubscriptions(actor: LiveActor, tree: Adopter): void {
  actor.subscribe = (...args) => observe(actor, toObserver(...args), tree)
  actor.on = (type, handler) => tree.subscriptions.on(actor.sessionId, type, handler)
}

function observe(actor: LiveActor, observer: LiveObserver, tree: Adopter): Subscription {
  if (actor._processingStatus === STOPPED) return subscribeNatively(actor, observer)
  const isRoot = actor === tree.root
  if (!isRoot && !tree.subscriptions.isKnown(actor.sessionId)) watch(actor, tree)
  return tree.subscriptions.observe(actor.sessionId, observer)
}

function watch(actor: LiveActor, tree: Adopter): void {
  subscribeNatively(actor, new Watcher(actor.sessionId, tree))
}

/**
 * Turns what an actor tells its observers into effects. A class, as XState binds each method: closures cost ten times
 * that.
 */
class Watcher implements LiveObserver {
  readonly #sessionId: string
  readonly #tree: Adopter

  constructor(sessionId: string, tree: Adopter) {
    this.#sessionId = sessionId
    this.#tree = tree
  }

  next(snapshot: unknown): void {
    this.#hold('next', snapshot)
  }

  error(error: unknown): void {
    this.#hold('error', error)
  }

  complete(): void {
    this.#hold('complete', undefined)
  }

  #hold(notice: Notice, value: unknown): void {
    this.#tree.hold({ kind: 'observe', sessionId: this.#sessionId, notice, value })
  }
}

/**
 * What inspectors are told of the actors of a tree: XState's inspection events, held back like every effect.
 *
 * Owns: the actor that an inspector is shown in place of the live one, and the form in which an event is told.
 * Does not own: which events there are and in which order (XState, and live-tree.ts and adoption.ts in its stead), when
 * they are told (after the commit; transition.ts), who inspects (the host).
 *
 * Invariants
 * 1. An inspector never sees an uncommitted snapshot: the actor that it is shown has the one of the event that was told
 *    last, not the live one, which may be a turn ahead. Inspectors read snapshots when they have time.
 * 2. An actor is shown as one object for as long as it is in memory.
 */
import type { InspectionEvent } from 'xstate'
import { workOf } from './actor-kinds.ts'
import type { InspectEffect } from './effects.ts'
import type { Host } from './host.ts'
import type { InspectedEvent, InspectedRef, LiveActor, Logic } from './internals.ts'
import { Ref, type RefOwner, sessionIdOf, sessionOf } from './references.ts'

/** What inspection needs of the tree. */
export interface InspectedTree extends RefOwner {
  readonly host: Host
  readonly actors: ReadonlyMap<string, LiveActor>
  audience: number
}

/** An inspection event as an effect: with the snapshots that its actors have now, which are those to be shown with it. */
export function inspectEffect(event: InspectedEvent): InspectEffect {
  const { actorRef, sourceRef } = event
  return {
    kind: 'inspect',
    sessionId: actorRef.sessionId,
    event,
    snapshot: actorRef._snapshot,
    sourceSnapshot: sourceRef?._snapshot
  }
}

/**
 * Whoever has come to inspect since the last call is told of every actor. At rest only: what is told then has no commit
 * to wait for.
 */
export function introduceActors(tree: InspectedTree): void {
  const audience = tree.host.inspection?.audience ?? 0
  if (audience === tree.audience) return
  tree.audience = audience
  if (audience === 0) return
  for (const actor of tree.actors.values()) {
    tellInspectors(inspectEffect({ type: '@xstate.actor', actorRef: actor }), tree)
  }
}

export function tellInspectors({ event, snapshot, sourceSnapshot }: InspectEffect, tree: InspectedTree): void {
  const { actorRef, sourceRef } = event
  const told = { ...event, rootId: sessionIdOf(tree.actorId, 0), actorRef: show(actorRef, snapshot, tree) }
  if (sourceRef) told.sourceRef = show(sourceRef, sourceSnapshot, tree)
  tree.host.inspection?.tell(told as unknown as InspectionEvent)
}

const shown = new WeakMap<InspectedRef, InspectedActor>()

/** Actors from outside of the tree are not ours to hide. */
function show(actor: InspectedRef, snapshot: unknown, owner: RefOwner): InspectedRef {
  if (sessionOf(owner.actorId, String(actor.sessionId)) === undefined) return actor
  const inspected = inspectedActorOf(actor, owner)
  inspected.shown = snapshot
  return inspected
}

function inspectedActorOf(actor: InspectedRef, owner: RefOwner): InspectedActor {
  const known = shown.get(actor)
  if (known) return known
  const parent = actor._parent?.logic ? inspectedActorOf(actor._parent, owner) : undefined
  const inspected = new InspectedActor(actor, parent, owner)
  shown.set(actor, inspected)
  return inspected
}

/** An actor reference that also tells what inspectors ask: whose child it is, what it runs, and where it stood. */
class InspectedActor extends Ref {
  readonly src: unknown
  readonly logic: Logic | undefined
  readonly #parent: InspectedActor | undefined
  shown: unknown

  constructor(actor: InspectedRef, parent: InspectedActor | undefined, owner: RefOwner) {
    super(owner, actor.sessionId, actor.id, parent?.sessionId)
    this.src = actor.src
    this.logic = actor.logic && (workOf(actor.logic) ?? actor.logic)
    this.#parent = parent
  }

  override get _parent(): InspectedActor | undefined {
    return this.#parent
  }

  override getSnapshot(): unknown {
    return this.shown
  }
}

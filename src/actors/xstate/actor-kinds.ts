/**
 * What kinds of actor logic there are, and how those that do work are made to ask before they start it.
 *
 * Owns: telling kinds apart, and the wrapped form of each logic in which no work starts or stops inside a turn.
 * Does not own: running the work after the commit (started-work.ts).
 *
 * Invariants
 * 1. The logic itself is never changed; a logic is wrapped once, and the wrapped form is what an actor of a tree has.
 * 2. Within a turn, a wrapped logic calls no code of the user's.
 */
import { fromCallback, fromEventObservable, fromObservable, fromPromise } from 'xstate'
import { definitionOf, remoteDefinitionOf } from '../../logics/definitions.ts'
import { type AttemptRequests, repeat } from './activity-logic.ts'
import type { TreeEffect } from './effects.ts'
import { isMachine, type LiveActor, type Logic } from './internals.ts'
import { remoteLogic, type RemoteRequests } from './remote-logic.ts'

/**
 * `remote`: lives in a row of its own. `pure`: no `start`, everything happens in `transition`. `custom`: hand-written logic with a
 * `start` of its own.
 */
export type ActorKind =
  | 'machine'
  | 'remote'
  | 'promise'
  | 'callback'
  | 'observable'
  | 'event-observable'
  | 'custom'
  | 'pure'

export const STOP_EVENT = 'xstate.stop'

// XState brands nothing. But all logics of one creator share the source text of their functions, and reading it runs no
// code.
const nothing = { subscribe: () => ({ unsubscribe: () => {} }) } as never
const KINDS = new Map<string, ActorKind>([
  [textOf(fromPromise(async () => {})), 'promise'],
  [textOf(fromCallback(() => {})), 'callback'],
  [textOf(fromObservable(() => nothing)), 'observable'],
  [textOf(fromEventObservable(() => nothing)), 'event-observable']
])

function textOf(logic: { readonly transition: unknown; readonly start?: unknown }): string {
  return `${String(logic.transition)}|${String(logic.start)}`
}

export function kindOf(logic: Logic): ActorKind {
  if (remoteDefinitionOf(logic)) return 'remote'
  if (isMachine(logic)) return 'machine'
  return logic.start ? (KINDS.get(textOf(logic)) ?? 'custom') : 'pure'
}

/** What a wrapped logic asks of the tree that its actor belongs to. */
export interface WorkRequests extends AttemptRequests, RemoteRequests {
  hold(effect: TreeEffect): void
}

interface Scope {
  readonly self: LiveActor
  readonly system: { readonly owner: WorkRequests }
}

const wrapped = new WeakMap<Logic, Logic>()
const originals = new WeakMap<Logic, Logic>()
const standIns = new WeakSet<Logic>()

/** The form of a logic that an actor of a tree has: itself, where it starts nothing. */
export function wrap(logic: Logic): Logic {
  const known = wrapped.get(logic)
  if (known) return known
  const remote = remoteDefinitionOf(logic)
  const wrapper = remote ? remoteLogic(remote, ownerOf) : wrapLocal(logic)
  wrapped.set(logic, wrapper)
  if (remote?.kind === 'child') standIns.add(wrapper)
  return wrapper
}

/** Whether a wrapped logic is that of one child in a row of its own. */
export function standsForChild(wrapper: Logic): boolean {
  return standIns.has(wrapper)
}

function wrapLocal(logic: Logic): Logic {
  const kind = kindOf(logic)
  if (kind === 'machine' || kind === 'pure') return logic
  const work = wrapWork(logic, kind)
  const definition = definitionOf(logic)
  const wrapper = definition?.kind === 'activity' ? repeat(work, definition, ownerOf) : work
  originals.set(wrapper, logic)
  return wrapper
}

function ownerOf(scope: unknown): { readonly self: LiveActor; readonly owner: WorkRequests } {
  const { self, system } = scope as Scope
  return { self, owner: system.owner }
}

/** The logic as the user made it, if it does work that is started after a commit. */
export function workOf(wrapper: Logic): Logic | undefined {
  return originals.get(wrapper)
}

/** false: such work goes on until it is told to stop, as callbacks do; or nobody can know. */
export function endsByItself(wrapper: Logic): boolean {
  const logic = originals.get(wrapper)
  return logic !== undefined && kindOf(logic) === 'promise'
}

function wrapWork(logic: Logic, kind: ActorKind): Logic {
  const takesEvents = kind === 'callback'
  return {
    ...logic,
    start(snapshot, scope) {
      const { self, owner } = ownerOf(scope)
      owner.hold({ kind: 'start', sessionId: self.sessionId, actor: self, state: snapshot })
    },
    transition(snapshot, event, scope) {
      const { self, owner } = ownerOf(scope)
      if (event.type === STOP_EVENT) {
        if ((snapshot as { status: string }).status !== 'active') return snapshot
        owner.hold({ kind: 'stop', sessionId: self.sessionId })
        return stopped(snapshot, takesEvents)
      }
      if (!takesEvents) return logic.transition(snapshot, event, scope)
      owner.hold({ kind: 'deliver', sessionId: self.sessionId, event })
      return snapshot
    }
  }
}

/** As XState leaves a snapshot: a callback's keeps its input, the others' drop it. */
function stopped(snapshot: object, keepsInput: boolean): object {
  if (keepsInput) return { ...snapshot, status: 'stopped', error: undefined }
  const { _subscription: _, ...rest } = snapshot as { _subscription?: unknown }
  return { ...rest, status: 'stopped', input: undefined }
}

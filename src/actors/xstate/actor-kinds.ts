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
import { type AnyEventObject, fromCallback, fromEventObservable, fromObservable, fromPromise } from 'xstate'
import { isMachine, type LiveActor, type Logic } from './internals.ts'

/** `pure`: no `start`, everything happens in `transition`. `custom`: hand-written logic with a `start` of its own. */
export type ActorKind = 'machine' | 'promise' | 'callback' | 'observable' | 'event-observable' | 'custom' | 'pure'

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
  if (isMachine(logic)) return 'machine'
  return logic.start ? (KINDS.get(textOf(logic)) ?? 'custom') : 'pure'
}

/** What a wrapped logic asks of the tree that its actor belongs to. */
export interface WorkRequests {
  requestStart(actor: LiveActor, state: object): void
  requestDelivery(actor: LiveActor, event: AnyEventObject): void
  requestStop(actor: LiveActor): void
}

interface Scope {
  readonly self: LiveActor
  readonly system: { readonly owner: WorkRequests }
}

const wrapped = new WeakMap<Logic, Logic>()
const originals = new WeakMap<Logic, Logic>()

/** The form of a logic that an actor of a tree has: itself, where it starts nothing. */
export function wrap(logic: Logic): Logic {
  const known = wrapped.get(logic)
  if (known) return known
  const kind = kindOf(logic)
  const wrapper = kind === 'machine' || kind === 'pure' ? logic : wrapWork(logic, kind)
  wrapped.set(logic, wrapper)
  if (wrapper !== logic) originals.set(wrapper, logic)
  return wrapper
}

/** The logic as the user made it, if it does work that is started after a commit. */
export function workOf(wrapper: Logic): Logic | undefined {
  return originals.get(wrapper)
}

function wrapWork(logic: Logic, kind: ActorKind): Logic {
  const takesEvents = kind === 'callback'
  return {
    ...logic,
    start(snapshot, scope) {
      const { self, system } = scope as Scope
      system.owner.requestStart(self, snapshot)
    },
    transition(snapshot, event, scope) {
      const { self, system } = scope as Scope
      if (event.type === STOP_EVENT) {
        if ((snapshot as { status: string }).status !== 'active') return snapshot
        system.owner.requestStop(self)
        return stopped(snapshot, takesEvents)
      }
      if (!takesEvents) return logic.transition(snapshot, event, scope)
      system.owner.requestDelivery(self, event)
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

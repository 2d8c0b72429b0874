/**
 * The stand-in, in a parent's tree, for children that live in rows of their own.
 *
 * Owns: what the parent's machine sees of them: that they are active, and how they ended. It starts, is sent to and stopped as any
 * child; each of these is a request that goes out with the commit.
 * Does not own: the rows (actors/outgoing.ts), how their end is told (persistence/store.ts, `Outgoing`).
 *
 * Invariants
 * 1. Nothing of it runs: a parent whose children are all remote rests, and may leave memory.
 */
import type { AnyEventObject } from 'xstate'
import { DuplicateKeyError, SnapshotIllegalError } from '../../errors.ts'
import type { RemoteDefinition } from '../../logics/definitions.ts'
import { ChildStoppedError, TooFewSucceededError } from '../../logics/errors.ts'
import type { OutgoingEffect } from './effects.ts'
import type { LiveActor, Logic } from './internals.ts'

/** What a stand-in asks of its tree. */
export interface RemoteRequests {
  hold(effect: OutgoingEffect): void
}

/** How one child ended. */
export type ChildOutcome =
  | { readonly status: 'done'; readonly output: unknown }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'stopped'; readonly error: unknown }

/** What the store puts into a parent's inbox; `session`: the stand-in's. */
export const CHILD_ENDED = 'perdure.child'
export const CHILDREN_ENDED = 'perdure.children'

/** Whether an event is the store's word of how children have ended. */
export function isOfChildren({ type }: AnyEventObject): boolean {
  return type === CHILD_ENDED || type === CHILDREN_ENDED
}

interface RemoteState {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly output: unknown
  readonly error: unknown
  /** Until it has started. */
  readonly input?: unknown
}

export function remoteLogic(
  definition: RemoteDefinition,
  ownerOf: (scope: unknown) => { readonly self: LiveActor; readonly owner: RemoteRequests }
): Logic {
  return {
    config: definition.machine.config,
    getInitialSnapshot(...[, input]) {
      if (definition.kind === 'children' && !Array.isArray(input)) {
        throw new TypeError('the input of all(machine) must be an array, with the input of each child')
      }
      return { status: 'active', output: undefined, error: undefined, input }
    },
    start(snapshot, scope) {
      const { self, owner } = ownerOf(scope)
      owner.hold({ kind: 'birth', sessionId: self.sessionId, definition, input: (snapshot as RemoteState).input })
    },
    transition(snapshot, event, scope) {
      const state = snapshot as RemoteState
      if (state.status !== 'active') return state
      const { self, owner } = ownerOf(scope)
      switch (event.type) {
        case 'xstate.stop':
          owner.hold({ kind: 'cancel', sessionId: self.sessionId })
          return ended({ status: 'stopped' })
        case CHILD_ENDED:
          return ended(endOfChild((event as unknown as { readonly outcome: ChildOutcome }).outcome, self.id))
        case CHILDREN_ENDED:
          return ended(endOfChildren(event as unknown as ChildrenEnded, definition))
        default:
          if (definition.kind === 'child') owner.hold({ kind: 'message', sessionId: self.sessionId, to: null, event })
          return state
      }
    },
    getPersistedSnapshot: (snapshot) => {
      const { status, output, error } = snapshot as RemoteState
      return { status, output, error }
    }
  }
}

interface ChildrenEnded {
  /** In the order of the input; null: it had not ended, and is cancelled. */
  readonly outcomes: readonly (ChildOutcome | null)[]
}

type End = Pick<RemoteState, 'status'> & Partial<RemoteState>

function ended(state: End): RemoteState {
  return { output: undefined, error: undefined, ...state }
}

function endOfChild(outcome: ChildOutcome, id: string): End {
  switch (outcome.status) {
    case 'done':
      return { status: 'done', output: outcome.output }
    case 'failed':
      return { status: 'error', error: readError(outcome.error) }
    case 'stopped':
      return { status: 'error', error: new ChildStoppedError(id, outcome.error) }
    default:
      throw new SnapshotIllegalError(id, 'a child ended in a way that is unknown')
  }
}

/** A child whose key was taken never came about; the store has no class for that. */
function readError(error: unknown): unknown {
  const { type, key, id } = (error ?? {}) as { readonly type?: unknown; readonly key?: unknown; readonly id?: unknown }
  return type === 'perdure.keyTaken' ? new DuplicateKeyError(String(key), String(id)) : error
}

function endOfChildren({ outcomes }: ChildrenEnded, definition: RemoteDefinition): End {
  const output = outcomes.map((outcome) => {
    if (outcome === null) return { status: 'stopped' as const, error: undefined }
    return outcome.status === 'failed' ? { ...outcome, error: readError(outcome.error) } : outcome
  })
  const needed = definition.kind === 'children' ? definition.need : null
  const succeeded = output.filter(({ status }) => status === 'done').length
  if (needed === null || succeeded >= needed) return { status: 'done', output }
  return { status: 'error', error: new TooFewSucceededError(needed, succeeded, output) }
}

/**
 * An activity's attempts, as a part of its snapshot: which one it is, and whether it waits for the next.
 *
 * Owns: what becomes of an attempt that failed. Does not own: running one (logics/activity.ts, started-work.ts), what a wrapped
 * logic is otherwise (actor-kinds.ts).
 *
 * Invariants
 * 1. While it waits for its next attempt nothing of it runs: all there is of it is in the snapshot, and a timer.
 * 2. The number of an attempt changes only when one has failed: one that a crash cut off is repeated under the same.
 */
import type { AnyEventObject } from 'xstate'
import type { ActivityDefinition } from '../../logics/definitions.ts'
import { Throttled } from '../../logics/throttled.ts'
import { nextAttemptInMs } from '../../retry-policy.ts'
import type { RetryEffect, StartEffect } from './effects.ts'
import type { LiveActor, Logic } from './internals.ts'

export interface ActivityState {
  readonly status: string
  readonly attempt: number
  /** Nothing runs: a timer will begin the next attempt. */
  readonly isPausing?: true
}

/** What an activity asks of its tree. */
export interface AttemptRequests {
  hold(effect: StartEffect | RetryEffect): void
  schedule(source: LiveActor, target: object, event: AnyEventObject, delayMs: number, id?: string): void
}

/** How XState's promises tell themselves that they were rejected. */
const REJECTED = 'xstate.promise.reject'
const NEXT_ATTEMPT = 'perdure.attempt'

/** `wrapped`: the promise in which no work starts within a turn. */
export function repeat(
  wrapped: Logic,
  { retry, isRetryable }: ActivityDefinition,
  ownerOf: (scope: unknown) => { readonly self: LiveActor; readonly owner: AttemptRequests }
): Logic {
  const pause = (state: ActivityState, attempt: number, inMs: number, scope: unknown): ActivityState => {
    const { self, owner } = ownerOf(scope)
    owner.schedule(self, self, { type: NEXT_ATTEMPT }, inMs, NEXT_ATTEMPT)
    return { ...state, attempt, isPausing: true }
  }
  return {
    ...wrapped,
    getInitialSnapshot: (scope, input) => ({ ...wrapped.getInitialSnapshot?.(scope, input), attempt: 1 }),
    transition(snapshot, event, scope) {
      const state = snapshot as ActivityState
      if (state.status !== 'active') return wrapped.transition(snapshot, event, scope)
      if (event.type === NEXT_ATTEMPT && state.isPausing) {
        const { isPausing: _, ...next } = state
        const { self, owner } = ownerOf(scope)
        owner.hold({ kind: 'start', sessionId: self.sessionId, actor: self, state: next })
        return next
      }
      if (event.type !== REJECTED || state.isPausing) return wrapped.transition(snapshot, event, scope)
      const error: unknown = event['data']
      // The first is not written down: one that was taken up from its row does not say which it is.
      const attempt = attemptOf(state)
      if (error instanceof Throttled) return pause(state, attempt, error.retryInMs, scope)
      const inMs = isRetryable(error) ? nextAttemptInMs(retry, attempt, Math.random()) : null
      if (inMs === null) return wrapped.transition(snapshot, event, scope)
      const { self, owner } = ownerOf(scope)
      owner.hold({ kind: 'retry', sessionId: self.sessionId, attempt, error, retryInMs: inMs })
      return pause(state, attempt + 1, inMs, scope)
    }
  }
}

export function isPausing(snapshot: object): boolean {
  return (snapshot as Partial<ActivityState>).isPausing === true
}

/** Of started work: 1 for what has no attempts. */
export function attemptOf(state: object): number {
  return (state as Partial<ActivityState>).attempt ?? 1
}

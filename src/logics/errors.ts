/**
 * Errors of the work and of the children that a machine invokes. They come as `onError`, and to `runtime.on`.
 */
import { PerdureError } from '../errors.ts'

/** Thrown by an activity, or as the cause of what it throws: no attempt more, however many its policy allows. */
export class NonRetryableError extends PerdureError {
  readonly _tag = 'NonRetryableError'
}

/** An attempt of an activity took longer than its `timeout`. */
export class ActivityTimeoutError extends PerdureError {
  readonly _tag = 'ActivityTimeoutError'
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`the attempt took longer than ${timeoutMs} ms. Raise the activity's timeout, or have it heed its signal.`)
    this.timeoutMs = timeoutMs
  }
}

/** A durable child was stopped, by an operator or with its own `stop`, before it was done. `cause`: the reason, where one was given. */
export class ChildStoppedError extends PerdureError {
  readonly _tag = 'ChildStoppedError'
  readonly childId: string
  constructor(childId: string, cause?: unknown) {
    super(`child '${childId}' was stopped before it was done. Its row says why; invoke it again to have another.`, {
      cause
    })
    this.childId = childId
  }
}

/** Fewer children of an `all` succeeded than its `until` asks for. `outcomes`: how each ended, in the order of the input. */
export class TooFewSucceededError extends PerdureError {
  readonly _tag = 'TooFewSucceededError'
  readonly needed: number
  readonly outcomes: readonly unknown[]
  constructor(needed: number, succeeded: number, outcomes: readonly unknown[]) {
    super(`${succeeded} of ${outcomes.length} children succeeded, ${needed} were needed. See outcomes for the errors.`)
    this.needed = needed
    this.outcomes = outcomes
  }
}

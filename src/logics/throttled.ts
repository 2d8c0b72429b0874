/**
 * What an attempt of an activity rejects with that a limit did not let begin: it is tried again later, and was no attempt.
 *
 * Never seen by users: the tree takes it for the next time to try (actors/xstate/activity-logic.ts).
 */
export class Throttled extends Error {
  override readonly name = 'Throttled'
  readonly retryInMs: number

  constructor(retryInMs: number) {
    super(`a limit lets this begin in ${retryInMs} ms at the earliest`)
    this.retryInMs = retryInMs
  }
}

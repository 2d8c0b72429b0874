/**
 * A request to stop an actor that is not awake here: an event of XState's own in its inbox. `send` refuses such types to
 * everybody else. Its text begins with the type: the stores find it by that (sql/queries/cancel.sql).
 */
import type { Json, Signal } from '../persistence/store.ts'

export const STOP_EVENT_TYPE = 'xstate.stop'

export const STOP_REQUEST: Json = JSON.stringify({ type: STOP_EVENT_TYPE })

/** `reason`: why an operator wants it. */
export function stopRequest(reason: string | null): Json {
  return reason === null ? STOP_REQUEST : JSON.stringify({ type: STOP_EVENT_TYPE, reason })
}

/** The reason that a stop event was given, if it was. */
export function reasonOfStop(event: object): string | null {
  return 'reason' in event && typeof event.reason === 'string' ? event.reason : null
}

/** The first request to stop in an inbox. */
export function findStopRequest(inbox: readonly Signal[]): Signal | undefined {
  return inbox.find(({ event }) => event.startsWith(STOP_REQUEST.slice(0, -1)))
}

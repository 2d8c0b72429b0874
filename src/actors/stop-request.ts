/**
 * A request to stop an actor that is not awake here: an event of XState's own in its inbox. `send` refuses such types to
 * everybody else.
 */
import type { Json, Signal } from '../persistence/store.ts'

export const STOP_EVENT_TYPE = 'xstate.stop'

export const STOP_REQUEST: Json = JSON.stringify({ type: STOP_EVENT_TYPE })

export function isStopRequest({ event }: Signal): boolean {
  return event === STOP_REQUEST
}

/** How a row tells where its actor stands: at work, at rest, or how it ended. Pure. */
import type { ActorStatus, Commit } from '../persistence/store.ts'
import { encodeStopReason } from './row-commits.ts'
import { encodeError, toJson } from './snapshot-codec.ts'
import type { MachineTree } from './transition.ts'

/** How a machine's end is told by the row. */
export function endOf(
  { status, output, error }: Pick<MachineTree, 'status' | 'output' | 'error'>,
  stopReason: string | null
): Pick<Commit, 'status' | 'output' | 'lastError'> {
  if (status === 'done') return { status, output: toJson(output, 'output'), lastError: null }
  if (status === 'error') return { status: 'failed', output: null, lastError: encodeError(error) }
  return { status: 'stopped', output: null, lastError: encodeStopReason(stopReason) }
}

/** Of an actor that goes on. What it is awake for outlives the node that it is awake on. */
export function liveStatus(isAtWork: boolean, owesRow: boolean): ActorStatus {
  if (isAtWork) return 'running'
  return owesRow ? 'ready' : 'waiting'
}

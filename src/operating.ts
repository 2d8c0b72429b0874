/**
 * What operators do to a single actor: have it tried again, or end it.
 *
 * Owns: seeing a cancellation through to its end. Does not own: what is written (sql/queries/cancel.sql, retry.sql).
 *
 * Invariant
 * 1. `cancel` resolves when the actor has ended, and not before. Who has the actor is asked to end it; where that one is gone, or
 *    has parked it, the actor has no owner any more and is ended by the next look.
 */
import { setTimeout } from 'node:timers/promises'
import { encodeStopReason } from './actors/row-commits.ts'
import { stopRequest } from './actors/stop-request.ts'
import { readText } from './arguments.ts'
import { ActorNotFoundError, ActorTerminatedError } from './errors.ts'
import type { BatchedStore } from './persistence/batched-store.ts'
import { isTerminal } from './persistence/store.ts'

/** How often it is looked whether an owner has ended its actor. */
const LOOK_MS = 20

/** Throws InvalidArgumentError. */
export const readReason = (reason: string | undefined): string | null =>
  reason === undefined ? null : readText('reason', reason)

export interface OperatorHost {
  member(): Promise<{ readonly batched: BatchedStore }>
  /** Rows are to be had. */
  poke(): void
  /** An actor that a node has was asked something. */
  tellOwner(node: string, id: string): void
  /** Aborted when the runtime stops. */
  readonly stopped: AbortSignal
}

/** true: it runs as soon as a node has room for it; false: there was nothing to try again. */
export async function retryActor(id: string, host: OperatorHost): Promise<boolean> {
  const { batched } = await host.member()
  const result = await batched.retry(id)
  if (result.kind === 'missing') throw new ActorNotFoundError(id)
  if (result.kind === 'untouched' && isTerminal(result.status)) throw new ActorTerminatedError(id, result.status)
  if (result.kind === 'ready') host.poke()
  return result.kind === 'ready'
}

export async function cancelActor(id: string, reason: string | null, host: OperatorHost): Promise<void> {
  const cancellation = { id, request: stopRequest(reason), reason: encodeStopReason(reason) }
  for (;;) {
    const { batched } = await host.member()
    const result = await batched.cancel(cancellation)
    if (result.kind === 'missing') throw new ActorNotFoundError(id)
    for (const other of result.reached?.owners ?? []) host.tellOwner(other.node, other.id)
    if (result.reached?.wakesRows) host.poke()
    if (result.kind === 'ended') return
    host.tellOwner(result.owner, id)
    await untilOwnerLetsGo(id, result.owner, host)
  }
}

/** Resolves when the row has another owner, or none: that it has ended, perhaps. */
async function untilOwnerLetsGo(id: string, owner: string, host: OperatorHost): Promise<void> {
  for (;;) {
    await setTimeout(LOOK_MS, undefined, { signal: host.stopped }).catch(() => host.stopped.throwIfAborted())
    const { batched } = await host.member()
    if ((await batched.read(id))?.owner !== owner) return
  }
}

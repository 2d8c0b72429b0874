/**
 * What a turn asks of other rows, as the part of its commit that does it: children, messages, cancellations.
 *
 * Owns: the ids of children, where their rows are to be run, the stored form of what is sent. Does not own: which requests there are
 * (xstate/effects.ts), carrying them out (persistence/outgoing.ts).
 *
 * Invariants
 * 1. A child's id follows from its parent's id and the session that stands for it: a turn that is run again makes no other child.
 */
import { createHash } from 'node:crypto'
import type { AnyEventObject } from 'xstate'
import { checkSize, type Bounds } from '../bounds.ts'
import { InvalidArgumentError } from '../errors.ts'
import { readText } from '../plain-arguments.ts'
import { isOverAtOnce } from '../persistence/outgoing.ts'
import { LIVE_STATUSES, type Json, type NewActor, type NewJoin, type Outgoing } from '../persistence/store.ts'
import type { Registrations } from './registration.ts'
import { encode, type ActorRefs } from './snapshot-codec.ts'
import { isOutgoing, type BirthEffect, type MachineTree, type TreeEffect } from './transition.ts'

export interface Sender {
  readonly id: string
  readonly tree: MachineTree
  readonly registrations: Registrations
  readonly bounds: Bounds
}

export const NOTHING_OUT: Outgoing = { births: [], joins: [], messages: [], cancels: [], tellsParent: false }

/**
 * undefined: nothing. Throws NotSerializableError, TooLargeError, MachineNotRegisteredError or InvalidArgumentError: the turn cannot
 * be committed then.
 */
export function outgoingOf(effects: readonly TreeEffect[], sender: Sender, tellsParent: boolean): Outgoing | undefined {
  if (!tellsParent && !effects.some(isOutgoing)) return undefined
  const refs = sender.tree.refsForOthers((sessionId) => childIdOf(sessionId))
  const births: NewActor[] = []
  const joins: NewJoin[] = []
  const messages: Outgoing['messages'][number][] = []
  const cancels: number[] = []
  for (const effect of effects) {
    if (!isOutgoing(effect)) continue
    if (effect.kind === 'cancel') cancels.push(sessionOf(effect.sessionId))
    else if (effect.kind === 'message') {
      const to = effect.to ?? { id: childIdOf(effect.sessionId) }
      messages.push({ to, event: encodeEvent(effect.event, sender, refs) })
    } else if (effect.definition.kind === 'child') {
      births.push(bear(effect, effect.input, null, sender, refs))
    } else {
      const inputs = effect.input as readonly unknown[]
      const { need, concurrency } = effect.definition
      const join = { session: sessionOf(effect.sessionId), total: inputs.length, need, concurrency }
      joins.push(join)
      if (isOverAtOnce(join)) continue
      for (const [index, input] of inputs.entries()) births.push(bear(effect, input, index, sender, refs))
    }
  }
  return { births, joins, messages, cancels, tellsParent }
}

/** The id of the child, or of one of the children, that a session stands for: a UUID of version 8, from a hash. */
export function childIdOf(sessionId: string, index: number | null = null): string {
  const hash = createHash('sha256')
    .update(index === null ? sessionId : `${sessionId}:${index}`)
    .digest('hex')
  const variant = ((parseInt(hash.charAt(16), 16) & 3) | 8).toString(16)
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

function bear(
  { sessionId, definition }: BirthEffect,
  input: unknown,
  index: number | null,
  { id, registrations, bounds }: Sender,
  refs: ActorRefs
): NewActor {
  const { queue, priority, partitionKey, key } = definition.placement
  const { name, version } = registrations.ofChild(definition.machine)
  const partition = typeof partitionKey === 'function' ? partitionKey(input) : partitionKey
  const ownKey = key?.(input)
  return {
    id: childIdOf(sessionId, index),
    machine: name,
    machineVersion: version,
    key: ownKey === undefined ? null : readText('key', ownKey),
    keyScope: LIVE_STATUSES,
    queue,
    priority,
    partitionKey: partition === undefined || partition === null ? null : readText('partitionKey', partition),
    input: input === undefined ? null : checked('input', input, bounds, refs),
    owner: null,
    startAt: null,
    startInMs: null,
    parent: { id, session: sessionOf(sessionId), index }
  }
}

function encodeEvent(event: AnyEventObject, { bounds }: Sender, refs: ActorRefs): Json {
  if (!isReserved(event.type)) return checked('event', event, bounds, refs)
  throw new InvalidArgumentError(
    `the event '${event.type}'`,
    'cannot be sent to an actor in another row',
    "Send one whose type is no wildcard, and does not begin with 'xstate.' or 'perdure.'"
  )
}

const isReserved = (type: string): boolean =>
  type === '' || type === '*' || type.startsWith('xstate.') || type.startsWith('perdure.')

function checked(what: 'event' | 'input', value: unknown, bounds: Bounds, refs: ActorRefs): Json {
  const json = JSON.stringify(encode(value, what, refs))
  checkSize(what, json, bounds)
  return json
}

function sessionOf(sessionId: string): number {
  return Number(sessionId.slice(sessionId.lastIndexOf(':') + 1))
}

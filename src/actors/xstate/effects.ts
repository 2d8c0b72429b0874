/**
 * What a turn would have the world see, held back until its commit.
 *
 * Owns: the vocabulary of effects, and leaving out work that a turn both started and stopped.
 * Does not own: running them (transition.ts), storing them (journal.ts).
 *
 * Invariants
 * 1. The order of a turn's effects is the order in which plain XState would have shown them.
 * 2. Work that was started and stopped within one turn leaves no trace: it neither starts, nor hears of events, nor
 *    stops.
 */
import type { AnyEventObject } from 'xstate'
import type { RemoteDefinition } from '../../logics/definitions.ts'
import type { DurableAddress } from '../../logics/durable-ref.ts'
import type { InspectedEvent, LiveActor, ResolvedAction } from './internals.ts'
import type { Notice } from './subscriptions.ts'

/** What XState hands to a custom action. */
export type ActionArgs = ResolvedAction['info']

/** A custom action. `params` are resolved, `args` are those of its moment. */
export interface ActionEffect {
  readonly kind: 'action'
  readonly sessionId: string
  readonly type: string
  readonly params: unknown
  readonly args: ActionArgs
  readonly run: (args: unknown, params: unknown) => unknown
}

export interface LogEffect {
  readonly kind: 'log'
  readonly sessionId: string
  readonly label: string | undefined
  readonly value: unknown
}

export interface EmitEffect {
  readonly kind: 'emit'
  readonly sessionId: string
  readonly event: AnyEventObject
}

/** Start of a promise, callback or observable. `state` is its snapshot at that moment, which has its input. */
export interface StartEffect {
  readonly kind: 'start'
  readonly sessionId: string
  readonly actor: LiveActor
  readonly state: object
}

/** An event for work that runs: a callback's receivers. */
export interface DeliverEffect {
  readonly kind: 'deliver'
  readonly sessionId: string
  readonly event: AnyEventObject
}

export interface StopEffect {
  readonly kind: 'stop'
  readonly sessionId: string
}

/** A notice for those who subscribed to an actor. `value` is its snapshot or its error. */
export interface ObserveEffect {
  readonly kind: 'observe'
  readonly sessionId: string
  readonly notice: Notice
  readonly value: unknown
}

/** An event for something outside the tree that can be sent to. */
export interface ForeignEffect {
  readonly kind: 'foreign'
  readonly sessionId: string
  readonly target: { send(event: AnyEventObject): unknown }
  readonly event: AnyEventObject
}

/** An inspection event. It is there only where somebody inspects. */
export interface InspectEffect {
  readonly kind: 'inspect'
  readonly sessionId: string
  readonly event: InspectedEvent
  /** Of the event's actor and of its source, at that moment. */
  readonly snapshot: unknown
  readonly sourceSnapshot: unknown
}

/** An attempt of an activity has failed, and is to be repeated. */
export interface RetryEffect {
  readonly kind: 'retry'
  readonly sessionId: string
  readonly attempt: number
  readonly error: unknown
  readonly retryInMs: number
}

/** Children in rows of their own come into being, under the stand-in that this names. */
export interface BirthEffect {
  readonly kind: 'birth'
  readonly sessionId: string
  readonly definition: RemoteDefinition
  readonly input: unknown
}

/** An event for an actor in another row; `to: null`: for the child that this stands in for. */
export interface MessageEffect {
  readonly kind: 'message'
  readonly sessionId: string
  readonly to: DurableAddress | null
  readonly event: AnyEventObject
}

/** The children under a stand-in are not wanted any more. */
export interface CancelEffect {
  readonly kind: 'cancel'
  readonly sessionId: string
}

/** What the commit itself carries out, in its own transaction. */
export type OutgoingEffect = BirthEffect | MessageEffect | CancelEffect

export function isOutgoing(effect: TreeEffect): effect is OutgoingEffect {
  return effect.kind === 'birth' || effect.kind === 'message' || effect.kind === 'cancel'
}

/** `sessionId` names the actor of the tree whose effect it is. */
export type TreeEffect =
  | ActionEffect
  | LogEffect
  | EmitEffect
  | StartEffect
  | DeliverEffect
  | StopEffect
  | ObserveEffect
  | ForeignEffect
  | InspectEffect
  | RetryEffect
  | OutgoingEffect

/** The effects of a turn without work, or children, that it both started and stopped. */
export function withoutCancelledWork(effects: readonly TreeEffect[]): readonly TreeEffect[] {
  if (!effects.some(({ kind }) => ENDS.has(kind))) return effects
  const started = new Set<string>()
  const cancelled = new Set<string>()
  for (const { kind, sessionId } of effects) {
    if (STARTS.has(kind)) started.add(sessionId)
    else if (ENDS.has(kind) && started.has(sessionId)) cancelled.add(sessionId)
  }
  return cancelled.size === 0
    ? effects
    : effects.filter((effect) => !isOfWork(effect) || !cancelled.has(effect.sessionId))
}

const STARTS = new Set<TreeEffect['kind']>(['start', 'birth'])
const ENDS = new Set<TreeEffect['kind']>(['stop', 'cancel'])

function isOfWork(effect: TreeEffect): boolean {
  const { kind } = effect
  if (kind === 'message') return effect.to === null
  return kind === 'deliver' || STARTS.has(kind) || ENDS.has(kind)
}

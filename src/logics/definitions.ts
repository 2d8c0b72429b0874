/**
 * What perdure knows of an actor logic that it made itself: whether it is repeated, or lives in a row of its own.
 *
 * Owns: the definitions, found by the very object that the user lists in `setup({ actors })`; nothing is added to that.
 * Does not own: making such logic (the files beside this one), what becomes of it in a tree (actors/xstate/).
 *
 * Plain XState knows nothing of these definitions and runs the same logic within the process.
 */
import type { AnyStateMachine } from 'xstate'
import type { RetryPolicy } from '../retry-policy.ts'

/** What is to be had of a named limit before work may begin. */
export interface PermitUse {
  /** What of the limit it is for: its rate, its slots. A permit is one of all that the limit has. */
  readonly option: 'rateLimit' | 'concurrency'
  readonly limit: string
  readonly partition: string | null
  readonly weight: number
}

/** How an activity uses a limit, whatever the input of its activity. */
export interface NamedUse {
  readonly option: 'rateLimit' | 'concurrency'
  readonly limit: string
  readonly isPartitioned: boolean
  /** null: it depends on the input. */
  readonly weight: number | null
  /** Throws NonRetryableError where the partition or the weight that the input leads to cannot be used. */
  of(input: unknown): PermitUse
}

/** Work that is tried again: its attempts are kept in the row. */
export interface ActivityDefinition {
  readonly kind: 'activity'
  /** null: the first failure is the last. */
  readonly retry: RetryPolicy | null
  readonly isRetryable: (error: unknown) => boolean
  /** The named limits that each attempt takes. */
  readonly limits: readonly NamedUse[]
}

/** Where a child's row is to be run. */
export interface Placement {
  readonly queue: string
  readonly priority: number
  readonly partitionKey: string | ((input: unknown) => string | undefined) | null
  readonly key: ((input: unknown) => string | undefined) | null
}

/** A machine that lives in a row of its own, as a child. */
export interface ChildDefinition {
  readonly kind: 'child'
  readonly machine: AnyStateMachine
  readonly placement: Placement
}

/** Many of them, of which one `done` comes. */
export interface ChildrenDefinition {
  readonly kind: 'children'
  readonly machine: AnyStateMachine
  readonly placement: Placement
  /** As many must succeed; null: all must have ended, however. */
  readonly need: number | null
  /** As many run at a time; null: all. */
  readonly concurrency: number | null
}

export type RemoteDefinition = ChildDefinition | ChildrenDefinition
export type Definition = ActivityDefinition | RemoteDefinition

const definitions = new WeakMap<object, Definition>()

export function define<Logic extends object>(logic: Logic, definition: Definition): Logic {
  definitions.set(logic, definition)
  return logic
}

export function definitionOf(logic: object): Definition | undefined {
  return definitions.get(logic)
}

export function remoteDefinitionOf(logic: object): RemoteDefinition | undefined {
  const definition = definitionOf(logic)
  return definition?.kind === 'activity' ? undefined : definition
}

/** SKELETON: the exported types are final, bodies follow within minutes. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import type { Finding } from '../errors.ts'
import type { Json } from '../persistence/store.ts'
import type { TreeEffect } from './xstate/effects.ts'

export type { ActionArgs, ActionEffect, TreeEffect } from './xstate/effects.ts'

export interface Blueprint {
  readonly machine: AnyStateMachine
  /** The machine's id. */
  readonly name: string
  readonly warnings: readonly Finding[]
}

export interface Host {
  /** A new event for an actor of this tree, from started work, `self.send` in an action, or a ref that was kept. */
  enqueue(sessionId: string, event: AnyEventObject): void
  /** A notice for observers of the root; called by `perform`. */
  observe?(notice: 'next' | 'error' | 'complete', value: unknown): void
  /** An event emitted by an actor of the tree; called by `perform`, and by started work at once. */
  emit?(sessionId: string, event: AnyEventObject): void
  /** XState's `log` action; default: console.log. */
  log?(...args: unknown[]): void
}

export type Input =
  | { readonly kind: 'start'; readonly input: unknown }
  | { readonly kind: 'event'; readonly event: AnyEventObject }
  | { readonly kind: 'internal'; readonly sessionId: string; readonly event: AnyEventObject }
  | { readonly kind: 'timer'; readonly seq: number }
  | { readonly kind: 'failure'; readonly sessionId: string; readonly error: unknown }
  | { readonly kind: 'stop' }

export type TreeStatus = 'active' | 'done' | 'error' | 'stopped'
export type Reception = 'take' | 'defer' | 'discard'

declare class Skeleton {
  static create(blueprint: Blueprint, actorId: string, host: Host): MachineTree
  static hydrate(blueprint: Blueprint, actorId: string, host: Host, stored: Json): MachineTree
  beginTurn(nowMs: number): void
  apply(input: Input): void
  takes(eventType: string): Reception
  endTurn(): readonly TreeEffect[]
  persist(): Json
  get status(): TreeStatus
  get output(): unknown
  get error(): unknown
  get snapshot(): AnyMachineSnapshot
  nextTimer(): { readonly seq: number; readonly dueAt: number } | undefined
  dueTimers(nowMs: number): readonly number[]
  hasLiveWork(): boolean
  workToStart(): readonly TreeEffect[]
  /** What the user's code returned: where that is a promise, its rejection is the caller's to catch. */
  perform(effect: TreeEffect): unknown
  /** What clean-up code threw. */
  dispose(): readonly unknown[]
}
export class MachineTree extends Skeleton {}

export declare function compile(machine: AnyStateMachine): Blueprint
export declare function encodeJournal(
  effects: readonly TreeEffect[],
  tree: MachineTree
): { readonly journal: Json; readonly needsBefore: boolean } | null
/** Call after hydrate and before workToStart, which then leaves out what the journal starts. */
export declare function decodeJournal(
  journal: Json,
  before: Json | null,
  tree: MachineTree
): { readonly effects: readonly TreeEffect[]; readonly problems: readonly string[] }

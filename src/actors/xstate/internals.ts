/**
 * What perdure relies on inside XState, in one place.
 *
 * Owns: the list of private fields with the reason for each, and their shapes as types.
 * Does not own: refusing a release that lacks one (supported.ts), what is done with them (the other rooms).
 *
 * Invariants
 * 1. No other file of the project reads or replaces a private part of XState that is not listed here.
 */
import type { AnyEventObject } from 'xstate'

export const NOT_STARTED = 0
export const RUNNING = 1
export const STOPPED = 2

/** For an actor that has started: XState reads its options before that only, and they would keep its input in memory. */
export const NO_OPTIONS: LiveActor['options'] = Object.freeze({})

/** An action that XState has resolved and asks its executor to run. */
export interface ResolvedAction {
  readonly type: string
  readonly params: unknown
  readonly info: {
    readonly context: unknown
    readonly event: AnyEventObject
    readonly self: unknown
    readonly system: unknown
  }
  readonly exec?: (info: unknown, params: unknown) => unknown
}

export interface LiveScope {
  readonly self: LiveActor
  readonly system: unknown
  id: string
  sessionId: string
  defer(task: () => void): void
  emit: (event: AnyEventObject) => void
  actionExecutor: (action: ResolvedAction) => void
}

export interface LiveObserver {
  next?: (snapshot: unknown) => void
  error?: (error: unknown) => void
  complete?: () => void
}
export type Subscription = { unsubscribe(): void }

export interface LiveActor {
  id: string
  sessionId: string
  readonly src: unknown
  logic: Logic
  readonly system: unknown
  options: { readonly snapshot?: unknown }
  _parent: LiveActor | undefined
  _snapshot: LiveSnapshot
  _processingStatus: number
  readonly _syncSnapshot?: boolean
  readonly _actorScope: LiveScope
  start(): void
  send(event: AnyEventObject): void
  stop: () => unknown
  subscribe: (observer: LiveObserver | ((snapshot: unknown) => void)) => Subscription
  on: (type: string, handler: (event: AnyEventObject) => void) => Subscription
  getSnapshot(): unknown
  _send(event: AnyEventObject): void
  _stop(): void
  _error(error: unknown): void
}

/** What an inspection event may name: a live actor, a reference to one that is gone, an actor of somebody else. */
export type InspectedRef = Pick<LiveActor, 'id' | 'sessionId'> & {
  readonly src?: unknown
  readonly logic?: Logic | undefined
  readonly _parent?: InspectedRef | undefined
  readonly _snapshot?: unknown
}

/** An inspection event on its way to the system, which adds the id of the root. */
export interface InspectedEvent {
  readonly type: string
  readonly actorRef: InspectedRef
  sourceRef?: InspectedRef | undefined
  readonly event?: AnyEventObject
  readonly action?: { readonly type: string; readonly params: unknown }
}

export interface LiveSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  output?: unknown
  error?: unknown
  context?: unknown
  /** Of started work. */
  input?: unknown
}

export interface LiveMachineSnapshot extends LiveSnapshot {
  readonly machine: MachineLogic
  value: StateValue
  tags: Set<string>
  historyValue: Record<string, readonly Node[]>
  readonly children: Record<string, LiveActor | undefined>
  _nodes: readonly Node[]
}

export type StateValue = string | { readonly [key: string]: StateValue }

/** Actor logic of any kind. */
export interface Logic {
  readonly config?: unknown
  transition(snapshot: object, event: AnyEventObject, scope: unknown): object
  getInitialSnapshot?(scope: unknown, input: unknown): object
  start?(snapshot: object, scope: unknown): void
  getPersistedSnapshot?(snapshot: object): unknown
}

export interface MachineLogic extends Logic {
  readonly __xstatenode: true
  readonly id: string
  readonly root: Node
  readonly idMap: ReadonlyMap<string, Node>
  readonly config: { readonly id?: string; readonly context?: unknown }
  readonly options?: { readonly maxIterations?: number }
  readonly implementations: {
    readonly actions: Readonly<Record<string, unknown>>
    readonly actors: Readonly<Record<string, Logic | undefined>>
    readonly guards: Readonly<Record<string, unknown>>
    readonly delays: Readonly<Record<string, unknown>>
  }
}

export interface Node {
  readonly id: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  readonly order: number
  readonly tags: readonly string[]
  readonly parent: Node | undefined
  readonly states: Readonly<Record<string, Node>>
  readonly entry: readonly unknown[]
  readonly exit: readonly unknown[]
  readonly always: readonly Transition[] | undefined
  readonly transitions: ReadonlyMap<string, readonly Transition[]>
  readonly initial: { readonly actions: readonly unknown[] }
  readonly invoke: readonly { readonly id: string }[]
  readonly config: { readonly after?: object; readonly invoke?: unknown }
}

export interface Transition {
  readonly target: readonly Node[] | undefined
  readonly actions: readonly unknown[]
  readonly guard: unknown
  readonly reenter: boolean
}

export function isMachine(logic: Logic): logic is MachineLogic {
  return '__xstatenode' in logic
}

/** false also for a machine whose first snapshot could not even be made: XState gives such an actor a bare error. */
export function isMachineSnapshot(snapshot: LiveSnapshot): snapshot is LiveMachineSnapshot {
  return '_nodes' in snapshot
}

/**
 * `schedule`: what a system answers that is asked for its snapshot. `logged`: the parameters of a resolved `log`.
 * `observable`: the snapshot of one.
 */
export type Owner =
  | 'actor'
  | 'scope'
  | 'system'
  | 'scheduler'
  | 'schedule'
  | 'snapshot'
  | 'machine'
  | 'node'
  | 'logged'
  | 'observable'
  | Maker
/** What XState makes of these calls is a function that keeps their arguments. */
type Maker = 'raise' | 'spawnChild' | 'assign' | 'enqueueActions' | 'and'

/**
 * Every private part that is read, called, replaced or provided. `system` and `scheduler` list what XState calls on ours.
 *
 * Not here: a machine's `options`, which older releases do not have; they are read where there are some.
 */
export const INTERNALS: readonly { readonly owner: Owner; readonly field: string; readonly why: string }[] = [
  { owner: 'actor', field: '_actorScope', why: 'its executor and emit are replaced, so that effects wait' },
  { owner: 'actor', field: '_parent', why: 'the root is created under a stand-in to get our system' },
  {
    owner: 'actor',
    field: '_processingStatus',
    why: 'tells whether an actor runs; set for actors restored after their end'
  },
  { owner: 'actor', field: '_snapshot', why: 'context, output and error are set after all actors are restored' },
  { owner: 'actor', field: '_syncSnapshot', why: 'stored with the child' },
  { owner: 'actor', field: '_send', why: 'delivery within a turn' },
  { owner: 'actor', field: '_stop', why: 'stops the root, and children whose parent has ended' },
  { owner: 'actor', field: '_error', why: 'ends an actor whose effect failed for good' },
  {
    owner: 'actor',
    field: 'options',
    why: 'carries the stored snapshot to the adoption of a restored actor, and is let go once the actor has started'
  },
  { owner: 'actor', field: 'logic', why: 'wrapped, so that started work asks us' },
  { owner: 'scope', field: 'self', why: 'tells whose logic asks for its work to be started' },
  { owner: 'scope', field: 'system', why: 'leads from there to the tree' },
  { owner: 'scope', field: 'id', why: 'set for actors that are restored' },
  { owner: 'scope', field: 'sessionId', why: 'set for actors that are restored' },
  { owner: 'scope', field: 'actionExecutor', why: 'custom actions become effects' },
  { owner: 'scope', field: 'emit', why: 'emitted events become effects' },
  { owner: 'scope', field: 'defer', why: 'keeps the native order of effects of actors that have not started' },
  { owner: 'system', field: '_bookId', why: 'session ids are ours and durable' },
  { owner: 'system', field: '_register', why: 'called by XState' },
  { owner: 'system', field: '_unregister', why: 'called by XState; frees system ids' },
  { owner: 'system', field: '_set', why: 'called by XState; system ids' },
  { owner: 'system', field: '_relay', why: 'every message goes through it' },
  { owner: 'system', field: '_sendInspectionEvent', why: 'announces new actors and microsteps; what inspectors hear' },
  { owner: 'system', field: 'start', why: 'called by XState' },
  { owner: 'system', field: 'scheduler', why: 'timers are data' },
  { owner: 'schedule', field: '_scheduledEvents', why: 'empty: timers are no part of the system' },
  { owner: 'scheduler', field: 'schedule', why: 'called by XState' },
  { owner: 'scheduler', field: 'cancel', why: 'called by XState' },
  { owner: 'scheduler', field: 'cancelAll', why: 'called by XState' },
  { owner: 'system', field: '_clock', why: 'read by XState' },
  { owner: 'system', field: '_logger', why: 'read by XState' },
  { owner: 'snapshot', field: 'machine', why: 'tells which machine its states are of' },
  { owner: 'snapshot', field: '_nodes', why: 'their order decides that of `always` in parallel regions' },
  { owner: 'snapshot', field: 'historyValue', why: 'stored' },
  { owner: 'snapshot', field: 'value', why: 'stored; set with the nodes, which decide the order of its keys' },
  { owner: 'snapshot', field: 'tags', why: 'set with the nodes' },
  { owner: 'observable', field: '_subscription', why: 'left out when the observable is stopped' },
  { owner: 'machine', field: '__xstatenode', why: 'tells machines from other logic' },
  { owner: 'machine', field: 'root', why: 'static checks, addresses of actions' },
  { owner: 'machine', field: 'implementations', why: 'actions by name, child logic by name' },
  { owner: 'machine', field: 'idMap', why: 'history by node id' },
  { owner: 'node', field: 'transitions', why: 'which events a state takes; addresses of actions' },
  { owner: 'node', field: 'order', why: 'stored for parallel regions' },
  { owner: 'node', field: 'states', why: 'which events a state takes; addresses of actions' },
  { owner: 'node', field: 'always', why: 'addresses of actions' },
  { owner: 'node', field: 'parent', why: 'static checks' },
  { owner: 'node', field: 'type', why: 'static checks' },
  { owner: 'node', field: 'tags', why: 'those of restored states' },
  { owner: 'node', field: 'entry', why: 'addresses of actions' },
  { owner: 'node', field: 'exit', why: 'addresses of actions' },
  { owner: 'node', field: 'initial', why: 'addresses of actions' },
  { owner: 'node', field: 'invoke', why: 'static checks' },
  { owner: 'node', field: 'config', why: 'static checks' },
  { owner: 'raise', field: 'resolve', why: 'tells built-in actions from those of the user' },
  { owner: 'raise', field: 'type', why: 'static checks' },
  { owner: 'raise', field: 'id', why: 'static checks' },
  { owner: 'raise', field: 'delay', why: 'static checks' },
  { owner: 'spawnChild', field: 'src', why: 'static checks' },
  { owner: 'assign', field: 'assignment', why: 'static checks' },
  { owner: 'enqueueActions', field: 'collect', why: 'static checks' },
  { owner: 'and', field: 'guards', why: 'static checks' },
  { owner: 'logged', field: 'label', why: 'a log is data' },
  { owner: 'logged', field: 'value', why: 'a log is data' }
]

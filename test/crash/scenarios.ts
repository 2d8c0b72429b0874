/**
 * What workers do before they are killed. Plain data: it goes to another process.
 */
import type { RuntimeOptions } from '../../src/index.ts'
import type { Event, Step } from './order.ts'

export type Call =
  | { readonly kind: 'start' }
  | { readonly kind: 'spawn' }
  /** Sent with its own name as dedupKey, so that it may be repeated; or without one, so that it may not. */
  | { readonly kind: 'send'; readonly event: Event; readonly isRepeatable: boolean }
  /** Waits for a step that is taken by itself. */
  | { readonly kind: 'await step'; readonly step: Step }
  /** Waits for the next commit, of a transition or of an acknowledgement, that nothing else waits for. */
  | { readonly kind: 'await commit' }
  /** Waits until the actor has left memory. */
  | { readonly kind: 'await sleep' }
  /** A diary for the order to write to. */
  | { readonly kind: 'spawn diary' }
  /** Waits until all is in it. */
  | { readonly kind: 'await diary' }
  /** Waits until all three are awake. */
  | { readonly kind: 'await parcels' }
  /** All parcels are told to end, and the order to leave them, the last two of them at the same moment as the order. */
  | { readonly kind: 'leave while parcels end' }
  /** Stops the node in good order. */
  | { readonly kind: 'stop' }

export interface Scenario {
  readonly name: string
  /** Done in peace. */
  readonly given: readonly Call[]
  /** Done until the worker is killed. */
  readonly calls: readonly Call[]
  /** The statements that are sure to be among those at which it is killed, by their files. */
  readonly passes: readonly string[]
  /** All steps of the order's life, once everything repeatable was repeated. */
  readonly steps: readonly Step[]
  /** Of these: what may happen or not, as it comes. */
  readonly optional?: readonly Step[]
  readonly runtime?: Pick<RuntimeOptions, 'passivateAfter' | 'queues' | 'reaper' | 'bounds' | 'poll'>
}

export const start: Call = { kind: 'start' }
export const spawn: Call = { kind: 'spawn' }
export const send = (event: Event): Call => ({ kind: 'send', event, isRepeatable: true })
const sendOnce = (event: Event): Call => ({ kind: 'send', event, isRepeatable: false })
export const awaitStep = (step: Step): Call => ({ kind: 'await step', step })
export const awaitCommit: Call = { kind: 'await commit' }
const awaitSleep: Call = { kind: 'await sleep' }
const stop: Call = { kind: 'stop' }

/** Its first transition is committed and acknowledged. */
export const anOrder: readonly Call[] = [start, spawn, awaitCommit, awaitCommit]

export const spawning: Scenario = {
  name: 'an order is spawned',
  given: [start],
  calls: [spawn, awaitCommit, awaitCommit],
  passes: ['insert', 'commit'],
  steps: ['open', 'close']
}

export const sending: Scenario = {
  name: 'events are sent to an order that is awake',
  given: anOrder,
  calls: [sendOnce('noteA'), send('noteB'), awaitCommit],
  passes: ['commit'],
  steps: ['open', 'noteA', 'noteB', 'close']
}

export const waking: Scenario = {
  name: 'an event is sent to an order that sleeps, and that goes to sleep again',
  runtime: { passivateAfter: 0 },
  given: [start, spawn, awaitSleep],
  calls: [send('noteA'), awaitSleep],
  passes: ['claim', 'commit'],
  steps: ['open', 'noteA', 'close']
}

export const queueing: Scenario = {
  name: 'events are sent from a node that runs nothing',
  runtime: { queues: {} },
  given: [start, spawn],
  calls: [sendOnce('noteA'), send('noteB')],
  passes: ['signal'],
  steps: ['open', 'noteA', 'noteB', 'close']
}

export const working: Scenario = {
  name: 'an event waits for work to end, and the order itself comes to its end',
  given: anOrder,
  calls: [send('ship'), send('pay'), awaitStep('ship'), send('close')],
  passes: ['commit'],
  steps: ['open', 'pay', 'charged', 'ship', 'close']
}

export const snoozing: Scenario = {
  name: 'a timer is set and fires',
  given: anOrder,
  calls: [send('snooze'), awaitStep('ring'), awaitCommit],
  passes: ['commit'],
  steps: ['open', 'snooze', 'ring', 'close']
}

/** Of an order that was left while it was charged. */
export const takingOver: Scenario = {
  name: 'an order is taken over, and the node stops',
  runtime: { reaper: true, bounds: { attempts: 1_000 } },
  given: [],
  calls: [start, awaitStep('ship'), stop],
  passes: ['reap', 'pick', 'commit', 'expire'],
  steps: ['open', 'pay', 'charged', 'ship', 'close']
}

/**
 * What workers do before they are killed. Plain data: it goes to another process.
 */
import type { Event, Step } from './order.ts'

export type Call =
  | { readonly kind: 'spawn' }
  /** Sent with its own name as dedupKey, so that it may be repeated; or without one, so that it may not. */
  | { readonly kind: 'send'; readonly event: Event; readonly isRepeatable: boolean }
  /** Waits for a step that is taken by itself. */
  | { readonly kind: 'await step'; readonly step: Step }
  /** Waits until the actor has left memory. */
  | { readonly kind: 'await sleep' }

export interface Scenario {
  readonly name: string
  /** Done in peace. */
  readonly given: readonly Call[]
  /** From here on the worker may be killed, until it has stopped in good order. */
  readonly calls: readonly Call[]
  /** The statements that are sure to be among those at which it is killed, by their files. */
  readonly passes: readonly string[]
  /** All steps of the order's life, once everything repeatable was repeated. */
  readonly steps: readonly Step[]
  readonly runtime?: { readonly passivateAfter?: number; readonly queues?: Readonly<Record<string, number>> }
}

const spawn: Call = { kind: 'spawn' }
const send = (event: Event): Call => ({ kind: 'send', event, isRepeatable: true })
const sendOnce = (event: Event): Call => ({ kind: 'send', event, isRepeatable: false })
const awaitStep = (step: Step): Call => ({ kind: 'await step', step })
const awaitSleep: Call = { kind: 'await sleep' }

export const scenarios: readonly Scenario[] = [
  {
    name: 'an order is spawned',
    given: [],
    calls: [spawn, awaitStep('open')],
    passes: ['insert', 'commit'],
    steps: ['open', 'close']
  },
  {
    name: 'events are sent to an order that is awake',
    given: [spawn, awaitStep('open')],
    calls: [sendOnce('noteA'), send('noteB')],
    passes: ['commit'],
    steps: ['open', 'noteA', 'noteB', 'close']
  },
  {
    name: 'an event is sent to an order that sleeps',
    runtime: { passivateAfter: 0 },
    given: [spawn, awaitSleep],
    calls: [send('noteA')],
    passes: ['claim', 'commit'],
    steps: ['open', 'noteA', 'close']
  },
  {
    name: 'events are sent from a node that runs nothing',
    runtime: { queues: {} },
    given: [spawn],
    calls: [sendOnce('noteA'), send('noteB')],
    passes: ['signal'],
    steps: ['open', 'noteA', 'noteB', 'close']
  },
  {
    name: 'an event waits for work to end, and then the order itself ends',
    given: [spawn, awaitStep('open')],
    calls: [send('ship'), send('pay'), awaitStep('ship'), send('close')],
    passes: ['commit'],
    steps: ['open', 'pay', 'charged', 'ship', 'close']
  },
  {
    name: 'a timer is set and fires',
    given: [spawn, awaitStep('open')],
    calls: [send('snooze'), awaitStep('ring')],
    passes: ['commit'],
    steps: ['open', 'snooze', 'ring', 'close']
  }
]

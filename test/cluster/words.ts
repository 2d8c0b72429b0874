/** What a worker and the test that steers it say to each other, and what a worker writes down. */
import type { RuntimeOptions } from '../../src/index.ts'
import type { Shown, TallyEvent } from './tally.ts'

/** What a worker is started with. */
export interface Job {
  /** Of the runtime, for people. */
  readonly name: string
  readonly database: string
  /** The file to which it writes its lines. */
  readonly diary: string
  readonly options: WorkerOptions
}

export type WorkerOptions = Pick<
  RuntimeOptions,
  'queues' | 'lease' | 'poll' | 'passivateAfter' | 'reaper' | 'bounds' | 'maxResident'
>

export type Call =
  | { readonly kind: 'start' }
  | { readonly kind: 'spawn'; readonly actor: string }
  | { readonly kind: 'send'; readonly actor: string; readonly event: TallyEvent }
  | { readonly kind: 'stop' }

/** `unknown`: nobody can say whether it took effect: so it was told, or the answer never came. */
export type Outcome =
  | { readonly kind: 'ok'; readonly answer: string }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'unknown' }

export interface Request {
  readonly number: number
  readonly call: Call
}

export interface Reply {
  readonly number: number
  readonly outcome: Outcome
}

/** The telemetry that a worker writes down. */
export const TOLD = [
  'node.joined',
  'node.fenced',
  'node.left',
  'reaper.reaped',
  'commit.stale',
  'actor.crashed',
  'actor.parked',
  'journal.diverged',
  'listener.failed',
  'scheduler.drain'
] as const

/** A line of a worker's diary. `at`: epoch milliseconds, by the clock of the machine, which the database's is too. */
export type Line =
  /** An effect that the world has seen, of this worker's node of the moment. */
  | (Shown & {
      readonly kind: 'effect'
      readonly at: number
      readonly node: string
      readonly actor: string
      readonly key: string
    })
  | {
      readonly kind: 'telemetry'
      readonly at: number
      readonly event: (typeof TOLD)[number]
      readonly detail: Readonly<Record<string, unknown>>
    }

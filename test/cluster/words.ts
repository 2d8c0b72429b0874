/** What a worker and the test that steers it say to each other, and what a worker writes down. */
import type { RuntimeOptions } from '../../src/index.ts'
import type { Effect, Outcome } from '../support/run.ts'
import type { TallyEvent } from '../support/tally.ts'

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
  | { readonly kind: 'stop'; readonly drain?: number | undefined }
  | { readonly kind: 'stepClock'; readonly steps: readonly number[] }

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
  'actor.regressed',
  'journal.diverged',
  'listener.failed',
  'scheduler.drain'
] as const

/** A line of a worker's diary. `at`: epoch milliseconds, by the clock of the machine, which the database's is too. */
export type Line =
  | (Effect & { readonly kind: 'effect' })
  | {
      readonly kind: 'telemetry'
      readonly at: number
      readonly event: (typeof TOLD)[number]
      readonly detail: Readonly<Record<string, unknown>>
    }

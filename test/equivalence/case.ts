/**
 * One machine and what happens to it, to be run under plain XState and under perdure.
 *
 * Owns: the form of a case. Does not own: running it, or where cases come from.
 */
import type { AnyEventObject, AnyStateMachine } from 'xstate'

/** An event for the root, or time that passes, in milliseconds. */
export type Step = { readonly send: AnyEventObject } | { readonly advanceMs: number }

/** What the machine's actions, guards and work tell; compared word for word, in order. */
export type Note = (what: string, seen?: unknown) => void

export interface Case {
  /** A row of the report: 'history', 'scxml', 'random' … */
  readonly group: string
  readonly name: string
  /** A new machine that tells `note` what it does. Called once for each of the two runs; the id may be any. */
  readonly makeMachine: (note: Note) => AnyStateMachine
  readonly input?: unknown
  readonly steps: readonly Step[]
  /** The difference that docs/xstate.md names, in its first column's words, where the two runs are known to differ. */
  readonly differsBy?: string
}

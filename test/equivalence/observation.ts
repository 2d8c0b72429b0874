/**
 * What can be seen of a machine after a step, and what was heard of it meanwhile.
 *
 * Owns: what is compared. Does not own: how the machine is run (plain-run.ts, durable-run.ts), comparing.
 *
 * Invariants
 * 1. All that is heard is in one list, so that the order between actions, emitted events, logs and notices counts.
 * 2. What was heard is text, JSON: a copy of its moment, and small, for a run hears thousands of snapshots.
 * 3. A notice names the children of its snapshot and no more: they are live, and may have moved on when it comes (plain
 *    XState, too, tells its observers before a macrostep of the children is over). What they are is compared at rest.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Note } from './case.ts'
import { type Data, describeSnapshot, describeWithoutChildren, type Fields, toData } from './data.ts'

type SoundKind = 'note' | 'emitted' | 'log' | 'next' | 'error' | 'complete' | 'refused' | 'parked'

export interface Observation {
  /** Since the last observation; each is `[kind, what]` in JSON. */
  readonly heard: readonly string[]
  readonly snapshot: Fields
}

const sound = (kind: SoundKind, what: Data): string => JSON.stringify([kind, what])

/** How a note without anything seen is heard. */
export const soundOfNote = (what: string): string => sound('note', what)

/** What the world hears of one run. */
export class Ear {
  #heard: string[] = []

  readonly note: Note = (what, ...seen) => this.hear('note', seen.length === 0 ? what : [what, ...seen])

  readonly log = (...words: unknown[]): void => this.hear('log', words)

  readonly emitted = (event: AnyEventObject): void => this.hear('emitted', event)

  /** For `subscribe`. */
  readonly observer = {
    next: (snapshot: AnyMachineSnapshot): void =>
      void this.#heard.push(sound('next', describeWithoutChildren(snapshot))),
    error: (error: unknown): void => this.hear('error', error),
    complete: (): void => this.hear('complete', null)
  }

  hear(kind: SoundKind, what: unknown): void {
    this.#heard.push(sound(kind, toData(what)))
  }

  /** What was heard since the last time, and what is seen now. */
  observe(snapshot: AnyMachineSnapshot): Observation {
    const heard = this.#heard
    this.#heard = []
    return { heard, snapshot: describeSnapshot(snapshot) }
  }
}

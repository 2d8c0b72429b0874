/**
 * What the cases are made of: schedules, families, and actions that tell.
 *
 * Owns: the shorthand of this folder. Does not own: cases.
 *
 * Invariants
 * 1. Only actions and started work tell. What XState calls pure (guards, assigns, reducers) tells nothing, except where a
 *    case shows the difference that this makes.
 */
import { type AnyEventObject, setup } from 'xstate'
import type { Case, Note, Step } from '../case.ts'

type Told = Omit<Case, 'group' | 'name'>

/** The cases of one row of the report, by their names. */
export function family(group: string, cases: Readonly<Record<string, Told>>): readonly Case[] {
  return Object.entries(cases).map(([name, told]) => ({ group, name, ...told }))
}

/** Words are event types, objects are events, numbers are milliseconds that pass: `schedule('GO STOP', 50, event)`. */
export function schedule(...parts: readonly (string | number | AnyEventObject)[]): readonly Step[] {
  return parts.flatMap((part): readonly Step[] => {
    if (typeof part === 'number') return [{ advanceMs: part }]
    if (typeof part === 'string') return part.split(' ').map((type) => ({ send: { type } }))
    return [{ send: part }]
  })
}

/** An action that tells what it sees. */
export const seen =
  (note: Note, what: string) =>
  ({ context, event }: { readonly context: unknown; readonly event: unknown }): void =>
    note(what, { context, event })

/** Entry and exit actions that tell. */
export const visits = (note: Note, state: string) => ({
  entry: () => note(`enter ${state}`),
  exit: () => note(`exit ${state}`)
})

/** For guards, assigns and work that fail. */
export const fail = (message: string) => (): never => {
  throw new Error(message)
}

/** A promise that waits until an action opens it. */
export interface Gate<Value> {
  readonly opened: Promise<Value>
  readonly open: (value: Value) => void
  readonly refuse: (error: Error) => void
}

export function makeGate<Value = string>(): Gate<Value> {
  const gate: { open?: Gate<Value>['open']; refuse?: Gate<Value>['refuse'] } = {}
  const opened = new Promise<Value>((resolve, reject) => {
    gate.open = resolve
    gate.refuse = reject
  })
  return { ...(gate as Required<typeof gate>), opened }
}

/** For `setup({ types })`, which reads types only. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it is what the function is for
export function types<T>(): T {
  return {} as T
}

/** For machines whose actions read what events bring. */
export const anyEvents = setup({ types: types<{ events: AnyEventObject }>() })

/** What the checks must know of the ledger and its errands: where the plain machines are after the same steps. */
import { initialTransition, transition, type AnyMachineSnapshot } from 'xstate'
import type { Book } from '../support/checks.ts'
import type { ActorState, NamedEvent } from '../support/run.ts'
import { isOver } from '../support/tally.ts'
import { createLedger, endOf, type LedgerContext } from './ledger.ts'
import type { RecordedState } from './recorder.ts'
import { isNeverDeferred, type Shape } from './shapes.ts'

export function bookOf(shape: Shape): Book {
  const { ledger } = createLedger(shape, () => undefined)

  function replay({ context }: ActorState, sent: ReadonlyMap<string, NamedEvent>): AnyMachineSnapshot | string {
    let [snapshot] = initialTransition(ledger) as [AnyMachineSnapshot, unknown]
    for (const step of context?.taken ?? []) {
      const event = isOver(step) ? endOf(snapshot.context as LedgerContext) : sent.get(step)
      if (event === undefined) return `'${step}' cannot come after ${JSON.stringify(snapshot.value)}`
      ;[snapshot] = transition(ledger, snapshot, event) as [AnyMachineSnapshot, unknown]
    }
    return snapshot
  }

  return {
    replay: (state, sent) => (isErrand(state) ? replayErrand(state) : replay(state, sent)),
    takes: (state, event) => {
      if (event === undefined || isErrand(state)) return true
      // Whatever lies in the inbox, what has been taken was sent: the state that it led to is in the row.
      const { value, context } = state
      return ledger.resolveState({ value: value as string, context }).can(event)
    },
    isNeverDeferred: ({ type }) => (type === 'add' || type === 'pass') && isNeverDeferred(shape, type)
  }
}

const isErrand = (state: ActorState): boolean => (state as RecordedState).machine === 'errand'

/** It has one step to take, or has taken it. */
function replayErrand({ context }: ActorState): { readonly value: unknown; readonly context: unknown } {
  const { errand } = context as unknown as { readonly errand: { readonly n: string } }
  return context?.taken.length === 0
    ? { value: 'under way', context: { taken: [], busy: null, errand } }
    : { value: 'over', context: { taken: [`${errand.n}!`], busy: null, errand } }
}

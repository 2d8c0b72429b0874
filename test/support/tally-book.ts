/** What the checks must know of the tally (tally.ts): where the plain machine is after the same steps. */
import { initialTransition, transition, type AnyEventObject } from 'xstate'
import type { Book } from './checks.ts'
import { createTally, isOver, type TallyEvent } from './tally.ts'

const plain = createTally(() => undefined)

export const tallyBook: Book = {
  // In the end each state takes every event.
  takes: () => true,
  isNeverDeferred: ({ type }) => type === 'add',
  replay({ context }, sent) {
    let [snapshot] = initialTransition(plain)
    for (const step of context?.taken ?? []) {
      const event = isOver(step) ? endOf(snapshot.value) : sent.get(step)
      if (event === undefined) return `'${step}' cannot come after ${JSON.stringify(snapshot.value)}`
      ;[snapshot] = transition(plain, snapshot, event as TallyEvent)
    }
    return { value: snapshot.value, context: snapshot.context }
  }
}

function endOf(value: unknown): AnyEventObject | undefined {
  if (value === 'working') return { type: 'xstate.done.actor.labour', output: undefined, actorId: 'labour' }
  return value === 'napping' ? { type: 'xstate.after.nap.tally.napping' } : undefined
}

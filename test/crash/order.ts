/**
 * The machine of the crash tests: an order that remembers each step it has taken, and tells the world of each.
 *
 * An order takes a step once in its life: the name of a step stands for one transition, and a report for one effect of it.
 */
import { assign, fromPromise, setup } from 'xstate'
import { idempotencyKey } from '../../src/index.ts'

/** Steps that an event leads to bear the event's name; the others come of a timer or of work that has ended. */
export type Event = 'noteA' | 'noteB' | 'pay' | 'ship' | 'snooze' | 'close'
export type Step = Event | 'open' | 'charged' | 'ring'

/** What the world has seen of an order: an effect of the transition that took `step`. */
export interface Report {
  readonly step: Step
  readonly effect: 'first action' | 'second action' | 'charge'
  readonly key: string | undefined
}

/** Long enough for an acknowledgement to come before it, short enough to be waited for. */
const SNOOZE_MS = 120

/** The world hears of effects through `report`, which must not return before they are certainly noticed. */
export function createOrder(report: (report: Report) => void) {
  const take = (step: Step) =>
    [
      { type: 'remember', params: { step } },
      { type: 'report', params: { step, effect: 'first action' } },
      { type: 'report', params: { step, effect: 'second action' } }
    ] as const

  return setup({
    types: {
      context: {} as { readonly steps: readonly Step[] },
      events: {} as { readonly type: Event },
      output: {} as readonly Step[]
    },
    actions: {
      remember: assign(({ context }, { step }: { readonly step: Step }) => ({ steps: [...context.steps, step] })),
      report: (_, { step, effect }: Pick<Report, 'step' | 'effect'>) => report({ step, effect, key: idempotencyKey() })
    },
    actors: {
      charge: fromPromise(async () => report({ step: 'pay', effect: 'charge', key: idempotencyKey() }))
    }
  }).createMachine({
    id: 'order',
    context: { steps: [] },
    entry: take('open'),
    on: { noteA: { actions: take('noteA') }, noteB: { actions: take('noteB') } },
    initial: 'open',
    states: {
      open: {
        on: {
          pay: { target: 'paying', actions: take('pay') },
          snooze: { target: 'snoozing', actions: take('snooze') },
          close: { target: 'closed', actions: take('close') }
        }
      },
      snoozing: { after: { [SNOOZE_MS]: { target: 'open', actions: take('ring') } } },
      paying: { invoke: { src: 'charge', onDone: { target: 'paid', actions: take('charged') } } },
      paid: { on: { ship: { target: 'shipped', actions: take('ship') } } },
      shipped: { on: { close: { target: 'closed', actions: take('close') } } },
      closed: { type: 'final' }
    },
    output: ({ context }) => context.steps
  })
}

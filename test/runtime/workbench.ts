/** A machine whose work is a promise that its test settles. */
import { assign, fromPromise, setup } from 'xstate'
import { idempotencyKey } from 'perdure'

export interface Run {
  readonly key: string | undefined
  readonly signal: AbortSignal
  readonly finish: (by: string) => void
}

/** `steps`: how many times it works before it is over. */
export function workbench(steps = 1) {
  const runs: Run[] = []
  const work = fromPromise<string>(
    ({ signal }) => new Promise((finish) => runs.push({ key: idempotencyKey(), signal, finish }))
  )
  const machine = setup({
    types: { context: {} as { by: string | null; left: number } },
    actors: { work },
    guards: { isLast: ({ context }) => context.left === 1 },
    actions: {
      note: assign({ by: (_, by: string) => by, left: ({ context }) => context.left - 1 })
    }
  }).createMachine({
    id: 'job',
    context: { by: null, left: steps },
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          onDone: [
            { guard: 'isLast', target: 'over', actions: { type: 'note', params: ({ event }) => event.output } },
            {
              target: 'working',
              reenter: true,
              actions: { type: 'note', params: ({ event }) => event.output }
            }
          ]
        }
      },
      over: {}
    }
  })
  return { runs, machine }
}

/** A machine that does one piece of work, and notes who has done it: for processes that hand work to one another. */
import { assign, fromPromise, setup } from 'xstate'
import { idempotencyKey } from 'perdure'

interface Input {
  readonly work: string
}

export interface ErrandRun extends Input {
  readonly key: string | undefined
  readonly signal: AbortSignal
  readonly finish: () => void
}

/** `begin` hears of each piece of work that begins in this process, which is called `name`. */
export function errand(name: string, begin: (run: ErrandRun) => void) {
  const work = fromPromise<string, Input>(
    ({ input, signal }) =>
      new Promise((finish) => begin({ work: input.work, key: idempotencyKey(), signal, finish: () => finish(name) }))
  )
  const machine = setup({
    types: { input: {} as Input, context: {} as Input & { readonly by: string | null } },
    actors: { work }
  }).createMachine({
    id: 'errand',
    context: ({ input }) => ({ ...input, by: null }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          input: ({ context }) => ({ work: context.work }),
          onDone: { target: 'over', actions: assign({ by: ({ event }) => event.output }) }
        }
      },
      over: {}
    }
  })
  return { machine }
}

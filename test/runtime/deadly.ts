/** A machine whose events kill the process that runs it. Says so, as far as that is possible, before it dies. */
import { writeSync } from 'node:fs'
import { assign, setup } from 'xstate'

/** `loop`: a transition without end · `spin`: an action without end · `hoard`: memory without bound. */
export type Death = 'loop' | 'spin' | 'hoard'

const STDOUT = 1

const goRoundForEver = (): never => {
  writeSync(STDOUT, 'doomed\n')
  for (;;);
}

const hoardForEver = (): never => {
  writeSync(STDOUT, 'doomed\n')
  const hoard: number[][] = []
  for (;;) hoard.push(Array<number>(100_000).fill(hoard.length))
}

export const deadly = setup({
  types: { context: {} as { pings: number }, events: {} as { type: Death | 'ping' } }
}).createMachine({
  id: 'deadly',
  context: { pings: 0 },
  on: {
    ping: { actions: assign({ pings: ({ context }) => context.pings + 1 }) },
    loop: { actions: assign(goRoundForEver) },
    spin: { actions: goRoundForEver },
    hoard: { actions: assign(hoardForEver) }
  }
})

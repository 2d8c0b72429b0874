/** What random machines have found, made small by hand. */
import { assign, createMachine } from 'xstate'
import type { Case } from '../case.ts'

export const foundCases: readonly Case[] = [
  {
    group: 'found',
    name: 'a machine that fails as it begins has entered no state but the root',
    makeMachine: () =>
      createMachine({
        id: 'failsAtOnce',
        tags: 'root',
        initial: 'a',
        states: { a: { tags: 'leaf' } },
        entry: assign(() => {
          throw new Error('broken')
        })
      }),
    steps: []
  }
]

/** A machine that keeps the words that it hears, and a code that anybody can break. */
import { assign, setup } from 'xstate'

export const rot13 = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (letter) => {
    const code = letter.charCodeAt(0)
    return String.fromCharCode(code + ((code & 31) <= 13 ? 13 : -13))
  })

interface Words {
  readonly type: 'SAY' | 'LATER' | 'BREAK'
  readonly word: string
}

/** Keeps the words that it hears; LATER waits until it is open. */
export const diary = setup({
  types: {
    input: {} as { word: string },
    context: {} as { words: readonly string[] },
    events: {} as Words | { type: 'OPEN' } | { type: 'CLOSE' },
    output: {} as { words: readonly string[] }
  },
  actions: {
    keep: assign({ words: ({ context, event }) => ('word' in event ? [...context.words, event.word] : context.words) }),
    break: ({ event }) => {
      if ('word' in event) throw new Error(`broken by ${event.word}`)
    }
  }
}).createMachine({
  id: 'diary',
  context: ({ input }) => ({ words: [input.word] }),
  initial: 'shut',
  on: { SAY: { actions: 'keep' }, BREAK: { actions: ['keep', 'break'] } },
  states: {
    shut: { on: { OPEN: 'open' } },
    open: { on: { LATER: { actions: 'keep' }, CLOSE: 'over' } },
    over: { type: 'final' }
  },
  output: ({ context }) => context
})

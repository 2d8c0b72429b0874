/**
 * What people see: lines, a bar, a table. Colours and a moving bar on a terminal, plain lines elsewhere.
 */
import { styleText } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'

export interface Check {
  readonly promised: string
  readonly seen: string
  readonly isKept: boolean
}

export interface Bar {
  update(done: number): void
  stop(): void
}

export interface Screen {
  say(text: string, mood?: 'good' | 'bad'): void
  /** `done`: the word for what has come to its end, e.g. `shipped`. */
  startBar(total: number, done: string): Bar
  showChecks(checks: readonly Check[]): void
}

/** Shows nothing. */
export const darkScreen: Screen = {
  say: () => undefined,
  startBar: () => ({ update: () => undefined, stop: () => undefined }),
  showChecks: () => undefined
}

export function openScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  const hasColours = out.isTTY && process.env['NO_COLOR'] === undefined
  const startedAt = performance.now()
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    hasColours ? styleText(style, text) : text
  const write = (line: string): void => void out.write(`${line}\n`)
  const stamp = (): string => paint('gray', `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`)

  return {
    say: (text, mood) => {
      const painted = mood === undefined ? text : paint(mood === 'good' ? 'green' : 'red', text)
      write(`${stamp()}  ${painted}`)
    },

    startBar: (total, done) =>
      out.isTTY ? startMovingBar(out, total, done, stamp) : startLines(write, total, done, stamp),

    showChecks: (checks) => {
      const width = Math.max(...checks.map(({ promised }) => promised.length))
      write('')
      write(`     ${paint('bold', 'promised'.padEnd(width))}   ${paint('bold', 'seen')}`)
      for (const { promised, seen, isKept } of checks) {
        const sign = isKept ? paint('green', '✓') : paint('red', '✗')
        write(`  ${sign}  ${promised.padEnd(width)}   ${isKept ? seen : paint('red', seen)}`)
      }
      write('')
    }
  }
}

function startMovingBar(out: NodeJS.WriteStream, total: number, done: string, stamp: () => string): Bar {
  const options = {
    stream: out,
    format: `{stamp}  {bar}  {value} of {total} ${done}`,
    formatValue: (count: number) => count.toLocaleString('en'),
    barsize: 40
  }
  const bar = new SingleBar(options, Presets.shades_classic)
  bar.start(total, 0, { stamp: stamp() })
  return {
    update: (count) => bar.update(count, { stamp: stamp() }),
    stop: () => bar.stop()
  }
}

/** A line for every tenth of the way. */
function startLines(write: (line: string) => void, total: number, done: string, stamp: () => string): Bar {
  let tenths = 0
  return {
    update: (count) => {
      const reached = Math.floor((count / total) * 10)
      if (reached > tenths) write(`${stamp()}  ${count.toLocaleString('en')} of ${total.toLocaleString('en')} ${done}`)
      tenths = Math.max(tenths, reached)
    },
    stop: () => undefined
  }
}

/** The project's own commands refuse what they cannot use, in one line, before they begin anything. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  amount,
  ArgumentError,
  choice,
  count,
  mark,
  parseCommand,
  parseFlags,
  partOf
} from '../../scripts/command-line.ts'

const flags = {
  runs: count(10, { max: 1_000 }),
  minutes: amount(5, { max: 60 }),
  only: choice(['calls', 'rows'], undefined),
  fault: partOf(['kill -9', 'cut']),
  trace: mark()
}

test('flags are read, and those that are not given have their defaults', () => {
  const given = ['--runs', '7', '--minutes=0.5', '--only', 'rows', '--fault', 'kill', '--trace']
  expect(parseFlags(given, flags)).toEqual({ runs: 7, minutes: 0.5, only: 'rows', fault: 'kill', trace: true })
  expect(parseFlags([], flags)).toEqual({ runs: 10, minutes: 5, only: undefined, fault: undefined, trace: false })
})

test.each([
  [['--runs', 'many'], /--runs is 'many'\. Give a whole number from 1 to 1,000/],
  [['--runs', '0'], /--runs is '0'/],
  [['--runs', '1e3'], /--runs is '1e3'/],
  [['--runs', ''], /--runs is ''/],
  [['--runs', '9'.repeat(400)], /--runs is/],
  [['--minutes', '-1'], /--minutes/],
  [['--minutes', 'NaN'], /--minutes is 'NaN'/],
  [['--only', '__proto__'], /--only is '__proto__'\. Give one of: calls, rows/],
  [['--fault', 'flood'], /--fault is 'flood'\. Give a part of one of: kill -9, cut/],
  [['--fault', ''], /--fault is ''/],
  [['--trace=yes'], /--trace.*Known: --runs/],
  [['--unknown'], /--unknown.*Known: --runs, --minutes/],
  [['--__proto__', 'x'], /Known: --runs/],
  [['--runs'], /--runs.*Known/],
  [['stray'], /'stray' is too much/]
])('%j is refused by its name', (args, says) => {
  expect(() => parseFlags(args, flags)).toThrow(ArgumentError)
  expect(() => parseFlags(args, flags)).toThrow(says)
})

test('a name more than a command takes is refused', () => {
  expect(parseCommand(['core'], flags, 1).names).toEqual(['core'])
  expect(() => parseCommand(['core', 'memory'], flags, 1)).toThrow(/'memory' is too much/)
})

test.each([
  ['test/fuzz/main.ts', ['--seed', '-1'], /--seed/],
  ['bench/main.ts', ['speed'], /no benchmark 'speed'/]
])('%s that is called wrong says so in one line, and ends with exit code 2', async (file, args, says) => {
  const { code, stderr } = await run(file, args)
  expect({ code, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 2, lines: 1 })
  expect(stderr).toMatch(says)
})

function run(file: string, args: readonly string[]): Promise<{ readonly code: unknown; readonly stderr: string }> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', file, ...args], { cwd: root }, (error, _, stderr) =>
      resolve({ code: error?.code ?? 0, stderr })
    )
  })
}

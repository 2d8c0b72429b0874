/** The project's own commands refuse what they cannot use, in one line, before they begin anything. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readBenchmark } from '../../bench/arguments.ts'
import {
  amount,
  ArgumentError,
  choice,
  count,
  mark,
  parseCommand,
  parseFlags,
  partOf,
  text
} from '../../scripts/command-line.ts'

const flags = {
  runs: count(10, { max: 1_000 }),
  minutes: amount(5, { max: 60 }),
  only: choice(['calls', 'rows'], undefined),
  fault: partOf(['kill -9', 'cut']),
  trace: mark(),
  word: text('none')
}

test('flags are read, and those that are not given have their defaults', () => {
  const given = ['--runs', '7', '--minutes=0.5', '--only', 'rows', '--fault', 'kill', '--trace', '--word', 'x']
  expect(parseFlags(given, flags)).toEqual({
    runs: 7,
    minutes: 0.5,
    only: 'rows',
    fault: 'kill',
    trace: true,
    word: 'x'
  })
  expect(parseFlags([], flags)).toEqual({
    runs: 10,
    minutes: 5,
    only: undefined,
    fault: undefined,
    trace: false,
    word: 'none'
  })
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

const benchmarks = ['core', 'timers'] as const

test.each([[['timers', '--rounds', '1', '--actors', '100000']], [['--rounds', '1', '--actors', '100000', 'timers']]])(
  'a benchmark has its own load, wherever its name stands: %j',
  (args) => {
    const load = { rounds: 1, actors: 100_000, events: 20 }
    expect(readBenchmark(args, benchmarks)).toEqual({ name: 'timers', load })
  }
)

test('where nothing is asked for no benchmark runs; flags without a name are refused', () => {
  expect(readBenchmark([], benchmarks)).toBeNull()
  expect(() => readBenchmark(['--rounds', '2'], benchmarks)).toThrow(/No benchmark is named\. There are: core, timers/)
})

/** For machines that are busy. */
const timeout = 60_000

test.each([
  ['bench/main.ts', ['--rounds', '2'], /No benchmark is named/],
  ['examples/webhooks/main.ts', ['--nope'], /--nope.*Known: --seed/],
  ['scripts/run-tests.ts', ['test/house'], /'test\/house' is too much.*npm run test:unit -- <file>/]
])('%s that is called wrong says so in one line, and ends with exit code 2', { timeout }, async (file, args, says) => {
  const { code, stderr } = await run(file, args)
  expect({ code, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 2, lines: 1 })
  expect(stderr).toMatch(says)
})

test.each(['--help', '-h'])(
  'a command that is called with %s says how it is called, and does nothing',
  { timeout },
  async (flag) => {
    expect(await run('scripts/run-tests.ts', [flag])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Usage: npm test .*\n$/),
      stderr: ''
    })
  }
)

interface Answer {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

function run(file: string, args: readonly string[]): Promise<Answer> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', file, ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr })
    )
  })
}

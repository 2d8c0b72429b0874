/**
 * `npm test`: lint, format, types, tests, and those that look into XState once more on its oldest supported release. Its
 * last line is `N passed, N failed`.
 *
 * Owns: the order of the steps and the count. Does not own: what the steps check.
 *
 * Invariants
 * 1. Every step runs, whatever the ones before it said.
 * 2. A step that fails counts: a test as one failure each, anything else as one failure of the step.
 * 3. The exit code is 0 only where nothing failed and at least one test ran.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCommandLine } from './command-line.ts'

interface Count {
  readonly passed: number
  readonly failed: number
}

readCommandLine('Usage: npm test (of single files: npm run test:unit -- <file>)', {})

const root = fileURLToPath(new URL('..', import.meta.url))

const counts = [
  runCheck('oxlint', ['--deny-warnings']),
  runCheck('oxfmt', ['--check']),
  runCheck('tsc', ['-p', '.']),
  runVitest('vitest.config.ts'),
  runVitest('vitest.oldest.config.ts')
]
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function runCheck(tool: string, args: readonly string[]): Count {
  return { passed: 0, failed: run(tool, args) ? 0 : 1 }
}

function runVitest(config: string): Count {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-report-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const succeeded = run('vitest', ['run', '--config', config, ...reporters])
  const { passed, failed } = readReport(report)
  rmSync(folder, { recursive: true, force: true })
  return { passed, failed: succeeded ? failed : Math.max(failed, 1) }
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

function readReport(file: string): Count {
  try {
    const report: Report = JSON.parse(readFileSync(file, 'utf8'))
    // A file that cannot be loaded, or whose hooks fail, has no failed test to count.
    const brokenFiles = report.testResults.filter(
      (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed')
    )
    return { passed: report.numPassedTests, failed: report.numFailedTests + brokenFiles.length }
  } catch (cause) {
    console.error('vitest left no report', cause)
    return { passed: 0, failed: 1 }
  }
}

/** True where the tool ended with exit code 0. */
function run(tool: string, args: readonly string[]): boolean {
  console.log(`\n> ${[tool, ...args].join(' ')}`)
  return spawnSync(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' }).status === 0
}

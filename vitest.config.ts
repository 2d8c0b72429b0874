/**
 * How the tests run. One Postgres for a run (test/support/global-setup.ts), a database of its own for each file that
 * asks for one (test/support/database.ts).
 */
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

export default defineConfig({
  resolve: {
    alias: [
      { find: /^perdure$/, replacement: new URL('src/index.ts', import.meta.url).pathname },
      { find: /^perdure\/testing$/, replacement: new URL('src/testing/index.ts', import.meta.url).pathname }
    ]
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    maxWorkers: 2,
    // What takes seconds may take many where the machine is busy; what hangs, hangs for ever.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The type checker itself runs over everything (npm run types); this one reads what *.test-d.ts expects of types.
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true }
  }
})

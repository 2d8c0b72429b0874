/**
 * What depends on XState's inside, on the oldest release that is supported: `npm test` runs it after all other tests.
 */
import { configDefaults, defineConfig } from 'vitest/config'
import newest from './vitest.config.ts'

export default defineConfig({
  ...newest,
  resolve: { alias: [{ find: /^xstate(?=$|\/)/, replacement: 'xstate-oldest' }] },
  test: {
    ...newest.test,
    include: ['test/actors/**/*.test.ts', 'test/equivalence/**/*.test.ts'],
    // Its processes choose their release themselves.
    exclude: [...configDefaults.exclude, 'test/equivalence/workers.test.ts'],
    env: { PERDURE_RANDOM: '40' },
    typecheck: { enabled: false }
  }
})

/** A node that runs what kills it. It is ended from outside, if it does not die before. */
import { createRuntime } from '../../src/index.ts'
import { deadly } from './deadly.ts'

const [, , database, attempts] = process.argv
const runtime = createRuntime({
  database,
  machines: [deadly],
  poll: 100,
  bounds: { attempts: Number(attempts) },
  warn: () => undefined
})
await runtime.start()

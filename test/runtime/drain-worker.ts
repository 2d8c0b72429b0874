/**
 * A service that is told to go: `quick` work of its ends when it hears that, `slow` work never does. SIGINT ends its patience.
 *
 * Says what begins as lines of JSON. It ends by itself, if nothing of the runtime's is left that would keep it.
 */
import { createRuntime } from 'perdure'
import { errand } from './errand.ts'

const [, , database] = process.argv
const { machine } = errand('the worker', (run) => {
  process.stdout.write(`${JSON.stringify({ work: run.work, key: run.key })}\n`)
  // What keeps a process is let go of when the work is aborted, as a fetch would.
  const hold = setInterval(() => undefined, 60_000)
  run.signal.addEventListener('abort', () => clearInterval(hold))
  if (run.work !== 'quick') return
  process.once('SIGTERM', () => {
    clearInterval(hold)
    run.finish()
  })
})
const runtime = createRuntime({ database, machines: [machine], warn: () => undefined })

process.once('SIGTERM', () => void runtime.stop({ drain: '1 hour' }))
process.once('SIGINT', () => void runtime.stop({ drain: 0 }))
await runtime.start()

await runtime.spawnMany(machine, [
  { key: 'quick', input: { work: 'quick' } },
  { key: 'slow', input: { work: 'slow' } }
])

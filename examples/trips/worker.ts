/**
 * A process that runs trips: a perdure runtime, and nothing else. run.ts starts two, and kills one.
 */
import { createRuntime } from 'perdure'
import { closeServices } from './services.ts'
import { tripMachine } from './trip-machine.ts'
import { readWorkerSettings } from './worker-settings.ts'

const { database, worker } = readWorkerSettings()

const runtime = createRuntime({
  database,
  schema: 'perdure_trips',
  machines: [tripMachine],
  name: `worker ${worker}`,
  queues: { default: 100, bookings: 200 },
  passivateAfter: '1 second',
  poll: '100 millis'
})

// Told to stop, or left alone because the process that started it is gone.
process.once('disconnect', () => void stop())
await runtime.start()
process.send?.('ready')

async function stop(): Promise<void> {
  await runtime.stop()
  await closeServices()
  process.exit()
}

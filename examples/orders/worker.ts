/**
 * The process that runs the orders: a perdure runtime, and nothing else. main.ts starts it, kills it, and starts another.
 */
import { createRuntime } from 'perdure'
import { orderMachine } from './order-machine.ts'
import { closeServices } from './services.ts'
import { readWorkerSettings } from './worker-settings.ts'

const { database, worker } = readWorkerSettings()

const runtime = createRuntime({
  database,
  schema: 'perdure_orders',
  machines: [orderMachine],
  name: `worker ${worker}`,
  queues: { default: 250 },
  passivateAfter: '2 seconds',
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

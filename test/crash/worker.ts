/** A process that lives through a scenario, and has no idea that it will be killed. */
import { createRuntime } from '../../src/index.ts'
import { say, type Job } from './channel.ts'
import { createOrder } from './order.ts'
import type { Call } from './scenarios.ts'

const { scenario, database, id } = say({ kind: 'ready' }) as Job
const order = createOrder((report) => say({ kind: 'report', report }))
const runtime = createRuntime({
  database,
  machines: [order],
  // Statements come of what the scenario does, and none of the passing of time.
  lease: '1 hour',
  poll: '1 hour',
  passivateAfter: '1 hour',
  reaper: false,
  janitor: false,
  ...scenario.runtime
})

await runtime.start()
for (const call of scenario.given) await make(call)
say({ kind: 'begin' })
for (const [number, call] of scenario.calls.entries()) say({ kind: 'told', call: number, answer: await make(call) })
say({ kind: 'end' })
await runtime.stop()

async function make(call: Call): Promise<string> {
  switch (call.kind) {
    case 'spawn':
      return (await runtime.spawn(order, { id })).id
    case 'send': {
      const options = call.isRepeatable ? { dedupKey: call.event } : {}
      return (await runtime.send(id, { type: call.event }, options)).status
    }
    case 'await step': {
      const actor = await runtime.get(order, id)
      await actor.waitFor(({ context }) => context.steps.includes(call.step))
      return 'taken'
    }
    case 'await commit':
      await new Promise((committed) => runtime.on('commit.flush', committed))
      return 'committed'
    case 'await sleep':
      await new Promise((asleep) => runtime.on('actor.passivated', asleep))
      return 'asleep'
    case 'stop':
      await runtime.stop()
      return 'stopped'
  }
}

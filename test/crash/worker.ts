/** A process that lives through a scenario, and has no idea that it will be killed. */
import { createNode, make } from './calls.ts'
import { say, type Job } from './channel.ts'

process.on('message', () => setImmediate(() => process.send?.('idle')))
// All is done, or the test is gone.
process.on('disconnect', () => process.exit())

const { scenario, database, id } = say({ kind: 'ready' }) as Job
const node = createNode(database, scenario, (report) => say({ kind: 'report', report }))

for (const call of scenario.given) await make(call, node, id)
say({ kind: 'begin' })
for (const [number, call] of scenario.calls.entries()) {
  say({ kind: 'told', call: number, answer: await make(call, node, id) })
}
say({ kind: 'end' })
await node.runtime.stop()
process.disconnect()

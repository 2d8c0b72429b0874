/** How the calls of a scenario are made, in a worker or in a test. */
import { createRuntime, type Runtime } from '../../src/index.ts'
import { diary, diaryKeyOf, parcel, parcelKeyOf } from './family.ts'
import { createOrder, type Report } from './order.ts'
import type { Call, Scenario } from './scenarios.ts'

type Order = ReturnType<typeof createOrder>

/** A node whose statements come of what is done with it, and none of the passing of time. */
export function createNode(database: string, scenario: Scenario, report: (report: Report) => void) {
  const order = createOrder(report)
  const runtime = createRuntime({
    database,
    machines: [order, diary, parcel],
    lease: '1 hour',
    poll: '1 hour',
    passivateAfter: '1 hour',
    warn: () => undefined,
    reaper: false,
    janitor: false,
    ...scenario.runtime
  })
  return { order, runtime }
}

/** Resolves to what the call was answered, in a word. */
export async function make(
  call: Call,
  { order, runtime }: { readonly order: Order; readonly runtime: Runtime<Order | typeof diary | typeof parcel> },
  id: string
): Promise<string> {
  switch (call.kind) {
    case 'start':
      await runtime.start()
      return 'started'
    case 'spawn':
      // Where its answer was lost, a spawn with an id of the caller's is to be repeated so.
      await runtime.spawn(order, { id, input: { id }, ifExists: 'return' })
      return 'spawned'
    case 'send': {
      const options = call.isRepeatable ? { dedupKey: call.event } : {}
      return (await runtime.send(id, { type: call.event }, options)).status
    }
    case 'await step': {
      const actor = await runtime.get(order, id)
      await actor.waitFor(({ context }) => context.steps.includes(call.step))
      return 'taken'
    }
    case 'spawn diary':
      await runtime.spawn(diary, { key: diaryKeyOf(id), ifExists: 'return' })
      return 'spawned'
    case 'await diary': {
      const actor = await runtime.get(diary, { key: diaryKeyOf(id) })
      await actor.waitFor(({ context }) => context.steps.includes('noteB'))
      return 'written'
    }
    case 'await parcels':
      for (const place of [0, 1, 2]) {
        const actor = await runtime.get(parcel, { key: parcelKeyOf(id, place) })
        await actor.waitFor(({ status }) => status === 'active')
      }
      return 'there'
    case 'leave while parcels end': {
      const go = (place: number) => runtime.send({ key: parcelKeyOf(id, place) }, { type: 'go' })
      await go(0)
      // One of these, or both, come too late; what holds then, the family's record tells.
      await Promise.allSettled([go(1), go(2), runtime.send(id, { type: 'leave' }, { dedupKey: 'leave' })])
      return 'left'
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

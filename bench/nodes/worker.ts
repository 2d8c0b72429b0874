/**
 * A node of the benchmark: a process of its own, that does what it is told (talk.ts).
 *
 * It ends by itself when it is stopped, or when the process that started it has gone.
 */
import { createRuntime } from 'perdure'
import { fromPromise, setup } from 'xstate'
import { sendOneByOne } from '../drive.ts'
import { ticketEvent, turnstile } from '../turnstile.ts'
import type { Order, Report } from './talk.ts'

const [, , database, schema] = process.argv as [string, string, string, string]

let isHeir = false

/** Work of the node that is killed; the one that takes it over tells so, and is done with it. */
const work = fromPromise<void>(async () => {
  if (!isHeir) return new Promise(() => undefined)
  say({ kind: 'taken' })
})
const worker = setup({ actors: { work } }).createMachine({
  id: 'worker',
  initial: 'working',
  states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } }
})

const runtime = createRuntime({
  database,
  schema,
  machines: [turnstile, worker],
  // As in the core benchmark: all actors may begin at once, and none leaves.
  queues: { default: 100_000 },
  maxResident: 100_000,
  passivateAfter: '1 hour'
})
let ids: readonly string[] = []

async function obey(order: Order): Promise<readonly string[]> {
  switch (order.kind) {
    case 'create': {
      ids = await runtime.spawnMany(turnstile, entries(order.actors))
      // One event each, which is answered once their first snapshots are committed and they are awake.
      await sendOneByOne(ids, 1, (id, number) => runtime.send(id, ticketEvent(number)))
      return ids
    }
    case 'drive': {
      await sendOneByOne(ids, order.events, (id, number) => runtime.send(id, ticketEvent(number)))
      return ids
    }
    case 'work': {
      isHeir = false
      const begun = awaitTurns(order.actors)
      await runtime.spawnMany(worker, entries(order.actors))
      await begun
      return []
    }
    case 'inherit':
      isHeir = true
      return []
    case 'tell':
      runtime.on('step.stop', () => say({ kind: 'turn' }))
      return []
  }
}

const entries = (count: number): readonly Record<string, never>[] => Array.from({ length: count }, () => ({}))

function awaitTurns(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const stop = runtime.on('step.stop', () => {
      left--
      if (left > 0) return
      stop()
      resolve()
    })
  })
}

function say(report: Report): void {
  process.send?.(report)
}

process.on('message', (order: Order) => {
  void obey(order).then((made) => say({ kind: 'done', ids: made }))
})
process.once('disconnect', () => void runtime.stop({ drain: 0 }))
await runtime.start()
say({ kind: 'ready' })

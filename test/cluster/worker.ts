/** A process with a runtime, which does what it is told over the channel of its parent, and writes down what the world sees. */
// Before all that might keep a clock.
import { stepClock, trueNow } from './stepped-clock.ts'
import { openSync, writeSync } from 'node:fs'
import { createRuntime, idempotencyKey, OutcomeUnknownError, PerdureError } from '../../src/index.ts'
import { createTally } from '../support/tally.ts'
import type { Outcome } from '../support/run.ts'
import { TOLD, type Call, type Job, type Line, type Reply, type Request } from './words.ts'

const { name, database, diary, options } = JSON.parse(process.argv[2] as string) as Job
const file = openSync(diary, 'a')
let node = ''

// In one piece, and in the hands of the system when it returns: whoever is killed after it has said so.
const write = (line: Line): void => void writeSync(file, `${JSON.stringify(line)}\n`)

const tally = createTally(
  (actor, shown) => write({ kind: 'effect', at: trueNow(), node, actor, ...shown, key: idempotencyKey() ?? '' }),
  name
)
const exit = (): void => process.exit()
const runtime = createRuntime({
  database,
  machines: [tally],
  name,
  warn: () => undefined,
  log: () => undefined,
  ...options
})
runtime.on('node.joined', (joined) => void (node = joined.node))
for (const event of TOLD) {
  runtime.on(event, (detail) => write({ kind: 'telemetry', at: trueNow(), event, detail: describe(detail) }))
}

/** Errors have no enumerable properties. */
function describe(detail: object): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(detail, (_, value: unknown) => (value instanceof Error ? String(value) : value))
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

async function make(call: Call): Promise<string> {
  switch (call.kind) {
    case 'start':
      await runtime.migrate()
      await runtime.start()
      return 'started'
    case 'spawn':
      await runtime.spawn(tally, { id: call.actor, ifExists: 'return' })
      return 'spawned'
    case 'send':
      // A fresh name for each event makes it a key, too.
      return (await runtime.send(call.actor, call.event, { dedupKey: call.event.n })).status
    case 'stepClock':
      stepClock(call.steps)
      return 'stepped'
    case 'stop':
      await runtime.stop(call.drain === undefined ? {} : { drain: call.drain })
      return 'stopped'
  }
}

async function answer(call: Call): Promise<Outcome> {
  try {
    return { kind: 'ok', answer: await make(call) }
  } catch (error) {
    if (error instanceof OutcomeUnknownError) return { kind: 'unknown' }
    // Any other error is no answer that the runtime may give: the check says so.
    return { kind: 'refused', error: error instanceof PerdureError ? error._tag : String(error) }
  }
}

process.on('message', ({ number, call }: Request) => {
  void answer(call).then((outcome) => {
    process.send?.({ number, outcome } satisfies Reply)
    if (call.kind !== 'stop') return
    // What was stopped ends by itself.
    process.off('disconnect', exit)
    process.disconnect()
  })
})
// The test is gone.
process.on('disconnect', exit)

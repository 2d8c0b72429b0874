/**
 * Where the calls of a run are made: two nodes on one real database. One takes, the other only reads, and so from rows.
 *
 * Owns: the nodes, and hearing of what must not happen whatever is asked of them. Does not own: the database.
 */
import pg from 'pg'
import { assign, createMachine, setup } from 'xstate'
import { createRuntime, durableRef, type Runtime } from 'perdure'

const types: { readonly context?: { input: unknown; last: unknown }; readonly input?: unknown } = {}

/** Keeps its input, and the last event. */
export const keeper = setup({
  types
}).createMachine({
  id: 'keeper',
  context: ({ input }) => ({ input, last: null }),
  on: {
    END: '.over',
    '*': { actions: assign({ last: ({ event }) => event }) }
  },
  initial: 'open',
  states: { open: {}, over: { type: 'final' } }
})

/** Is never registered. */
export const stranger = createMachine({ id: 'stranger' })

export interface World {
  readonly url: string
  readonly runtime: Runtime<typeof keeper>
  readonly reader: Runtime<typeof keeper>
  /** Outside of the product. */
  readonly client: pg.Client
  /** An actor that lives, and one that has ended. */
  readonly alive: string
  readonly ended: string
  /** What must not happen, and did since this was asked last. */
  listAlarms(): readonly string[]
  close(): Promise<void>
}

export async function openWorld(url: string): Promise<World> {
  const alarms: string[] = []
  const common = { database: url, machines: [keeper], warn: () => undefined, log: () => undefined, poll: 50 } as const
  const runtime = createRuntime({ ...common, passivateAfter: 0 })
  const reader = createRuntime({ ...common, queues: {} })
  await runtime.migrate()
  await Promise.all([runtime.start(), reader.start()])
  const client = new pg.Client(url)
  await client.connect()
  for (const each of [runtime, reader]) {
    for (const event of ['actor.crashed', 'child.crashed', 'node.fenced'] as const) {
      each.on(event, (detail) => alarms.push(`${event}: ${describe((detail as { error?: unknown }).error ?? detail)}`))
    }
  }
  const onUnhandled = (error: unknown): void => void alarms.push(`unhandled: ${describe(error)}`)
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtException', onUnhandled)
  const alive = await runtime.spawn(keeper, { input: null, key: 'alive' })
  const ended = await runtime.spawn(keeper, { input: null, key: 'ended' })
  await ended.send({ type: 'END' })
  return {
    url,
    runtime,
    reader,
    client,
    alive: alive.id,
    ended: ended.id,
    listAlarms: () => [...alarms.splice(0), ...listPollution()],
    close: async () => {
      process.off('unhandledRejection', onUnhandled)
      process.off('uncaughtException', onUnhandled)
      await Promise.all([runtime.stop({ drain: 0 }), reader.stop({ drain: 0 })])
      await client.end()
    }
  }
}

const untouched = [Object.prototype, Array.prototype, Map.prototype, Error.prototype, durableRef].map(
  (object) => [object, Reflect.ownKeys(object).length] as const
)

function listPollution(): readonly string[] {
  return untouched.some(([object, count]) => Reflect.ownKeys(object).length !== count)
    ? ['a prototype was changed']
    : []
}

export function describe(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? String(error)) : String(error)
  } catch {
    return 'something that cannot be told'
  }
}

/**
 * Rows whose documents were mangled in the database, and then are taken up.
 *
 * Owns: a round: actors put to sleep, one document of each mangled, everyone woken; and what must hold then.
 * Does not own: how a document is mangled (mangle.ts).
 */
import { assign, createMachine, sendTo, setup, type ActorRefFrom } from 'xstate'
import { createRuntime, durableRef, PerdureError, type Runtime } from 'perdure'
import { mangle, type Mangling } from './mangle.ts'
import { describe, type World } from './world.ts'

const kid = createMachine({ id: 'kid', initial: 'in', states: { in: { on: { OUT: 'out' } }, out: {} } })

/** Has in its snapshot what a snapshot can have: children, timers, history, refs, parallel states. */
export const family = setup({
  types: {
    context: {} as {
      n: number
      when: Date
      kids: ActorRefFrom<typeof kid>[]
      friend: unknown
      map: Map<string, unknown>
    },
    input: {} as { readonly n: number }
  },
  actors: { kid },
  delays: { long: 3_600_000 }
}).createMachine({
  id: 'family',
  context: ({ spawn, input }) => ({
    n: input.n,
    when: new Date(0),
    kids: [spawn('kid', { id: 'spawned' })],
    friend: durableRef({ key: 'nobody' }),
    map: new Map([['a', { b: [1, undefined, 2n] }]])
  }),
  type: 'parallel',
  invoke: { src: 'kid', id: 'invoked' },
  on: {
    PING: { actions: [assign({ n: ({ context }) => context.n + 1 }), sendTo('spawned', { type: 'OUT' })] }
  },
  states: {
    left: {
      initial: 'a',
      states: { a: { after: { long: 'b' } }, b: {}, back: { type: 'history', history: 'deep' } }
    },
    right: { initial: 'x', states: { x: { on: { NEVER: 'y' } }, y: {} } }
  }
})

/** Ends with an output, or with an error. */
export const finisher = setup({ types: { input: {} as { readonly fails: boolean } } }).createMachine({
  id: 'finisher',
  context: ({ input }) => {
    if (input.fails) throw new TypeError('no')
    return {}
  },
  initial: 'over',
  states: { over: { type: 'final' } },
  output: { items: [new Date(0), new Set([1])] }
})

/** Its documents are encoded. */
export const sealed = createMachine({ id: 'sealed', context: { n: 1 }, on: { PING: { actions: () => 1 } } })

const codec = {
  encode: (json: string) => Buffer.from(json).toString('base64'),
  decode: (text: string) => Buffer.from(text, 'base64').toString()
}

/** `sealed`: the snapshot of an actor whose machine has a codec. */
export const COLUMNS = [
  'sealed',
  'snapshot',
  'snapshot',
  'snapshot',
  'journal',
  'input',
  'event',
  'output',
  'last_error'
] as const
export type Column = (typeof COLUMNS)[number]

export interface RowCase {
  readonly column: Column
  readonly mangling: Mangling
  readonly toString: () => string
}

/** Of the actors of a round, so many are let be. */
const NEIGHBOURS = 3
const PATIENCE_MS = 60_000

export interface Round {
  /** What went wrong, with which case; empty: nothing. */
  readonly wrong: readonly string[]
  /** What became of the actors. `refused`: Postgres itself did not take the document. */
  readonly fates: Readonly<Record<Fate, number>>
}

type Fate = 'parked' | 'went on' | 'ended' | 'refused'

export async function tryRows(world: World, cases: readonly RowCase[]): Promise<Round> {
  const { client } = world
  await client.query('truncate perdure.actor cascade')
  const ids = await populate(world, cases)
  const found: string[] = []
  const fates = { parked: 0, 'went on': 0, ended: 0, refused: 0 }
  const mangled = new Map<string, RowCase>()
  for (const [index, each] of cases.entries()) {
    const id = ids[index] as string
    if (await spoil(world, id, each)) mangled.set(id, each)
    else fates.refused++
  }
  const alarms: string[] = []
  const runtime = createRuntime({ ...common, database: world.url, queues: { default: 100, later: 100 } })
  let crashes = 0
  runtime.on('actor.crashed', () => void crashes++)
  runtime.on('child.crashed', ({ error }) => void alarms.push(`child.crashed: ${describe(error)}`))
  await runtime.start()
  try {
    const wrong = await Promise.all(ids.map((id) => wake(runtime, id)))
    for (const [index, says] of wrong.entries())
      if (says) found.push(`${mangled.get(ids[index] as string)?.toString()}: ${says}`)
    for (const id of ids.slice(cases.length)) {
      const { context } = await (await runtime.get(family, id)).getSnapshot()
      if (context.n !== 2) found.push(`a neighbour is at ${context.n}`)
    }
    for (const [id, each] of mangled) {
      const { fate, says } = await look(world, runtime, id)
      if (fate !== undefined) fates[fate]++
      if (says !== undefined) found.push(`${each.toString()}: ${says}`)
    }
    if (crashes > cases.length * 8) found.push(`${crashes} crashes`)
  } finally {
    await runtime.stop({ drain: 0 })
  }
  return { wrong: [...found, ...alarms, ...world.listAlarms()], fates }
}

const common = {
  machines: [family, finisher, { machine: sealed, codec }],
  warn: () => undefined,
  log: () => undefined,
  poll: 20,
  passivateAfter: 0
} as const

/** For each case the actor that has such a document: asleep, not begun, or ended; and neighbours, on a database without nodes. */
async function populate({ url }: World, cases: readonly RowCase[]): Promise<readonly string[]> {
  const runtime = createRuntime({ ...common, database: url, queues: { default: 100 } })
  await runtime.start()
  try {
    return await Promise.all([...cases, ...Array<null>(NEIGHBOURS).fill(null)].map((each) => settle(runtime, each)))
  } finally {
    await runtime.stop()
  }
}

async function settle(runtime: Runtime, each: RowCase | null): Promise<string> {
  // Nobody serves its queue yet.
  if (each?.column === 'input') return (await runtime.spawn(family, { input: { n: 0 }, queue: 'later' })).id
  if (each?.column === 'output' || each?.column === 'last_error') {
    const ref = await runtime.spawn(finisher, { input: { fails: each.column === 'last_error' } })
    await ref.result().catch(() => undefined)
    return ref.id
  }
  const ref = each?.column === 'sealed' ? await runtime.spawn(sealed) : await runtime.spawn(family, { input: { n: 0 } })
  await ref.send({ type: 'PING' })
  return ref.id
}

const JOURNAL =
  '{"format":1,"effects":[{"kind":"action","sessionId":"x:0","address":"PING.0"}],"performed":0,"version":2}'

/** false: Postgres does not take it. */
async function spoil({ client }: World, id: string, { column: where, mangling }: RowCase): Promise<boolean> {
  const column = where === 'sealed' ? 'snapshot' : where
  const { rows } =
    column === 'event'
      ? { rows: [{ text: '{"type":"PING","value":{"a":[1]}}' }] }
      : await client.query<{ text: string | null }>(`select ${column}::text as text from perdure.actor where id = $1`, [
          id
        ])
  const text = rows[0]?.text ?? (column === 'journal' ? JOURNAL : '{}')
  const spoilt = mangle(text, mangling)
  try {
    if (column === 'event') {
      await client.query(
        `with up as (update perdure.actor set inbox_seq = inbox_seq + 1, status = 'ready', wake_at = now() where id = $1
           returning id, inbox_seq)
         insert into perdure.signal (actor_id, seq, event) select id, inbox_seq, $2::json from up`,
        [id, spoilt]
      )
    } else await client.query(`update perdure.actor set ${column} = $2::json where id = $1`, [id, spoilt])
    return true
  } catch {
    return false
  }
}

async function wake(runtime: Runtime, id: string): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('its send hangs'), PATIENCE_MS)
  })
  const sent = runtime.send(id, { type: 'PING' }).then(
    () => undefined,
    (error: unknown) => (error instanceof PerdureError ? undefined : `no error of ours: ${describe(error)}`)
  )
  return Promise.race([sent, late]).finally(() => clearTimeout(timer))
}

/** Waits until the actor is parked, has gone on, or has ended. */
async function look(
  { client }: World,
  runtime: Runtime,
  id: string
): Promise<{ readonly fate?: Fate; readonly says?: string | undefined }> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await new Promise((done) => setTimeout(done, 5))) {
    const { rows } = await client.query<{ status: string; reason: string | null; unseen: boolean }>(
      `select status, last_error::text as reason, inbox_seen < inbox_seq as unseen from perdure.actor where id = $1`,
      [id]
    )
    const { status, reason, unseen } = rows[0] as { status: string; reason: string | null; unseen: boolean }
    if (status === 'parked') {
      const isNamed = reason?.includes(id) === true
      return { fate: 'parked', says: isNamed ? await readEnd(runtime, id) : `parked for ${reason}` }
    }
    if (['done', 'failed', 'stopped'].includes(status)) return { fate: 'ended', says: await readEnd(runtime, id) }
    if (status === 'waiting' && !unseen) return { fate: 'went on' }
    if (Date.now() > deadline) return { says: `it is ${status} for ever` }
  }
}

/** Reading such a row fails by a typed error, if it fails. */
async function readEnd(runtime: Runtime, id: string): Promise<string | undefined> {
  const ref = await runtime.get(id)
  for (const read of [() => ref.getSnapshot(), () => ref.result({ timeout: 20 })]) {
    try {
      await read()
    } catch (error) {
      if (!(error instanceof PerdureError)) return `no error of ours: ${describe(error)}`
    }
  }
  return undefined
}

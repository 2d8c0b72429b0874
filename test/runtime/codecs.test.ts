/** Machines with a codec: what lies at rest of their actors is unreadable, and they live as any others do. */
import { assign, createMachine, enqueueActions, sendTo, setup } from 'xstate'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { ActorFailedError, all, durable, type PersistedActor } from 'perdure'
import { diary, rot13 } from './diary.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf, watch, declareNodesDead } = await openStage()

const codec = { encode: rot13, decode: rot13 }
const secret = { machine: diary, codec }

/** All that the database holds, as text. */
const everything = async (): Promise<string> => {
  const actors = await db.sql('select row_to_json(actor)::text as text from perdure.actor')
  const signals = await db.sql('select row_to_json(signal)::text as text from perdure.signal')
  return [...actors, ...signals].map(({ text }) => String(text)).join('\n')
}

test('nothing that an actor holds can be read in the database', async () => {
  const runtime = await start([secret])
  const ref = await runtime.spawn(diary, { input: { word: 'apple' } })
  await ref.send({ type: 'SAY', word: 'banana' })
  expect(await ref.send({ type: 'LATER', word: 'cherry' })).toEqual({ status: 'deferred' })
  const text = await everything()
  expect(text).not.toMatch(/apple|banana|cherry|words/)
  for (const word of ['apple', 'banana', 'cherry']) expect(text).toContain(rot13(word))
})

test('an actor goes on from its encoded row, and what waited is taken', async () => {
  const first = await start([secret])
  const { id } = await first.spawn(diary, { input: { word: 'apple' } })
  await first.send(id, { type: 'LATER', word: 'cherry' })
  await first.stop()
  const second = await start([secret], { passivateAfter: 0 })
  const ref = await second.get(diary, id)
  expect((await ref.getSnapshot()).context.words).toEqual(['apple'])
  await ref.send({ type: 'OPEN' })
  await ref.waitFor(({ context }) => context.words.includes('cherry'), { timeout: '20 seconds' })
  await ref.send({ type: 'CLOSE' })
  expect(await ref.result({ timeout: '20 seconds' })).toEqual({ words: ['apple', 'cherry'] })
  expect(await everything()).not.toMatch(/apple|cherry/)
})

test('what is sent by id from a node that runs nothing is encoded for the machine of its actor, and arrives in order', async () => {
  const plain = createMachine({ id: 'plain', on: { SAY: {} } })
  const leaf = await start([plain, secret], { queues: {} })
  const ref = await leaf.spawn(diary, { input: { word: 'apple' }, key: 'mine' })
  const other = await leaf.spawn(plain)
  await Promise.all(['banana', 'cherry'].map((word) => leaf.send(ref.id as string, { type: 'SAY', word })))
  await leaf.send({ key: 'mine' }, { type: 'SAY', word: 'damson' })
  await leaf.send(other.id, { type: 'SAY', word: 'elder' })
  expect(await everything()).not.toMatch(/apple|banana|cherry|damson/)
  expect((await rowOf(other.id)).inbox).toEqual([{ type: 'SAY', word: 'elder' }])
  await start([secret, plain])
  const { context } = await ref.waitFor((snapshot) => snapshot.context.words.length === 4, { timeout: '20 seconds' })
  expect(context.words).toEqual(['apple', 'banana', 'cherry', 'damson'])
})

test('what a transaction of the caller’s spawns and sends is encoded', async () => {
  const first = createMachine({ id: 'first' })
  const runtime = await start([{ machine: first, codec: { ...codec } }, secret])
  const client = new pg.Client(db.url)
  onTestFinished(() => client.end())
  await client.connect()
  await client.query('begin')
  const calls = runtime.withTransaction(client)
  const ref = await calls.spawn(diary, { input: { word: 'apple' } })
  await calls.send(ref.id, { type: 'SAY', word: 'banana' })
  const { rows } = await client.query('select event::text as text from perdure.signal')
  expect(rows).toEqual([{ text: expect.stringMatching(/^\{"\$type":"encoded","machine":"diary",.*onanan/) }])
  await client.query('commit')
  const { context } = await ref.waitFor((snapshot) => snapshot.context.words.length === 2, { timeout: '20 seconds' })
  expect(context.words).toEqual(['apple', 'banana'])
})

const ran: string[] = []
let afterEffects = (): void => undefined
const teller = setup({
  types: { context: {} as { word: string }, events: {} as { type: 'TELL'; word: string } }
}).createMachine({
  id: 'teller',
  context: { word: '' },
  on: {
    TELL: {
      // An action without an address: its journal needs the snapshot before as well.
      actions: [
        assign({ word: ({ event }) => event.word }),
        enqueueActions(({ enqueue }) => {
          enqueue(({ context }) => void ran.push(context.word))
          enqueue(() => afterEffects())
        })
      ]
    }
  }
})

test('effects that were committed before a crash run again, from an encoded journal', async () => {
  ran.length = 0
  const { pool, hold } = watch()
  const lost = await start([{ machine: teller, codec }], { database: pool, lease: '1 hour' })
  const { id } = await lost.spawn(teller)
  afterEffects = () => ['commit', 'commit_one', 'commit_linked', 'pick', 'claim', 'reap'].forEach((name) => hold(name))
  await lost.send(id, { type: 'TELL', word: 'apple' })
  afterEffects = () => undefined
  const [row] = await db.sql('select journal::text as journal, journal_before::text as before from perdure.actor')
  expect(row).toEqual({ journal: expect.stringContaining('nccyr'), before: expect.stringContaining(rot13('context')) })
  expect(await everything()).not.toContain('apple')
  await declareNodesDead()
  await start([{ machine: teller, codec }])
  await eventually(() => ran).toEqual(['apple', 'apple'])
})

/** Writes into the diary of a child, whose words it hears at the end. */
const writer = setup({
  types: { context: {} as { read: unknown }, events: {} as { type: 'WRITE'; word: string } | { type: 'CLOSE' } },
  actors: { diary: durable(diary), diaries: all(diary) }
}).createMachine({
  id: 'writer',
  context: { read: null },
  initial: 'writing',
  states: {
    writing: {
      invoke: {
        src: 'diary',
        id: 'diary',
        input: { word: 'apple' },
        onDone: { target: 'many', actions: assign({ read: ({ event }) => event.output }) }
      },
      on: {
        WRITE: { actions: sendTo('diary', ({ event }) => ({ type: 'SAY', word: event.word })) },
        CLOSE: { actions: [sendTo('diary', { type: 'OPEN' }), sendTo('diary', { type: 'CLOSE' })] }
      }
    },
    many: {
      invoke: {
        src: 'diaries',
        input: [{ word: 'elder' }, { word: 'fig' }],
        onDone: { target: 'over', actions: assign({ read: ({ context, event }) => [context.read, event.output] }) }
      }
    },
    over: {}
  }
})

test('children hear what they are sent, and their parent hears how they end, though it is encoded', async () => {
  const leaf = await start([{ machine: writer, codec }, secret], { queues: {} })
  const ref = await leaf.spawn(writer)
  const runtime = await start([{ machine: writer, codec }, secret])
  await ref.send({ type: 'WRITE', word: 'banana' })
  await ref.send({ type: 'CLOSE' })
  await ref.waitFor((snapshot) => snapshot.matches('many'), { timeout: '20 seconds' })
  const diaries = async () =>
    db.sql(`select id from perdure.actor where parent_index is not null order by parent_index`)
  await eventually(async () => (await diaries()).length).toBe(2)
  for (const { id } of await diaries()) {
    for (const type of ['OPEN', 'CLOSE'] as const) await runtime.send(String(id), { type })
  }
  const { context } = await ref.waitFor((snapshot) => snapshot.matches('over'), { timeout: '20 seconds' })
  expect(context.read).toMatchObject([
    { words: ['apple', 'banana'] },
    [{ output: { words: ['elder'] } }, { output: { words: ['fig'] } }]
  ])
  expect(await everything()).not.toMatch(/apple|banana|elder|fig/)
})

test('the error that a machine failed with is encoded, and told to who waits', async () => {
  const runtime = await start([secret])
  const ref = await runtime.spawn(diary, { input: { word: 'apple' } })
  await ref.send({ type: 'BREAK', word: 'banana' })
  const failure = ref.result({ timeout: '20 seconds' })
  await expect(failure).rejects.toThrow(ActorFailedError)
  await expect(failure).rejects.toMatchObject({ cause: { message: 'broken by banana' } })
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'failed' })
  expect(await everything()).not.toContain('banana')
})

test('actors from before there was a codec go on, and are encoded from then on', async () => {
  const before = await start([diary])
  const { id } = await before.spawn(diary, { input: { word: 'apple' } })
  await before.send(id, { type: 'LATER', word: 'cherry' })
  await before.stop()
  expect(await everything()).toMatch(/apple.*cherry/s)
  const runtime = await start([secret])
  await runtime.send(id, { type: 'OPEN' })
  const ref = await runtime.get(diary, id)
  await ref.waitFor(({ context }) => context.words.length === 2, { timeout: '20 seconds' })
  const [row] = await db.sql('select snapshot::text as snapshot from perdure.actor')
  expect(row?.['snapshot']).not.toMatch(/apple|cherry/)
})

test('an actor of an older version is moved from its encoded row, and stays encoded', async () => {
  const next = createMachine({ ...diary.config, version: '2' } as never, diary.implementations as never)
  const before = await start([secret])
  const { id } = await before.spawn(diary, { input: { word: 'apple' } })
  await before.stop()
  const seen: unknown[] = []
  const migrate = {
    from: [null],
    snapshot: (old: PersistedActor) => {
      seen.push(old.context)
      return { ...old, context: { words: ['fig'] } }
    }
  }
  const runtime = await start([{ machine: next, codec, migrate }])
  expect(await runtime.send(id as string, { type: 'SAY', word: 'banana' })).toEqual({ status: 'applied' })
  expect(seen[0]).toEqual({ words: ['apple'] })
  expect(await (await runtime.get(next, id)).getSnapshot()).toMatchObject({ context: { words: ['fig', 'banana'] } })
  const [row] = await db.sql('select snapshot::text as snapshot from perdure.actor')
  expect(row?.['snapshot']).toContain(rot13('banana'))
})

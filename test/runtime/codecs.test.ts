/** Machines with a codec: what lies at rest of their actors is unreadable, and they live as any others do. */
import { assign, createMachine, raise, sendTo, setup } from 'xstate'
import pg from 'pg'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  ActorFailedError,
  createRuntime,
  durable,
  durableRef,
  InvalidArgumentError,
  NotSerializableError,
  SnapshotIllegalError
} from 'perdure'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const rot13 = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (letter) => {
    const code = letter.charCodeAt(0)
    return String.fromCharCode(code + ((code & 31) <= 13 ? 13 : -13))
  })

let fault: 'encode' | 'decode' | null = null
beforeEach(() => void (fault = null))

const failIf = (step: typeof fault, text: string): string => {
  if (fault === step) throw new Error(`no key to ${step}`)
  return rot13(text)
}

const codec = {
  encode: (json: string) => failIf('encode', json),
  decode: (stored: string) => failIf('decode', stored)
}

interface Words {
  readonly type: 'SAY' | 'LATER' | 'BREAK'
  readonly word: string
}

/** Keeps the words that it hears; LATER waits until it is open. */
const diary = setup({
  types: {
    input: {} as { word: string },
    context: {} as { words: readonly string[] },
    events: {} as Words | { type: 'OPEN' } | { type: 'CLOSE' },
    output: {} as { words: readonly string[] }
  },
  actions: {
    keep: assign({ words: ({ context, event }) => ('word' in event ? [...context.words, event.word] : context.words) }),
    break: ({ event }) => {
      if ('word' in event) throw new Error(`broken by ${event.word}`)
    }
  }
}).createMachine({
  id: 'diary',
  context: ({ input }) => ({ words: [input.word] }),
  initial: 'shut',
  on: { SAY: { actions: 'keep' }, BREAK: { actions: ['keep', 'break'] } },
  states: { shut: { on: { OPEN: 'open' } }, open: { on: { LATER: { actions: 'keep' }, CLOSE: 'over' } }, over: { type: 'final' } },
  output: ({ context }) => context
})

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
  await leaf.send(other.id as string, { type: 'SAY', word: 'elder' })
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
  await calls.send(ref.id as string, { type: 'SAY', word: 'banana' })
  const { rows } = await client.query('select event::text as text from perdure.signal')
  expect(rows).toEqual([{ text: expect.stringMatching(/^\{"\$type":"encoded","machine":"diary",.*onanan/) }])
  await client.query('commit')
  const { context } = await ref.waitFor((snapshot) => snapshot.context.words.length === 2, { timeout: '20 seconds' })
  expect(context.words).toEqual(['apple', 'banana'])
})

const ran: string[] = []
const teller = setup({
  types: { context: {} as { word: string }, events: {} as { type: 'TELL'; word: string } | { type: 'AGAIN' } },
  actions: { tell: ({ context }) => void ran.push(context.word) }
}).createMachine({
  id: 'teller',
  context: { word: '' },
  on: {
    TELL: {
      // What is enqueued needs the snapshot before, which the row keeps as well.
      actions: [assign({ word: ({ event }) => event.word }), 'tell', raise({ type: 'AGAIN' })]
    },
    AGAIN: { actions: 'tell' }
  }
})

test('effects that were committed before a crash run again from the encoded journal', async () => {
  const first = await start([{ machine: teller, codec }])
  const { id } = await first.spawn(teller)
  await first.send(id, { type: 'TELL', word: 'apple' })
  await first.stop()
  const [row] = await db.sql('select journal is null as "isAcknowledged" from perdure.actor')
  expect(row).toEqual({ isAcknowledged: true })
})

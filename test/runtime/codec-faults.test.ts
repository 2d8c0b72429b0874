/** Codecs that throw, that are missing, or that cannot be: what is refused, what is parked, and that neighbours do not notice. */
import { createMachine } from 'xstate'
import { beforeEach, expect, test } from 'vitest'
import { createRuntime, InvalidArgumentError, NotSerializableError, SnapshotIllegalError, type Codec } from 'perdure'
import { counter } from './counter.ts'
import { diary, rot13 } from './diary.ts'
import { eventually, hear, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

/** The codec has no key for what holds this word. */
let keyless = { encode: '', decode: '' }
beforeEach(() => void (keyless = { encode: '', decode: '' }))

const turn = (step: 'encode' | 'decode', json: string, text: string): string => {
  if (keyless[step] !== '' && json.includes(keyless[step])) throw new Error(`no key to ${step}`)
  return text
}
const codec: Codec = {
  encode: (json) => turn('encode', json, rot13(json)),
  decode: (stored) => turn('decode', rot13(stored), rot13(stored))
}
const secret = { machine: diary, codec }

const spawnAsleep = async (word: string): Promise<string> => {
  const runtime = await start([secret])
  const { id } = await runtime.spawn(diary, { input: { word } })
  await runtime.stop()
  return id
}

test('what cannot be encoded is refused, and nothing of it happens', async () => {
  const runtime = await start([secret])
  const ref = await runtime.spawn(diary, { input: { word: 'apple' } })
  keyless = { ...keyless, encode: 'banana' }
  await expect(runtime.spawn(diary, { input: { word: 'banana' } })).rejects.toThrow(NotSerializableError)
  await expect(ref.send({ type: 'SAY', word: 'banana' })).rejects.toThrow(/no key to encode/)
  expect(await ref.send({ type: 'SAY', word: 'cherry' })).toEqual({ status: 'applied' })
  expect((await ref.getSnapshot()).context.words).toEqual(['apple', 'cherry'])
})

test('what cannot be encoded is refused on its way to an inbox, too', async () => {
  const leaf = await start([secret], { queues: {} })
  const ref = await leaf.spawn(diary, { input: { word: 'apple' } })
  keyless = { ...keyless, encode: 'banana' }
  await expect(ref.send({ type: 'SAY', word: 'banana' })).rejects.toThrow(NotSerializableError)
  expect(await ref.send({ type: 'SAY', word: 'cherry' })).toEqual({ status: 'queued' })
  expect((await rowOf(ref.id)).inbox).toHaveLength(1)
})

test('an actor whose failure cannot be encoded is parked, and what it failed with is left out', async () => {
  const runtime = await start([secret])
  const ref = await runtime.spawn(diary, { input: { word: 'apple' } })
  keyless = { ...keyless, encode: 'message' }
  await ref.send({ type: 'BREAK', word: 'banana' })
  await eventually(() => rowOf(ref.id)).toMatchObject({ status: 'parked' })
  const message = (await rowOf(ref.id)).last_error?.message
  expect(message).toContain('no key to encode')
  expect(message).not.toContain('banana')
})

test('an actor whose row cannot be decoded is parked with the reason, and its neighbour runs', async () => {
  const [bad, good] = [await spawnAsleep('apple'), await spawnAsleep('banana')]
  keyless = { ...keyless, decode: 'apple' }
  const runtime = await start([secret])
  const parked = hear(runtime, 'actor.parked')
  expect(await runtime.send(bad, { type: 'SAY', word: 'cherry' })).toEqual({ status: 'queued' })
  expect(await runtime.send(good, { type: 'SAY', word: 'cherry' })).toEqual({ status: 'applied' })
  expect(await parked).toMatchObject({ id: bad, reason: expect.any(SnapshotIllegalError) })
  await eventually(() => rowOf(bad)).toMatchObject({ status: 'parked', owner: null })
  expect((await rowOf(bad)).last_error?.message).toContain('no key to decode')
})

test('once its codec can decode it again, a parked actor is retried, and has lost nothing', async () => {
  const id = await spawnAsleep('apple')
  keyless = { ...keyless, decode: 'apple' }
  const runtime = await start([secret])
  await runtime.send(id, { type: 'SAY', word: 'cherry' })
  await eventually(() => rowOf(id)).toMatchObject({ status: 'parked' })
  keyless = { ...keyless, decode: '' }
  expect(await runtime.retry(id)).toBe(true)
  const ref = await runtime.get(diary, id)
  await ref.waitFor(({ context }) => context.words.length === 2, { timeout: '20 seconds' })
})

test('an operator ends an actor without its codec', async () => {
  const id = await spawnAsleep('apple')
  const runtime = await start([counter], { queues: {} })
  await runtime.cancel(id, 'out of date')
  expect(await rowOf(id)).toMatchObject({ status: 'stopped', last_error: { message: 'out of date' } })
})

test('a machine that is registered without its codec refuses its actors, and says what is missing', async () => {
  const id = await spawnAsleep('apple')
  const leaf = await start([diary], { queues: {} })
  const ref = await leaf.get(diary, id)
  await expect(ref.getSnapshot()).rejects.toThrow(/Register 'diary', with its codec/)
  await expect(ref.waitFor(() => true)).rejects.toThrow(SnapshotIllegalError)
})

test('an event of one’s own that looks encoded is taken as it is', async () => {
  const runtime = await start([secret])
  const word = { $type: 'encoded', machine: 'diary', text: 'apple' } as unknown as string
  const ref = await runtime.spawn(diary, { input: { word } })
  await ref.send({ type: 'LATER', word })
  await runtime.stop()
  const again = await (await start([secret])).get(diary, ref.id)
  await again.send({ type: 'OPEN' })
  const { context } = await again.waitFor((snapshot) => snapshot.context.words.length === 2, { timeout: '20 seconds' })
  expect(context.words).toEqual([word, word])
})

const next = createMachine({ id: 'diary', version: '2' })
test.each<[string, readonly unknown[], string]>([
  ['is not two functions', [{ machine: diary, codec: { encode: rot13 } }], 'is not { encode, decode }'],
  ['differs between versions of a machine', [secret, { machine: next, codec: { ...codec } }], 'different codecs'],
  ['is given to one version only', [{ machine: next }, secret], 'different codecs']
])('a codec that %s is refused', (_, machines, words) => {
  const create = () => createRuntime({ database: db.url, machines: machines as never })
  expect(create).toThrow(InvalidArgumentError)
  expect(create).toThrow(words)
})

test('a codec that gives back no text is refused when it is used', async () => {
  const promising = { encode: async (json: string) => json, decode: (stored: string) => stored } as unknown as Codec
  const runtime = await start([{ machine: diary, codec: promising }])
  await expect(runtime.spawn(diary, { input: { word: 'apple' } })).rejects.toThrow(NotSerializableError)
})

test('the input of a schedule would lie at rest unencoded, and is refused', async () => {
  const runtime = await start([secret])
  await expect(runtime.schedule('daily', '0 9 * * *', diary, { input: { word: 'apple' } })).rejects.toThrow(
    InvalidArgumentError
  )
})

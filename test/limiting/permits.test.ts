/** Permits as the work of one node takes them: who waits, who is given back, and what the database is asked. */
import { beforeEach, expect, test } from 'vitest'
import { readLimits, type LimitOptions } from '../../src/limiting/limits.ts'
import { NodePermits } from '../../src/limiting/permits.ts'
import type { PermitUse } from '../../src/logics/definitions.ts'
import { Throttled } from '../../src/logics/throttled.ts'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import type { PermitStore } from '../../src/persistence/store.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { HOUR_MS } from '../persistence/conformance/world.ts'

const NODE = 'node'
const limits: Record<string, LimitOptions> = {
  gpu: { concurrency: 2 },
  stripe: { rate: 2, per: '1 second' },
  both: { rate: 1, per: '1 hour', concurrency: 5 },
  slow: { rate: 1, per: '1 hour' },
  even: { rate: 20, per: '1 second', burst: 1 }
}
const forEver = new AbortController().signal
const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve))

let clock: VirtualClock
let asked: string[][]
let permits: NodePermits
let heard: unknown[]
/** What happens to the answers of the database, while it is set. */
let fault: Error | null
/** What happens while the next question is under way. */
let meanwhile: () => void

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2030, 0, 1))
  asked = []
  heard = []
  fault = null
  meanwhile = () => undefined
  const store = new MemoryStore(clock)
  await store.join(NODE, NODE, HOUR_MS)
  const watched: PermitStore = {
    take: async (node, requests) => {
      asked.push(requests.map(({ holder }) => holder))
      const answers = await store.permits.take(node, requests)
      meanwhile()
      if (fault) throw fault
      return answers
    },
    release: async (node, slots) => {
      asked.push(slots.map(({ holder }) => `free ${holder}`))
      await store.permits.release(node, slots)
    },
    forget: (...args) => store.permits.forget(...args)
  }
  const telemetry = new Telemetry()
  telemetry.on('rate_limit.throttled', (payload) => heard.push(payload))
  telemetry.on('concurrency.throttled', (payload) => heard.push(payload))
  permits = new NodePermits({
    store: { permits: watched },
    node: NODE,
    limits: readLimits(limits),
    clock,
    telemetry,
    refuse: () => null,
    retryForMs: 0
  })
})

const slotOf = (limit: string, weight = 1): PermitUse => ({ option: 'concurrency', limit, partition: null, weight })
const tokenOf = (limit: string, weight = 1): PermitUse => ({ option: 'rateLimit', limit, partition: null, weight })

/** Takes a permit, and tells what has become of that so far. */
function taking(uses: readonly PermitUse[], holder: string, signal = forEver) {
  const state = {
    holder,
    is: 'waiting' as 'waiting' | 'granted' | 'refused',
    error: null as unknown,
    release: () => {}
  }
  permits.take(uses, holder, signal).then(
    (release) => Object.assign(state, { is: 'granted', release }),
    (error: unknown) => Object.assign(state, { is: 'refused', error })
  )
  return state
}

/** So many, each with another holder: '0', '1', … */
const takingMany = (count: number, uses: readonly PermitUse[]) =>
  Array.from({ length: count }, (_, n) => taking(uses, String(n)))

const statesOf = (all: readonly { readonly is: string }[]): readonly string[] => all.map(({ is }) => is)

async function pass(ms: number): Promise<void> {
  clock.moveTo(clock.now() + ms)
  for (let turn = 0; turn < 5; turn++) await turnOfTheLoop()
}

test('what is taken in one go is one question, whatever the limits, and what is released is another', async () => {
  const all = [taking([slotOf('gpu')], 'a'), taking([tokenOf('stripe')], 'b'), taking([slotOf('both')], 'c')]
  await pass(0)
  expect(statesOf(all)).toEqual(['granted', 'granted', 'granted'])
  for (const { release } of all) release()
  await pass(0)
  expect(asked).toEqual([
    ['a', 'b', 'c'],
    ['free a', 'free c']
  ])
})

test('who waits for a short time waits here, in order; who would wait long is given back with the time of their turn', async () => {
  const all = takingMany(8, [tokenOf('stripe')])
  await pass(0)
  expect(statesOf(all)).toEqual([...Array(2).fill('granted'), ...Array(4).fill('waiting'), ...Array(2).fill('refused')])
  expect(all.slice(6).map(({ error }) => (error as Throttled).retryInMs)).toEqual([2_250, 2_750])
  expect(heard).toEqual([{ limit: 'stripe', count: 6, retryInMs: 2_750 }])
  for (let granted = 3; granted <= 6; granted++) {
    await pass(500)
    expect(all.filter(({ is }) => is === 'granted')).toHaveLength(granted)
    expect(all[granted - 1]?.is).toBe('granted')
  }
})

test('a rate without bursts yields its figure, though every answer and every look is late', async () => {
  meanwhile = () => clock.moveTo(clock.now() + 30)
  const begunMs: number[] = []
  const start = clock.now()
  const take = async (n: number): Promise<void> => {
    await permits.take([tokenOf('even')], String(n), forEver)
    begunMs.push(clock.now() - start)
    await take(n + 10)
  }
  for (let n = 0; n < 10; n++) void take(n).catch(() => undefined)
  while (clock.now() - start < 10_000) await pass(17)
  permits.giveUp(new Error('over'))
  expect(begunMs.length).toBeGreaterThanOrEqual(195)
  for (const [n, ms] of begunMs.entries()) expect(ms).toBeGreaterThanOrEqual(n * 50)
})

test('who is granted tokens that are still to come begins when they are there, or hears that the node is over', async () => {
  const [, second, third] = takingMany(3, [tokenOf('even')])
  await pass(0)
  await pass(49)
  expect(second?.is).toBe('waiting')
  await pass(1)
  expect(second?.is).toBe('granted')
  expect(asked).toHaveLength(1)
  permits.giveUp(new Error('over'))
  await pass(50)
  expect(third).toMatchObject({ is: 'refused', error: { message: 'over' } })
})

test('who comes while others wait is not asked for before their time, nor before them', async () => {
  const heavy = [taking([tokenOf('stripe', 2)], 'a'), taking([tokenOf('stripe', 2)], 'b')]
  await pass(0)
  const light = taking([tokenOf('stripe')], 'c')
  await pass(500)
  expect(statesOf([...heavy, light])).toEqual(['granted', 'waiting', 'waiting'])
  expect(asked).toEqual([['a', 'b']])
  await pass(500)
  expect(statesOf([...heavy, light])).toEqual(['granted', 'granted', 'waiting'])
  expect(asked).toEqual([
    ['a', 'b'],
    ['b', 'c']
  ])
})

test('a slot that is released here goes to the next here at once', async () => {
  const all = takingMany(4, [slotOf('gpu')])
  await pass(0)
  expect(statesOf(all)).toEqual(['granted', 'granted', 'waiting', 'waiting'])
  all[0]?.release()
  await pass(0)
  expect(statesOf(all)).toEqual(['granted', 'granted', 'granted', 'waiting'])
})

test('slots that nobody here releases are asked for in pauses that grow, and then their waiters are given back', async () => {
  await permits.take([slotOf('gpu')], 'elsewhere', forEver)
  await permits.take([slotOf('gpu')], 'elsewhere, too', forEver)
  asked.length = 0
  const all = takingMany(2, [slotOf('gpu')])
  for (let ms = 0; ms < 5_000; ms += 10) await pass(10)
  expect(statesOf(all)).toEqual(['refused', 'refused'])
  const [first, second] = all.map(({ error }) => (error as Throttled).retryInMs) as [number, number]
  expect(first).toBeGreaterThanOrEqual(1_000)
  expect(second).toBeGreaterThan(first)
  expect(asked.length).toBeLessThan(12)
})

test('who waits no more is not asked for, and is granted nothing', async () => {
  const held = takingMany(2, [slotOf('gpu')])
  await pass(0)
  const leaving = new AbortController()
  const [gone, next] = [taking([slotOf('gpu')], 'gone', leaving.signal), taking([slotOf('gpu')], 'next')]
  await pass(0)
  leaving.abort(new Error('left'))
  asked.length = 0
  held[0]?.release()
  await pass(0)
  expect(statesOf([gone, next])).toEqual(['refused', 'granted'])
  expect(asked).toEqual([['free 0'], ['next']])
})

test('who leaves while the question is under way has the slot released', async () => {
  const leaving = new AbortController()
  const gone = taking([slotOf('gpu')], 'gone', leaving.signal)
  meanwhile = () => leaving.abort(new Error('left'))
  await pass(0)
  expect(gone.is).toBe('refused')
  expect(asked).toEqual([['gone'], ['free gone']])
  const others = takingMany(2, [slotOf('gpu')])
  await pass(0)
  expect(statesOf(others)).toEqual(['granted', 'granted'])
})

test('the same work twice at once has one slot, until both runs are over', async () => {
  const [once, again] = [taking([slotOf('gpu')], 'same'), taking([slotOf('gpu')], 'same')]
  const other = taking([slotOf('gpu')], 'other')
  await pass(0)
  expect(statesOf([once, again, other])).toEqual(['granted', 'granted', 'granted'])
  once.release()
  once.release()
  await pass(0)
  const late = taking([slotOf('gpu')], 'late')
  await pass(0)
  expect(late.is).toBe('waiting')
  again.release()
  await pass(0)
  expect(late.is).toBe('granted')
})

test('a slot that is being released is asked for again only when it is free', async () => {
  const first = taking([slotOf('gpu')], 'same')
  await pass(0)
  first.release()
  const second = taking([slotOf('gpu')], 'same')
  await pass(0)
  expect(second.is).toBe('granted')
  expect(asked).toEqual([['same'], ['free same'], ['same']])
})

test('where tokens are long in coming, the slot that was taken before them is released', async () => {
  await permits.take([tokenOf('slow')], 'first', forEver)
  const second = taking([tokenOf('slow'), slotOf('gpu')], 'second')
  await pass(0)
  expect(second.error).toBeInstanceOf(Throttled)
  expect(asked.at(-1)).toEqual(['free second'])
})

test('a failure of the database is no failure of the work, and leaves no slot behind', async () => {
  fault = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
  const first = taking([slotOf('gpu')], 'first')
  await expect.poll(() => first.is, { timeout: 10_000 }).toBe('refused')
  expect(first.error).toBeInstanceOf(Throttled)
  fault = null
  await pass(0)
  const others = takingMany(2, [slotOf('gpu')])
  await pass(0)
  expect(statesOf(others)).toEqual(['granted', 'granted'])
})

test('who waits when the node is over hears of it', async () => {
  const all = takingMany(3, [slotOf('gpu')])
  await pass(0)
  permits.giveUp(new Error('over'))
  await pass(0)
  expect(all[2]).toMatchObject({ is: 'refused', error: { message: 'over' } })
})

test('a limit that is unknown, and a weight that is never there, are told with the remedy', async () => {
  await expect(permits.take([tokenOf('strip')], 'a', forEver)).rejects.toThrow(
    /unknown limit, 'strip'.*gpu, stripe, both/
  )
  await expect(permits.take([tokenOf('stripe', 3)], 'a', forEver)).rejects.toMatchObject({ _tag: 'NonRetryableError' })
  expect(asked).toEqual([])
})

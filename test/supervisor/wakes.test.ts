/** Connections that listen, over a store that opens each when the test says so. */
import { expect, test } from 'vitest'
import type { Listening, Store } from '../../src/persistence/store.ts'
import { Wakes } from '../../src/supervisor/wakes.ts'
import { buildOptions, open, Stage } from './stage.ts'

/** `asked`: opens the connections that were asked for, in order. `end`: how one ends. */
function openLine(end: (ended: () => void) => Promise<void>) {
  const asked: (() => Listening)[] = []
  const listening = new Set<Listening>()
  const listen = () =>
    new Promise<Listening>((resolve) => {
      asked.push(() => {
        const one: Listening = { isOpen: true, end: () => end(() => listening.delete(one)) }
        listening.add(one)
        resolve(one)
        return one
      })
    })
  const heard: string[] = []
  const wakes = new Wakes({
    store: { listen } as unknown as Store,
    node: () => null,
    onSignals: () => undefined,
    onRows: () => undefined,
    onSchedules: () => undefined,
    onConnected: () => void heard.push('connected')
  })
  return { asked, listening, heard, start: () => open(buildOptions(new Stage(), [wakes.spec])) }
}

/** On a machine that is busy with other things. */
const within = { timeout: 20_000 }

const atOnce = async (ended: () => void): Promise<void> => ended()

test.each([
  ['before', [0, 1]],
  ['after', [1, 0]]
])('a connection that comes when its start is over, %s that of the next start, is ended', async (_when, order) => {
  const line = openLine(atOnce)
  const first = line.start()
  await expect.poll(() => line.asked.length, within).toBe(1)
  await first.stop()
  const second = line.start()
  await expect.poll(() => line.asked.length, within).toBe(2)
  const connections = order.map((n) => ({ n, one: line.asked[n]?.() }))
  const own = connections.find(({ n }) => n === 1)?.one
  await expect.poll(() => [...line.listening], within).toEqual([own])
  expect(line.heard).toEqual(['connected'])
  await second.stop()
  await expect.poll(() => line.listening.size, within).toBe(0)
  expect(line.asked.length).toBe(2)
})

test('a stop does not wait for a connection that never ends', async () => {
  const line = openLine(() => new Promise(() => undefined))
  const tree = line.start()
  await expect.poll(() => line.asked.length, within).toBe(1)
  line.asked[0]?.()
  await expect.poll(() => line.heard, within).toEqual(['connected'])
  await tree.stop()
})

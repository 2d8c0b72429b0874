/** Schedules in `perdure/testing`: time that is moved fires them, each occurrence at its moment. */
import { afterEach, expect, test } from 'vitest'
import type { MissedPolicy } from 'perdure'
import { createTestRuntime } from '../../src/testing/index.ts'
import { input, report } from '../runtime/schedule-stage.ts'

const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.stop()
})

const startTime = Date.UTC(2026, 9, 24, 12)

async function start() {
  const runtime = createTestRuntime({ machines: [report], startTime })
  open.push(runtime)
  await runtime.start()
  const fired: string[] = []
  runtime.on('schedule.fired', ({ ids }) => fired.push(...ids))
  const days = () =>
    Promise.all(fired.map(async (id) => (await (await runtime.get(report, id)).result()).day?.toISOString()))
  return { runtime, days }
}

const daily = (missed: MissedPolicy) => ({ timeZone: 'Europe/Vienna', withTime: 'day', input, missed }) as const

test('advance fires each occurrence when its time has come, in its time zone', async () => {
  const { runtime, days } = await start()
  await runtime.schedule('nightly', '0 3 * * *', report, daily('once'))
  await runtime.advance('13 hours')
  expect(await days()).toEqual([])
  await runtime.advance('1 hour')
  expect(await days()).toEqual(['2026-10-25T02:00:00.000Z'])
  await runtime.advance('2 days')
  expect(await days()).toEqual([25, 26, 27].map((day) => `2026-10-${day}T02:00:00.000Z`))
  expect(await runtime.schedules.list()).toMatchObject([{ nextAt: new Date('2026-10-28T02:00:00Z') }])
})

test.each([
  ['skip', []],
  ['once', [27]],
  ['all', [25, 26, 27]]
] as const)('what a pause has missed is dealt with by the policy (%s)', async (missed, expected) => {
  const { runtime, days } = await start()
  await runtime.schedule('nightly', '0 3 * * *', report, daily(missed))
  await runtime.schedules.pause('nightly')
  await runtime.advance('3 days')
  expect(await days()).toEqual([])
  await runtime.schedules.resume('nightly')
  await runtime.drain()
  expect(await days()).toEqual(expected.map((day) => `2026-10-${day}T02:00:00.000Z`))
})

test('a schedule that is removed fires no more, and one that outlives a crash does', async () => {
  const { runtime, days } = await start()
  await runtime.schedule('nightly', '0 3 * * *', report, daily('once'))
  await runtime.crash()
  await runtime.advance('1 day')
  expect(await days()).toHaveLength(1)
  await runtime.schedules.remove('nightly')
  await runtime.advance('3 days')
  expect(await days()).toHaveLength(1)
})

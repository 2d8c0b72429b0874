/** Each occurrence once, however many nodes there are, and whatever dies or is lost on the way. */
import { expect, onTestFinished, test } from 'vitest'
import { idOfOccurrence } from '../../src/supervisor/occurrences.ts'
import { openProxy, type Gate, type Passage, type Proxy } from '../support/proxy.ts'
import { eventually, hear, openStage } from './stage.ts'
import { hourly, input, report, scheduleTools, thisYear, YEARLY } from './schedule-stage.ts'

const { db, start, connect } = await openStage()
const { row, letTimePass, makeDue, actors, isDue } = scheduleTools(db)

async function openGate(gate: Gate): Promise<Proxy> {
  const proxy = await openProxy(db.url, gate)
  onTestFinished(() => proxy.close())
  return proxy
}

/** Does this to the first passage of a statement, and lets all else pass. */
function once(
  statement: string,
  at: Passage['at'],
  verdict: 'cut' | 'hold'
): Gate & { readonly hasCome: () => boolean } {
  let hasCome = false
  const gate: Gate = (passage) => {
    if (hasCome || passage.statement !== statement || passage.at !== at) return 'pass'
    hasCome = true
    return verdict
  }
  return Object.assign(gate, { hasCome: () => hasCome })
}

test(
  'hundreds of occurrences that fall due on three nodes at once come about once each',
  { timeout: 60_000 },
  async () => {
    const caller = await start([report], { queues: {} })
    const names = Array.from({ length: 60 }, (_, n) => `schedule ${n}`)
    const cron = hourly()
    for (const name of names) await caller.schedule(name, cron, report, { input, missed: 'all' })
    const nodes = await Promise.all([start([report]), start([report]), start([report])])
    const told: string[] = []
    for (const node of nodes) node.on('schedule.fired', ({ ids }) => told.push(...ids))
    const expected: string[] = []
    for (let round = 0; round < 3; round++) {
      const { next_at: next } = await row('schedule 0')
      await letTimePass('5 hours')
      for (const name of names) {
        for (let hours = 1; hours <= 5; hours++) expected.push(idOfOccurrence(name, next.getTime() - hours * 3_600_000))
      }
      // Nobody waits for the next look, and all three look at the same time.
      await caller.schedules.resume('schedule 0')
      await eventually(async () => (await actors()).length).toBe(60 * 5)
    }
    expect((await actors()).toSorted()).toEqual([...new Set(expected)].toSorted())
    await eventually(() => told.length).toBe(60 * 5)
    expect(new Set(told).size).toBe(60 * 5)
  }
)

test.for<Passage['at']>(['asked', 'answered'])(
  'a connection that is lost when the step of a schedule is %s loses no occurrence and repeats none',
  async (at) => {
    const gate = once('fire_schedules', at, 'cut')
    const proxy = await openGate(gate)
    const runtime = await start([report], { database: proxy.url })
    await runtime.schedule('s', YEARLY, report, { input })
    await runtime.schedules.pause('s')
    await makeDue('s')
    await runtime.schedules.resume('s')
    await eventually(() => isDue('s')).toBe(false)
    const id = idOfOccurrence('s', thisYear())
    expect(gate.hasCome()).toBe(true)
    expect(await actors()).toEqual([id])
    expect(await (await runtime.get(report, id)).result()).toEqual(input)
    expect(runtime.tree().find(({ name }) => name === 'scheduler')).toMatchObject({ restarts: 0 })
  }
)

test.for<[string, Passage['at']]>(
  ['list_schedules', 'create_schedule', 'change_schedule', 'pause_schedule', 'remove_schedule'].flatMap((name) => [
    [name, 'asked'],
    [name, 'answered']
  ])
)('a connection that is lost when %s is %s is not noticed by who calls', async ([statement, at]) => {
  const gate = once(statement, at, 'cut')
  const proxy = await openGate(gate)
  const { schedules, ...runtime } = await startOn(proxy.url)
  await runtime.schedule('@daily')
  await runtime.schedule(YEARLY)
  expect(await row('s')).toMatchObject({ cron: YEARLY, paused: false })
  await schedules.pause('s')
  expect(await row('s')).toMatchObject({ paused: true })
  await schedules.remove('s')
  expect(await row('s')).toBeUndefined()
  expect(gate.hasCome()).toBe(true)
})

async function startOn(database: string) {
  const runtime = await start([report], { database, queues: {} })
  return {
    schedules: runtime.schedules,
    schedule: (cron: string) => runtime.schedule('s', cron, report, { input })
  }
}

test('a node that stands still before its step does not repeat what another has done meanwhile', async () => {
  const gate = once('fire_schedules', 'asked', 'hold')
  const proxy = await openGate(gate)
  const slow = await start([report], { database: proxy.url })
  const heard: string[] = []
  slow.on('schedule.fired', ({ ids }) => heard.push(...ids))
  await slow.schedule('s', YEARLY, report, { input })
  await slow.schedules.pause('s')
  await makeDue('s')
  await slow.schedules.resume('s')
  await eventually(gate.hasCome).toBe(true)
  const fast = await start([report])
  expect(await hear(fast, 'schedule.fired')).toMatchObject({ schedule: 's' })
  proxy.heal()
  // Its step is answered when its next one is: one lane, one after the other.
  await slow.schedule('t', YEARLY, report, { input })
  const next = hear(slow, 'schedule.fired', ({ schedule }) => schedule === 't')
  const other = hear(fast, 'schedule.fired', ({ schedule }) => schedule === 't')
  await slow.schedules.pause('t')
  await makeDue('t')
  await slow.schedules.resume('t')
  await Promise.race([next, other])
  expect(heard.filter((id) => id === idOfOccurrence('s', thisYear()))).toEqual([])
  expect((await actors()).toSorted()).toEqual(['s', 't'].map((name) => idOfOccurrence(name, thisYear())).toSorted())
})

test('a schedule that somebody keeps locked holds up no other, and is fired when it is free', async () => {
  const caller = await start([report], { queues: {} })
  await caller.schedule('locked', YEARLY, report, { input })
  await caller.schedule('free', YEARLY, report, { input })
  await makeDue('locked')
  await makeDue('free')
  const rival = await connect()
  await rival.query(`begin; select 1 from perdure.schedule where name = 'locked' for update`)
  const runtime = await start([report])
  const freed = hear(runtime, 'schedule.fired', ({ schedule }) => schedule === 'locked')
  await eventually(() => isDue('free')).toBe(false)
  expect(await isDue('locked')).toBe(true)
  await rival.query('commit')
  expect(await freed).toMatchObject({ ids: [idOfOccurrence('locked', thisYear())] })
})

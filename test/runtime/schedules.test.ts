/** `runtime.schedule`, and what comes of it. */
import { createMachine } from 'xstate'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, MachineNotRegisteredError, ScheduleNotFoundError, TooLargeError } from 'perdure'
import { idOfOccurrence } from '../../src/supervisor/occurrences.ts'
import { eventually, hear, openStage } from './stage.ts'
import { hourly, input, MINUTELY, report, scheduleTools, thisYear, YEARLY } from './schedule-stage.ts'

const { db, start, watch } = await openStage()
const { row, letTimePass, makeDue, actors, isDue } = scheduleTools(db)

const idle = createMachine({ id: 'idle' })

/** A node that schedules, and fires nothing. */
const startCaller = () => start([report, idle], { queues: {} })

describe('a schedule', () => {
  test('has an actor come into being at each moment, with its input, that runs as any other', async () => {
    const runtime = await start([report])
    const fired: string[] = []
    runtime.on('schedule.fired', ({ schedule, ids }) => schedule === 'each second' && fired.push(...ids))
    await runtime.schedule('each second', '* * * * * *', report, { input })
    await eventually(() => fired.length).toBeGreaterThanOrEqual(2)
    await runtime.schedules.remove('each second')
    const ref = await runtime.get(report, fired[0] as string)
    expect(await ref.result()).toEqual(input)
    expect(new Set(fired)).toEqual(new Set(await actors()))
  })

  test('fires what is due by the clock of the database, and once', async () => {
    const caller = await startCaller()
    await caller.schedule('new year', YEARLY, report, { input })
    const { next_at: next } = await row('new year')
    await makeDue('new year')
    const fired = hear(await start([report]), 'schedule.fired')
    const id = idOfOccurrence('new year', thisYear())
    expect(await fired).toEqual({ schedule: 'new year', ids: [id] })
    const [info] = await caller.schedules.list()
    expect(info).toMatchObject({ nextAt: next, last: { at: new Date(thisYear()), id } })
    expect(await actors()).toEqual([id])
  })

  test('gives its actors their queue, priority and partition', async () => {
    const runtime = await startCaller()
    await runtime.schedule('a', MINUTELY, idle, { queue: 'reports', priority: 4, partitionKey: 'p' })
    await letTimePass('1 minute')
    await start([idle], { queues: { others: 1 } })
    const columns = 'select queue, priority, partition_key, machine, status from perdure.actor'
    await eventually(() => db.sql(columns)).toEqual([
      { queue: 'reports', priority: 4, partition_key: 'p', machine: 'idle', status: 'ready' }
    ])
  })

  test('tells each actor when it was due, in the field of its input that withTime names', async () => {
    const runtime = await start([report])
    const fired = hear(runtime, 'schedule.fired')
    await runtime.schedule('dated', '* * * * * *', report, { withTime: 'day', input })
    const ref = await runtime.get(report, (await fired).ids[0] as string)
    const { day, ...rest } = await ref.result()
    expect(rest).toEqual(input)
    expect(idOfOccurrence('dated', (day as Date).getTime())).toBe(ref.id)
  })

  test('is heard of at once by nodes that look hardly ever', async () => {
    const { pool, statements } = watch()
    const fired = hear(await start([report], { database: pool, poll: '1 hour' }), 'schedule.fired')
    // The second look comes when it listens.
    await eventually(() => statements.filter((sent) => sent === 'due_schedules')).toHaveLength(2)
    await (await startCaller()).schedule('from elsewhere', '* * * * * *', report, { input })
    expect(await fired).toMatchObject({ schedule: 'from elsewhere' })
  })
})

describe('the same call again', () => {
  test('changes nothing, on whichever node', async () => {
    const [one, two] = [await startCaller(), await start([report])]
    const options = { input, timeZone: 'Europe/Vienna', missed: 'skip', queue: 'q' } as const
    await one.schedule('nightly', '0 3 * * *', report, options)
    const before = await row('nightly')
    await Promise.all([one, two, one, two].map((node) => node.schedule('nightly', '0 3 * * *', report, options)))
    expect(await row('nightly')).toEqual(before)
  })

  test('made by many nodes at once for the first time makes one schedule', async () => {
    const nodes = [await startCaller(), await startCaller(), await startCaller()]
    await Promise.all(nodes.map((node) => node.schedule('nightly', '0 3 * * *', report, { input })))
    expect(await nodes[0]!.schedules.list()).toHaveLength(1)
  })

  test('with other arguments changes the schedule, and keeps its pace where that is not what has changed', async () => {
    const runtime = await startCaller()
    await runtime.schedule('s', MINUTELY, report, { input })
    const { next_at: next } = await row('s')
    await letTimePass('1 minute')
    await runtime.schedule('s', MINUTELY, report, { input: { of: 'costs' }, missed: 'all' })
    expect(await row('s')).toMatchObject({ missed: 'all', next_at: new Date(next.getTime() - 60_000) })
    await runtime.schedule('s', MINUTELY, idle)
    expect(await runtime.schedules.list()).toMatchObject([{ name: 's', machine: 'idle', missed: 'once' }])
  })

  test('with another expression first deals with what was due by the old one', async () => {
    const runtime = await startCaller()
    await runtime.schedule('s', hourly(), report, { input, missed: 'all' })
    await letTimePass('3 hours')
    await runtime.schedule('s', YEARLY, report, { input })
    expect(await actors()).toHaveLength(3)
    const { cron, next_at: next, last_at: last } = await row('s')
    expect([cron, next.getUTCMonth(), next > (last as Date)]).toEqual([YEARLY, 0, true])
  })

  test('never brings the same occurrence twice, though the schedule was removed in between', async () => {
    const runtime = await startCaller()
    const worker = await start([report])
    for (const look of [1, 2]) {
      await runtime.schedule('s', YEARLY, report, { input })
      await runtime.schedules.pause('s')
      await makeDue('s')
      await runtime.schedules.resume('s')
      await eventually(() => isDue('s')).toBe(false)
      expect(await actors(), `after ${look}`).toHaveLength(1)
      await worker.schedules.remove('s')
    }
  })
})

describe('a schedule that is paused', () => {
  test.each([
    ['skip', 0],
    ['once', 1],
    ['all', 3]
  ] as const)('deals by its policy with what it missed when it is resumed (%s)', async (missed, count) => {
    const runtime = await start([report])
    await runtime.schedule('s', hourly(), report, { input, missed })
    const { next_at: next } = await row('s')
    await runtime.schedules.pause('s')
    await letTimePass('3 hours')
    expect(await runtime.schedules.list()).toMatchObject([{ isPaused: true }])
    await runtime.schedules.resume('s')
    await eventually(() => isDue('s')).toBe(false)
    expect(await actors()).toHaveLength(count)
    expect(await row('s')).toMatchObject({ paused: false, next_at: next })
  })

  test('stays paused when it is scheduled again', async () => {
    const runtime = await startCaller()
    await runtime.schedule('s', MINUTELY, report, { input })
    await runtime.schedules.pause('s')
    await runtime.schedule('s', MINUTELY, report, { input })
    await runtime.schedule('s', YEARLY, report, { input })
    expect(await row('s')).toMatchObject({ paused: true, cron: YEARLY })
  })
})

describe('schedules', () => {
  test('are listed by name, with what is to come', async () => {
    const runtime = await startCaller()
    await runtime.schedule('b', '0 0 1 1 *', idle, { queue: 'q', timeZone: 'Europe/Vienna', missed: 'skip' })
    await runtime.schedule('a', '@daily', report, { input })
    const nextYear = new Date(Date.UTC(new Date().getUTCFullYear(), 11, 31, 23))
    expect(await runtime.schedules.list()).toMatchObject([
      { name: 'a', cron: '@daily', timeZone: 'UTC', machine: 'report', queue: 'default', missed: 'once' },
      {
        name: 'b',
        cron: '0 0 1 1 *',
        timeZone: 'Europe/Vienna',
        missed: 'skip',
        queue: 'q',
        nextAt: nextYear,
        last: null
      }
    ])
  })

  test('that are removed are gone; what came of them lives on', async () => {
    const runtime = await start([idle])
    const fired = hear(runtime, 'schedule.fired')
    await runtime.schedule('s', '* * * * * *', idle)
    await fired
    await runtime.schedules.remove('s')
    const left = await actors()
    expect(await runtime.schedules.list()).toEqual([])
    expect((await (await runtime.get(left[0] as string)).getSnapshot()).status).toBe('active')
  })

  test('that nobody has made cannot be paused, resumed or removed', async () => {
    const { schedules } = await startCaller()
    for (const call of [schedules.pause('x'), schedules.resume('x'), schedules.remove('x')]) {
      await expect(call).rejects.toThrow(ScheduleNotFoundError)
      await expect(call).rejects.toMatchObject({ schedule: 'x' })
    }
    await expect(schedules.pause('')).rejects.toThrow(InvalidArgumentError)
  })

  test('of machines that a node does not know are left to others, and hold up none', async () => {
    const caller = await startCaller()
    await caller.schedule('a stranger', MINUTELY, report, { input })
    await caller.schedule('b known', MINUTELY, idle)
    await letTimePass('5 minutes')
    const fired = hear(await start([idle]), 'schedule.fired')
    expect(await fired).toMatchObject({ schedule: 'b known' })
    expect(await isDue('a stranger')).toBe(true)
    expect(await hear(await start([report]), 'schedule.fired')).toMatchObject({ schedule: 'a stranger' })
  })

  test('that cannot be read are told of, left alone, and hold up none', async () => {
    const caller = await startCaller()
    await caller.schedule('a broken', MINUTELY, idle)
    await caller.schedule('b whole', MINUTELY, idle)
    await letTimePass('5 minutes')
    await db.sql(`update perdure.schedule set cron = 'of the future' where name = 'a broken'`)
    const warned: string[] = []
    const runtime = await start([idle], { warn: (message) => warned.push(message) })
    await eventually(() => isDue('b whole')).toBe(false)
    expect(warned[0]).toContain('schedule.failed')
    expect(await isDue('a broken')).toBe(true)
    expect(runtime.tree().find(({ name }) => name === 'scheduler')).toMatchObject({ restarts: 0 })
  })

  test('that cannot be read hide none, however many they are', async () => {
    const caller = await startCaller()
    await caller.schedule('a broken', MINUTELY, idle)
    await caller.schedule('b whole', MINUTELY, idle)
    await letTimePass('5 minutes')
    await db.sql(
      `insert into perdure.schedule (name, cron, time_zone, missed, machine, queue, priority, next_at)
       select 'a broken ' || n, 'of the future', time_zone, missed, machine, queue, priority, next_at
       from perdure.schedule, generate_series(1, 250) as n where name = 'a broken'`
    )
    await start([idle])
    await eventually(() => isDue('b whole')).toBe(false)
    expect(await isDue('a broken 250')).toBe(true)
  })
})

describe('arguments that cannot be used', () => {
  const bad: readonly [string, readonly unknown[], string][] = [
    ['a bad expression', ['s', 'each day', report, { input }], "cron 'each day'"],
    ['an expression with nothing to come', ['s', '0 0 30 2 *', report, { input }], "cron '0 0 30 2 *'"],
    ['a zone that nobody knows', ['s', MINUTELY, report, { input, timeZone: 'Mars/Base' }], "timeZone 'Mars/Base'"],
    ['a policy that nobody knows', ['s', MINUTELY, report, { input, missed: 'some' }], 'missed'],
    ['an option that nobody knows', ['s', MINUTELY, report, { input, key: 'k' }], "schedule: 'key'"],
    ['no name', ['', MINUTELY, report, { input }], 'the name of a schedule'],
    ['withTime beside such a field', ['s', MINUTELY, report, { input: { day: 1 }, withTime: 'day' }], 'input'],
    ['withTime beside an input of null', ['s', MINUTELY, report, { input: null, withTime: 'day' }], 'input'],
    ['withTime where the input is no object', ['s', MINUTELY, report, { input: 'x', withTime: 'day' }], 'input']
  ]
  test.each(bad)('%s is refused by name, and nothing is stored', async (_, call, argument) => {
    const runtime = await startCaller()
    const schedule = runtime.schedule as (...args: unknown[]) => Promise<void>
    const refused = schedule.apply(runtime, [...call])
    await expect(refused).rejects.toThrow(InvalidArgumentError)
    await expect(refused).rejects.toMatchObject({ argument })
    expect(await runtime.schedules.list()).toEqual([])
  })

  test('a machine that is not registered, and an input that is too large, are refused', async () => {
    const runtime = await start([idle], { queues: {}, bounds: { input: 10 } })
    await expect(runtime.schedule('s', MINUTELY, report as never, {} as never)).rejects.toThrow(
      MachineNotRegisteredError
    )
    const large = { input: 'x'.repeat(11) } as object
    await expect(runtime.schedule('s', MINUTELY, idle, large)).rejects.toThrow(TooLargeError)
  })
})

test('a node without schedules looks for them when it comes, and not again; an occurrence is two statements and a look', async () => {
  const { pool, statements } = watch()
  const runtime = await start([idle], { database: pool, poll: '1 hour', reaper: false, janitor: false })
  const looks = () => statements.filter((sent) => sent.endsWith('_schedules'))
  await eventually(looks).toEqual(['due_schedules', 'due_schedules'])
  await runtime.schedule('s', YEARLY, idle)
  await eventually(looks).toEqual(['due_schedules', 'due_schedules', 'list_schedules', 'due_schedules'])
  await runtime.schedules.pause('s')
  await makeDue('s')
  const before = looks().length
  await runtime.schedules.resume('s')
  await eventually(() => looks().slice(before)).toEqual(['due_schedules', 'fire_schedules', 'due_schedules'])
})

test('a node that serves no queue never looks for schedules', async () => {
  const { pool, statements } = watch()
  const runtime = await start([idle], { database: pool, queues: {} })
  await runtime.schedule('s', YEARLY, idle)
  expect(statements).not.toContain('due_schedules')
  expect(runtime.tree().map(({ name }) => name)).not.toContain('scheduler')
})

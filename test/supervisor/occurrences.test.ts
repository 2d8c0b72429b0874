/** Which actors come of a schedule, and when: cron, time zones, what was missed. */
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { readCron } from '../../src/cron.ts'
import type { Schedule } from '../../src/persistence/schedules.ts'
import { idOfOccurrence, MISSED_AFTER_MS, planStep } from '../../src/supervisor/occurrences.ts'

const NOON = Date.UTC(2026, 10, 22, 12)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const schedule = (fields: Partial<Schedule>): Schedule => ({
  name: 'nightly',
  cron: '* * * * *',
  timeZone: 'UTC',
  missed: 'all',
  machine: 'report',
  machineVersion: null,
  queue: 'default',
  priority: 0,
  partitionKey: null,
  input: null,
  timeField: null,
  revision: 'r',
  isPaused: false,
  nextAt: NOON,
  lastAt: null,
  ...fields
})

/** Minutes after noon of the occurrences that get an actor, and of the one that is next. */
function minutesOf(fields: Partial<Schedule>, now: number) {
  const { births, nextAt, lastAt } = planStep(schedule(fields), now)
  const minutes = births.map(({ at }) => (at - NOON) / MINUTE_MS)
  expect(lastAt).toBe(births.at(-1)?.at ?? null)
  return { minutes, next: nextAt === null ? null : (nextAt - NOON) / MINUTE_MS }
}

describe('an occurrence that is due', () => {
  test.each(['skip', 'once', 'all'] as const)('gets an actor at once, and the next is told (%s)', (missed) => {
    expect(minutesOf({ missed }, NOON)).toEqual({ minutes: [0], next: 1 })
    expect(minutesOf({ missed }, NOON + MISSED_AFTER_MS - 1)).toEqual({ minutes: [0], next: 1 })
  })

  test.each(['skip', 'once', 'all'] as const)('has each an actor where a look comes late by seconds (%s)', (missed) => {
    const step = planStep(schedule({ cron: '* * * * * *', missed }), NOON + 3_500)
    expect(step.births.map(({ at }) => at - NOON)).toEqual([0, 1_000, 2_000, 3_000])
    expect(step.nextAt).toBe(NOON + 4_000)
  })

  test('that is not due yet is left', () => {
    expect(minutesOf({}, NOON - 1)).toEqual({ minutes: [], next: 0 })
  })
})

describe('occurrences that were missed', () => {
  const later = NOON + 10 * MINUTE_MS + 5_000

  test('with `all` have an actor each, in order', () => {
    expect(minutesOf({ missed: 'all' }, later)).toEqual({ minutes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], next: 11 })
  })

  test('with `once` have one together, for the latest', () => {
    expect(minutesOf({ missed: 'once' }, later)).toEqual({ minutes: [10], next: 11 })
  })

  test('with `skip` have none; those that are due for less than a minute have theirs', () => {
    expect(minutesOf({ missed: 'skip' }, later)).toEqual({ minutes: [10], next: 11 })
    expect(minutesOf({ missed: 'skip', cron: '*/20 * * * *' }, later)).toEqual({ minutes: [], next: 20 })
  })

  test('with `all` come in bounded steps, none left out between them', () => {
    const now = NOON + 250 * MINUTE_MS
    let [nextAt, seen] = [NOON as number | null, 0]
    for (const size of [100, 100, 51]) {
      const step = planStep(schedule({ nextAt }), now)
      expect(step.births.map(({ at }) => at)).toEqual(step.births.map((_, n) => NOON + (seen + n) * MINUTE_MS))
      expect(step.births).toHaveLength(size)
      seen += step.births.length
      nextAt = step.nextAt
    }
    expect(nextAt).toBe(now + MINUTE_MS)
  })

  test.each(['skip', 'once'] as const)('for years, of every second, are dealt with in one step (%s)', (missed) => {
    const now = NOON + 10 * 365 * 24 * HOUR_MS
    const { births, nextAt } = planStep(schedule({ cron: '* * * * * *', missed }), now)
    expect(births.length).toBeLessThanOrEqual(MISSED_AFTER_MS / 1_000 + 1)
    expect(births.at(-1)?.at).toBe(now)
    expect(nextAt).toBe(now + 1_000)
  })
})

describe('an occurrence', () => {
  test('has an id of its own, the same for everybody', () => {
    const id = idOfOccurrence('nightly', NOON)
    expect(id).toBe(idOfOccurrence('nightly', NOON))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set([id, idOfOccurrence('nightly', NOON + 1_000), idOfOccurrence('nightl', NOON)]).size).toBe(3)
  })

  test('brings its time in the field of the input that is named, and the rest as it was given', () => {
    const [birth] = planStep(schedule({ input: '{"of":"sales"}', timeField: 'day' }), NOON).births
    expect(JSON.parse(birth?.input ?? '')).toEqual({
      of: 'sales',
      day: { $type: 'Date', value: '2026-11-22T12:00:00.000Z' }
    })
    expect(planStep(schedule({ input: '{"of":"sales"}' }), NOON).births[0]?.input).toBeNull()
  })
})

describe('a cron expression', () => {
  const after = (cron: string, zone: string, iso: string, count: number): string[] => {
    const plan = readCron(cron, zone)
    const times: string[] = []
    let at: number | null = Date.parse(iso)
    while (times.length < count && (at = plan.after(at)) !== null) times.push(new Date(at).toISOString())
    return times
  }

  test('is read in its time zone, through both changes of the clock', () => {
    expect(after('0 3 * * *', 'Europe/Vienna', '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T01:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
      '2026-10-26T02:00:00.000Z'
    ])
    expect(after('0 3 * * *', 'Europe/Vienna', '2027-03-27T00:00:00Z', 2)).toEqual([
      '2027-03-27T02:00:00.000Z',
      '2027-03-28T01:00:00.000Z'
    ])
  })

  test('of a time that does not exist one day comes right after the gap, and of one that exists twice once', () => {
    expect(after('30 2 * * *', 'Europe/Vienna', '2027-03-28T00:00:00Z', 2)).toEqual([
      '2027-03-28T01:00:00.000Z',
      '2027-03-29T00:30:00.000Z'
    ])
    expect(after('30 2 * * *', 'Europe/Vienna', '2026-10-25T00:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z'
    ])
  })

  test('of intervals goes on through the hour that comes twice', () => {
    expect(after('*/30 * * * *', 'Europe/Vienna', '2026-10-25T00:00:00Z', 4)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:00:00.000Z'
    ])
  })

  test('may have seconds, names of days and nicknames', () => {
    expect(after('*/20 * * * * *', 'UTC', '2026-11-22T12:00:00Z', 1)).toEqual(['2026-11-22T12:00:20.000Z'])
    expect(after('0 9 * * MON-FRI', 'UTC', '2026-11-20T12:00:00Z', 1)).toEqual(['2026-11-23T09:00:00.000Z'])
    expect(after('@hourly', 'UTC', '2026-11-22T12:00:00Z', 1)).toEqual(['2026-11-22T13:00:00.000Z'])
  })

  test('tells the last moment up to a time, which may be that time', () => {
    const plan = readCron('0 * * * *', 'UTC')
    expect(plan.upTo(NOON)).toBe(NOON)
    expect(plan.upTo(NOON - 1)).toBe(NOON - HOUR_MS)
    expect(plan.upTo(NOON + 999)).toBe(NOON)
  })

  test('with nothing to come says so', () => {
    expect(readCron('0 0 30 2 *', 'UTC').after(NOON)).toBeNull()
  })

  test.each(['', 'nonsense', '61 * * * *', '* * * *', '0 0 1 1 * * 2030', '@reboot', '2026-12-01T03:00:00', 5])(
    'cannot be %j',
    (cron) => {
      expect(() => readCron(cron as string, 'UTC')).toThrow(InvalidArgumentError)
      expect(() => readCron(cron as string, 'UTC')).toThrow(/^cron/)
    }
  )

  test.each(['', 'Europe/Wien-West', 'local', 7])('cannot be in the zone %j', (zone) => {
    expect(() => readCron('@daily', zone as string)).toThrow(/^timeZone.* is unknown/)
  })
})

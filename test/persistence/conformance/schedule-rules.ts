/** What a store keeps of schedules: C1 to C3 of src/persistence/schedules.ts, and what each operation answers. */
import { describe, expect, it } from 'vitest'
import type { Schedule, ScheduleDefinition, ScheduleMove } from '../../../src/persistence/schedules.ts'
import { HOUR_MS, LONG_AGO, uniqueId } from './world.ts'
import type { World } from './world.ts'

const FAR_AHEAD = Date.UTC(2100, 0, 1)

function newSchedule(fields: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  return {
    name: uniqueId(),
    cron: '0 3 * * *',
    timeZone: 'Europe/Vienna',
    missed: 'all',
    machine: uniqueId(),
    machineVersion: null,
    queue: uniqueId(),
    priority: 0,
    partitionKey: null,
    input: null,
    timeField: null,
    ...fields
  }
}

export function scheduleRules(world: World): void {
  const read = async (name: string): Promise<Schedule | undefined> =>
    (await world.store.schedules.list(name)).schedules[0]
  const saved = async (definition: ScheduleDefinition, nextAt: number | null = LONG_AGO): Promise<Schedule> => {
    const present = await read(definition.name)
    expect(await world.store.schedules.save(definition, nextAt, present?.revision ?? null)).toBe(true)
    return (await read(definition.name)) as Schedule
  }
  const move = ({ name, revision }: Schedule, at: number, fields: Partial<ScheduleMove> = {}): ScheduleMove => ({
    name,
    revision,
    nextAt: FAR_AHEAD,
    lastAt: at,
    births: [{ id: uniqueId(), at, input: null }],
    ...fields
  })
  const dueOf = async (definition: ScheduleDefinition): Promise<string[]> => {
    const machines = [{ name: definition.machine, version: definition.machineVersion }]
    return (await world.store.schedules.due(machines, 10)).due.map(({ name }) => name)
  }

  describe('a schedule', () => {
    it('is kept as it was given, to the letter', async () => {
      const definition = newSchedule({
        name: `täglich '${uniqueId()}'`,
        machineVersion: '2',
        missed: 'skip',
        priority: -5,
        partitionKey: 'p',
        input: '{"b":1,"a":"\\u0000"}',
        timeField: 'at'
      })
      const schedule = await saved(definition, FAR_AHEAD)
      expect(schedule).toEqual({
        ...definition,
        isPaused: false,
        nextAt: FAR_AHEAD,
        lastAt: null,
        revision: schedule.revision
      })
    })

    it('is listed with the others, by name, and with the time', async () => {
      const names = [uniqueId(), uniqueId()].toSorted()
      for (const name of names.toReversed()) await saved(newSchedule({ name }))
      const { now, schedules } = await world.store.schedules.list(null)
      expect(now).toBeGreaterThan(LONG_AGO)
      expect(schedules.map(({ name }) => name).filter((name) => names.includes(name))).toEqual(names)
      expect((await world.store.schedules.list(uniqueId())).schedules).toEqual([])
    })

    it('is created once, and changed only by who has seen what it is', async () => {
      const definition = newSchedule()
      const { schedules } = world.store
      const first = await saved(definition)
      expect(await schedules.save(definition, LONG_AGO, null)).toBe(false)
      expect(await schedules.save({ ...definition, cron: '1 1 * * *' }, FAR_AHEAD, first.revision)).toBe(true)
      expect(await schedules.save({ ...definition, cron: '2 2 * * *' }, LONG_AGO, first.revision)).toBe(false)
      expect(await read(definition.name)).toMatchObject({ cron: '1 1 * * *', nextAt: FAR_AHEAD })
    })

    it('is not changed by who saw one that was removed, though it came again', async () => {
      const definition = newSchedule()
      const first = await saved(definition)
      await world.store.schedules.remove(definition.name)
      expect(await world.store.schedules.save(definition, LONG_AGO, first.revision)).toBe(false)
      const second = await saved(definition)
      expect(await world.store.schedules.fire([move(first, LONG_AGO)])).toEqual([])
      expect(second.revision).not.toBe(first.revision)
    })

    it('of those that create it at once one does', async () => {
      const definition = newSchedule()
      const storeOf = await world.dealStores()
      const made = await Promise.all(
        Array.from({ length: 6 }, (_, n) => storeOf(n).schedules.save(definition, LONG_AGO, null))
      )
      expect(made.filter(Boolean)).toHaveLength(1)
    })
  })

  describe('due', () => {
    it('tells the longest due first, up to a limit', async () => {
      const machine = uniqueId()
      const late = await saved(newSchedule({ machine }), LONG_AGO + 2_000)
      const later = await saved(newSchedule({ machine }), LONG_AGO + 3_000)
      const latest = await saved(newSchedule({ machine }), LONG_AGO + 1_000)
      const machines = [{ name: machine, version: null }]
      expect((await world.store.schedules.due(machines, 10)).due).toEqual([latest, late, later])
      expect((await world.store.schedules.due(machines, 2)).due).toEqual([latest, late])
    })

    it('goes on after one of them, also among those that are due since the same time', async () => {
      const machine = uniqueId()
      const machines = [{ name: machine, version: null }]
      await saved(newSchedule({ machine }), LONG_AGO + 1_001)
      for (let n = 0; n < 3; n++) await saved(newSchedule({ machine }), LONG_AGO + 1_000)
      const { due: all } = await world.store.schedules.due(machines, 10)
      const { due: first } = await world.store.schedules.due(machines, 2)
      const { due: rest } = await world.store.schedules.due(machines, 2, first.at(-1))
      expect([...first, ...rest]).toEqual(all)
      expect(all).toHaveLength(4)
      expect(await world.store.schedules.due(machines, 2, rest.at(-1))).toMatchObject({ due: [], nextInMs: null })
    })

    it('tells how long it is until the next of those that are not', async () => {
      const machine = uniqueId()
      const machines = [{ name: machine, version: null }]
      expect(await world.store.schedules.due(machines, 10)).toMatchObject({ due: [], nextInMs: null })
      await saved(newSchedule({ machine }), FAR_AHEAD + HOUR_MS)
      await saved(newSchedule({ machine }), FAR_AHEAD)
      await saved(newSchedule({ machine }), LONG_AGO)
      const { now, due, nextInMs } = await world.store.schedules.due(machines, 10)
      expect(due).toHaveLength(1)
      expect(Math.abs(now + Number(nextInMs) - FAR_AHEAD)).toBeLessThan(1)
    })

    it('leaves out those of other machines and versions, those that are paused, and those with nothing to come', async () => {
      const definition = newSchedule({ machineVersion: '2' })
      const { machine } = definition
      await saved(newSchedule({ machine, machineVersion: '1' }))
      await saved(newSchedule({ machine }))
      await saved(newSchedule({ machine, machineVersion: '2' }), null)
      const paused = await saved(newSchedule({ machine, machineVersion: '2' }))
      await world.store.schedules.setPaused(paused.name, true)
      await saved(definition)
      expect(await dueOf(definition)).toEqual([definition.name])
    })
  })

  describe('fire', () => {
    it('moves a schedule on, and has actors come of it as it says', async () => {
      const definition = newSchedule({ machineVersion: '3', priority: 7, partitionKey: uniqueId(), input: '{"of":1}' })
      const schedule = await saved(definition)
      const births = [
        { id: uniqueId(), at: LONG_AGO, input: null },
        { id: uniqueId(), at: LONG_AGO + 1_000, input: '{"of":2}' }
      ]
      const moves = [move(schedule, LONG_AGO + 1_000, { births })]
      expect(await world.store.schedules.fire(moves)).toEqual([
        { name: definition.name, born: births.map(({ id }) => id) }
      ])
      expect(await read(definition.name)).toMatchObject({ nextAt: FAR_AHEAD, lastAt: LONG_AGO + 1_000 })
      const { machine, machineVersion, queue, priority, partitionKey } = definition
      const actor = { machine, machineVersion, queue, priority, partitionKey, status: 'ready', owner: null, key: null }
      expect(await world.row(births[0]!.id)).toMatchObject({ ...actor, input: '{"of":1}', wakeAt: LONG_AGO })
      expect(await world.row(births[1]!.id)).toMatchObject({ ...actor, input: '{"of":2}', wakeAt: LONG_AGO + 1_000 })
    })

    it('takes effect once, whoever brings the same step', async () => {
      const schedule = await saved(newSchedule())
      const storeOf = await world.dealStores()
      const same = move(schedule, LONG_AGO)
      const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => storeOf(n).schedules.fire([same])))
      const fired = answers.flat()
      expect(fired).toEqual([{ name: schedule.name, born: [same.births[0]!.id] }])
    })

    it('may bring no actor, and then leaves when the last one came', async () => {
      const schedule = await saved(newSchedule())
      await world.store.schedules.fire([move(schedule, LONG_AGO, { nextAt: LONG_AGO + 1_000 })])
      const skipped = move((await read(schedule.name)) as Schedule, 0, { lastAt: null, births: [] })
      expect(await world.store.schedules.fire([skipped])).toEqual([{ name: schedule.name, born: [] }])
      expect(await read(schedule.name)).toMatchObject({ lastAt: LONG_AGO, nextAt: FAR_AHEAD })
    })

    it('of many schedules moves those that stand where they were seen', async () => {
      const [first, changed, last] = [
        await saved(newSchedule()),
        await saved(newSchedule()),
        await saved(newSchedule())
      ]
      await saved({ ...newSchedule(), name: changed.name })
      const moves = [first, changed, last].map((schedule) => move(schedule, LONG_AGO))
      const fired = await world.store.schedules.fire(moves)
      expect(fired.map(({ name }) => name).toSorted()).toEqual([first.name, last.name].toSorted())
      expect(await world.store.read([moves[1]!.births[0]!.id])).toEqual([null])
      expect(await world.store.schedules.fire([])).toEqual([])
    })

    it('does not bear an actor whose id exists', async () => {
      const schedule = await saved(newSchedule())
      const { id } = await world.insert()
      const births = [{ id, at: LONG_AGO, input: null }]
      expect(await world.store.schedules.fire([move(schedule, LONG_AGO, { births })])).toEqual([
        { name: schedule.name, born: [] }
      ])
      expect(await world.row(id)).toMatchObject({ machine: 'order' })
    })
  })

  describe('a schedule that is paused', () => {
    it('is not fired any more, by those that saw it due either', async () => {
      const schedule = await saved(newSchedule())
      expect(await world.store.schedules.setPaused(schedule.name, true)).toBe(true)
      expect(await world.store.schedules.fire([move(schedule, LONG_AGO)])).toEqual([])
      expect(await read(schedule.name)).toMatchObject({ isPaused: true, nextAt: LONG_AGO, lastAt: null })
    })

    it('stays paused when it is changed, and goes on where it was', async () => {
      const definition = newSchedule()
      await saved(definition)
      await world.store.schedules.setPaused(definition.name, true)
      expect(await saved({ ...definition, input: '1' })).toMatchObject({ isPaused: true })
      expect(await dueOf(definition)).toEqual([])
      await world.store.schedules.setPaused(definition.name, false)
      expect(await dueOf(definition)).toEqual([definition.name])
    })
  })

  it('a schedule that is removed is gone, and nothing comes of it', async () => {
    const schedule = await saved(newSchedule())
    expect(await world.store.schedules.remove(schedule.name)).toBe(true)
    expect(await world.store.schedules.fire([move(schedule, LONG_AGO)])).toEqual([])
    expect(await read(schedule.name)).toBeUndefined()
    expect(await world.store.schedules.remove(schedule.name)).toBe(false)
    expect(await world.store.schedules.setPaused(schedule.name, true)).toBe(false)
  })
}

/** What a caller gets wrong is said by its name, before anything is stored. */
import { createMachine } from 'xstate'
import { describe, expect, test } from 'vitest'
import { createRuntime, InvalidArgumentError, RuntimeNotRunningError } from 'perdure'
import { openStage } from './stage.ts'

const { db, start } = await openStage()
const idle = createMachine({ id: 'idle' })

describe('a misspelt option is refused by its name', () => {
  test('of createRuntime', () => {
    const misspelt = { database: db.url, machines: [idle], passivateafter: 0 }
    expect(() => createRuntime(misspelt)).toThrow(/passivateafter.*Known: .*passivateAfter/)
  })

  test('of a machine', () => {
    const misspelt = { machine: idle, retires: true } as { machine: typeof idle }
    expect(() => createRuntime({ database: db.url, machines: [misspelt] })).toThrow(InvalidArgumentError)
  })

  test('of spawn and send, and nothing comes about', async () => {
    const runtime = await start([idle])
    await expect(runtime.spawn(idle, { keys: 'x' } as object)).rejects.toThrow(/'keys'/)
    const ref = await runtime.spawn(idle)
    await expect(ref.send({ type: 'ANY' }, { dedupkey: 'x' } as object)).rejects.toThrow(/Known: dedupKey/)
    expect(await db.sql('select count(*)::integer as count from perdure.actor')).toEqual([{ count: 1 }])
    expect(await db.sql('select count(*)::integer as count from perdure.signal')).toEqual([{ count: 0 }])
  })
})

test('a database that is undefined is refused at once', () => {
  expect(() => createRuntime({ database: undefined, machines: [idle] })).toThrow(/database is undefined/)
})

test('a runtime that only migrates leaves no connection behind', async () => {
  const runtime = createRuntime({ database: db.url, machines: [idle] })
  await Promise.all([runtime.migrate(), runtime.migrate()])
  const others = `select 1 from pg_stat_activity where datname = current_database() and application_name = 'perdure'`
  await expect.poll(() => db.sql(others)).toEqual([])
})

test('a runtime that has stopped says that another is to be created', async () => {
  const runtime = await start([idle])
  await expect(runtime.start()).rejects.toThrow(/while the runtime is running\. A runtime starts once/)
  await runtime.stop()
  for (const call of [() => runtime.start(), () => runtime.migrate(), () => runtime.spawn(idle)]) {
    await expect(call()).rejects.toThrow(RuntimeNotRunningError)
    await expect(call()).rejects.toThrow(/create another/)
  }
})

/** What the compiler knows of a schedule: everything that it knows of its machine. */
import { setup } from 'xstate'
import { expectTypeOf, test } from 'vitest'
import { createRuntime, type ScheduleInfo } from 'perdure'

const report = setup({ types: { input: {} as { of: string; day: Date } } }).createMachine({ id: 'report' })
const sweep = setup({ types: { input: {} as { at: Date } } }).createMachine({ id: 'sweep' })
const lamp = setup({}).createMachine({ id: 'lamp' })
const stranger = setup({}).createMachine({ id: 'stranger', initial: 'a', states: { a: {} } })

const runtime = createRuntime({ database: 'postgres://localhost', machines: [report, sweep, lamp] })
const day = new Date(0)

test('schedule wants input where the machine does, and only then', () => {
  expectTypeOf(runtime.schedule('s', '@daily', lamp)).toEqualTypeOf<Promise<void>>()
  void runtime.schedule('s', '@daily', lamp, { timeZone: 'Europe/Vienna', missed: 'all', queue: 'q', priority: 1 })
  void runtime.schedule('s', '@daily', report, { input: { of: 'sales', day } })
  // @ts-expect-error no input at all
  void runtime.schedule('s', '@daily', report)
  // @ts-expect-error no input among the options
  void runtime.schedule('s', '@daily', report, { missed: 'all' })
  // @ts-expect-error input of another type
  void runtime.schedule('s', '@daily', report, { input: { of: 5, day } })
})

test('schedule with withTime wants the input without the field that it fills', () => {
  void runtime.schedule('s', '@daily', report, { withTime: 'day', input: { of: 'sales' } })
  void runtime.schedule('s', '@daily', sweep, { withTime: 'at' })
  // @ts-expect-error the rest of the input is missing
  void runtime.schedule('s', '@daily', report, { withTime: 'day' })
  // @ts-expect-error the field holds no Date
  void runtime.schedule('s', '@daily', report, { withTime: 'of', input: { day } })
  // @ts-expect-error no field of the input
  void runtime.schedule('s', '@daily', sweep, { withTime: 'day' })
})

test('schedule refuses machines that are not registered, and options that do not exist', () => {
  // @ts-expect-error not among the machines of this runtime
  void runtime.schedule('s', '@daily', stranger)
  // @ts-expect-error a misspelt option
  void runtime.schedule('s', '@daily', lamp, { timezone: 'UTC' })
  // @ts-expect-error not a policy
  void runtime.schedule('s', '@daily', lamp, { missed: 'some' })
})

test('schedules tell of themselves', () => {
  expectTypeOf(runtime.schedules.list()).resolves.toEqualTypeOf<readonly ScheduleInfo[]>()
})

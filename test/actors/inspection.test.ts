/** What inspectors hear is what they hear of plain XState: the same events, in the same order. */
import { createMachine } from 'xstate'
import { beforeEach, expect, test, vi } from 'vitest'
import { inspected } from './inspection-machines.ts'
import { inspectDurably, inspectPlainly, withoutReturns } from './inspection-trace.ts'
import { stage } from './tree-stage.ts'

// XState warns of events for actors that have stopped.
beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue())

test.each(inspected)('of %s, an inspector hears what it hears of plain XState', async (_, machine, steps) => {
  expect(await inspectDurably(machine, steps)).toEqual(await inspectPlainly(machine, steps))
})

test.each(inspected)('so it does of %s where the actor sleeps between the events', async (_, machine, steps) => {
  const told = await inspectDurably(machine, steps, true)
  expect(withoutReturns(told)).toEqual(withoutReturns(await inspectPlainly(machine, steps)))
})

test('these machines bring about every kind of inspection event, from every kind of source', async () => {
  const plain = await Promise.all(inspected.map(([, machine, steps]) => inspectPlainly(machine, steps)))
  const told = plain.flat() as readonly (readonly string[])[]
  const kinds = ['@xstate.actor', '@xstate.event', '@xstate.action', '@xstate.snapshot', '@xstate.microstep']
  expect(new Set(told.map(([type]) => type))).toEqual(new Set(kinds))
  const sources = new Set(told.filter(([type]) => type === '@xstate.event').map((event) => event[3]))
  expect([...sources]).toEqual(expect.arrayContaining(['nobody', 'child', 'good', 'talker'].map((id) => `from ${id}`)))
})

test('where nobody inspects a turn collects nothing for inspectors', () => {
  const machine = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { PRESS: 'on' } }, on: {} } })
  const { effects } = stage(machine).send({ type: 'PRESS' })
  expect(effects.map(({ kind }) => kind)).toEqual(['observe'])
})

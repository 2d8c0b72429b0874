/** The harness itself can fail: machines that really differ are found, wherever the difference lies. */
import { assign, createMachine, fromPromise, log, setup } from 'xstate'
import { expect, test } from 'vitest'
import type { Case, Step } from './case.ts'
import { compareAll, type Comparison } from './compare.ts'
import { steeredDatabase } from './stage.ts'
import { judge } from './verdict.ts'

const database = await steeredDatabase()

const send = (type: string): Step => ({ send: { type } })

async function compare(given: Pick<Case, 'makeMachine' | 'steps'> & Partial<Case>): Promise<Comparison> {
  const [comparison] = await compareAll(database, [{ group: 'harness', name: 'case', ...given }])
  return comparison as Comparison
}

const counter = () =>
  createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
  })

test('a machine without a difference is equal at every step, and came back from its row for each event', async () => {
  const comparison = await compare({ makeMachine: counter, steps: [send('UP'), send('UP'), send('UP')] })
  expect(comparison).toMatchObject({ difference: undefined, steps: 4, hydratedSteps: 3 })
})

test('a closure that remembers an object of the context sees that it was passivated', async () => {
  const { difference } = await compare({
    makeMachine: (note) => {
      const known = new Set<unknown>()
      const look = ({ context }: { context: { list: unknown } }) => {
        note(known.has(context.list) ? 'known' : 'new')
        known.add(context.list)
      }
      return createMachine({ id: 'remembers', context: { list: [1] }, on: { LOOK: { actions: look as never } } })
    },
    steps: [send('LOOK'), send('LOOK')]
  })
  expect(difference).toEqual({ step: 2, path: 'heard[0][1]', plain: 'known', durable: 'new' })
})

test('two runs that do not take the same transition differ in their state', async () => {
  let made = 0
  const makeMachine = () => {
    const target = ++made % 2 === 0 ? 'b' : 'c'
    return createMachine({ id: 'fickle', initial: 'a', states: { a: { on: { GO: target } }, b: {}, c: {} } })
  }
  const { difference } = await compare({ makeMachine, steps: [send('GO')] })
  expect(difference).toMatchObject({ step: 1, path: 'heard[0][1].value' })
})

test('a timer that fires at another moment is seen at the step in which it did', async () => {
  let delay = 5
  const makeMachine = () =>
    createMachine({ id: 'late', initial: 'a', states: { a: { after: { [(delay += 5)]: 'b' } }, b: {} } })
  const { difference } = await compare({ makeMachine, steps: [{ advanceMs: 12 }, { advanceMs: 12 }] })
  expect(difference).toMatchObject({ step: 1, path: 'heard[0]' })
})

test('time that other cases need passes for all, and each sees its own timers at their moments', async () => {
  const waits = (delay: number, ...steps: readonly Step[]): Case => ({
    group: 'harness',
    name: `waits ${delay}`,
    makeMachine: (note) =>
      createMachine({
        id: 'waits',
        initial: 'a',
        states: { a: { after: { [delay]: 'b' } }, b: { entry: () => note('rang'), after: { [delay]: 'a' } } }
      }),
    steps
  })
  const comparisons = await compareAll(database, [
    waits(7, { advanceMs: 50 }, send('X'), { advanceMs: 3 }),
    waits(1_000, send('X'), { advanceMs: 999 }, { advanceMs: 1 }),
    waits(86_400_000, { advanceMs: 400_000_000 })
  ])
  expect(comparisons.map(({ difference }) => difference)).toEqual([undefined, undefined, undefined])
})

test('what two cases log is heard for each by itself', async () => {
  const logs = (word: string): Case => ({
    group: 'harness',
    name: word,
    makeMachine: () => createMachine({ id: 'logs', on: { SAY: { actions: log(word) } } }),
    steps: [send('SAY')]
  })
  const comparisons = await compareAll(database, [logs('one'), logs('two')])
  expect(comparisons.map(({ plain }) => plain[1]?.heard[0])).toEqual(['["log",["one"]]', '["log",["two"]]'])
  expect(comparisons.map(({ difference }) => difference)).toEqual([undefined, undefined])
})

test('an actor whose work runs stays awake, and its steps are not counted as hydrated', async () => {
  const makeMachine = () =>
    setup({ actors: { endless: fromPromise(() => new Promise(() => undefined)) } }).createMachine({
      id: 'works',
      initial: 'on',
      states: { on: { invoke: { src: 'endless', id: 'endless' }, on: { OFF: 'off' } }, off: { on: { ON: 'on' } } }
    })
  const comparison = await compare({ makeMachine, steps: [send('UNKNOWN'), send('OFF'), send('ON')] })
  expect(comparison).toMatchObject({ difference: undefined, steps: 4, hydratedSteps: 1 })
})

test('a machine that registration refuses is a difference, and harms no other case', async () => {
  const refused = { group: 'harness', name: 'no id', makeMachine: () => createMachine({}), steps: [] }
  const fine = { group: 'harness', name: 'fine', makeMachine: counter, steps: [send('UP')] }
  const [first, second] = await compareAll(database, [refused, fine])
  expect(first?.difference?.path).toBe('registration')
  expect(second?.difference).toBeUndefined()
})

test('a documented difference is none only under the name that the documentation has for it', async () => {
  const makeMachine = () =>
    setup({
      actions: {
        fail: () => {
          throw new Error('no')
        }
      }
    }).createMachine({
      id: 'throws',
      initial: 'a',
      states: { a: { on: { GO: { target: 'b', actions: 'fail' } } }, b: {} }
    })
  const comparison = await compare({ makeMachine, steps: [send('GO')] })
  const judgeAs = (differsBy: string) => judge({ ...comparison, case: { ...comparison.case, differsBy } }).kind
  expect(judge(comparison).kind).toBe('different')
  expect(judgeAs('An action that throws')).toBe('documented')
  expect(judgeAs('An action that throws up')).toBe('different')
})

test('a case that claims a difference and has none fails', async () => {
  const comparison = await compare({ makeMachine: counter, steps: [send('UP')], differsBy: 'An action that throws' })
  expect(judge(comparison).kind).toBe('different')
})

import {
  and,
  assign,
  createMachine,
  enqueueActions,
  fromCallback,
  fromPromise,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn
} from 'xstate'
import { describe, expect, test } from 'vitest'
import { type Finding, MachineNotDurableError } from '../../src/errors.ts'
import { compile } from '../../src/actors/transition.ts'

const work = fromPromise(async () => 1)
const handWritten = {
  transition: (state: object) => state,
  start: () => {},
  getInitialSnapshot: () => ({ status: 'active' }),
  getPersistedSnapshot: (state: object) => state
}

/** What is wrong with a machine of this config, as XState lets it be written without types. */
function findingsOf(config: object, implementations: object = {}): readonly Finding[] {
  const machine = createMachine({ id: 'm', ...config } as never, implementations as never)
  try {
    return compile(machine).warnings
  } catch (error) {
    if (error instanceof MachineNotDurableError) return error.findings
    throw error
  }
}
const brief = ({ level, place, problem }: Finding): string => `${level} ${place}: ${problem}`

describe('errors', () => {
  test.each<[string, object, object, string]>([
    ['no id', { id: undefined }, {}, 'machine: it has no id'],
    ['two states with one id', { initial: 'a', states: { a: { id: 'x' }, b: { id: 'x' } } }, {}, '#x: two states'],
    ['a context with a function', { context: { list: [{ fn() {} }] } }, {}, 'context.list[0].fn: it cannot be stored'],
    [
      'an actor that is not there',
      { invoke: { src: 'nobody' } },
      {},
      "#m invoke[0]: actor 'nobody' is not implemented"
    ],
    [
      'inline logic',
      { invoke: [{ src: 'work' }, { src: work }] },
      { actors: { work } },
      '#m invoke[1]: its src is inline'
    ],
    ['spawning inline logic', { entry: spawnChild(work, { id: 'w' }) }, {}, '#m entry[0]: it spawns inline logic'],
    [
      'spawning without an id',
      { entry: spawnChild('work') },
      { actors: { work } },
      '#m entry[0]: it spawns without an id'
    ],
    ['spawning what is not there', { exit: spawnChild('nobody', { id: 'x' }) }, {}, "#m exit[0]: actor 'nobody'"],
    ['a start of its own', {}, { actors: { mine: handWritten } }, 'actors.mine: it is hand-written logic'],
    ['a guard that is not there', { on: { GO: { guard: 'ok' } } }, {}, "#m on GO: guard 'ok' is not implemented"],
    [
      'a guard within a guard',
      { always: { guard: and(['a', 'b']) } },
      { guards: { a: () => true } },
      "#m always: guard 'b'"
    ],
    ['a guard within a named guard', {}, { guards: { a: and(['b']) } }, "guards.a: guard 'b'"],
    ['a delay that is not there', { after: { soon: {} } }, {}, "#m after: delay 'soon' is not implemented"],
    [
      'a delay of a raise',
      { entry: raise({ type: 'X' }, { delay: 'soon' as never }) },
      {},
      "#m entry[0]: delay 'soon'"
    ],
    [
      'a delay of a named action',
      {},
      { actions: { later: sendTo('a', { type: 'X' }, { delay: 'soon' as never }) } },
      "actions.later: delay 'soon'"
    ]
  ])('%s', (_, config, implementations, expected) => {
    const findings = findingsOf(config, implementations)
    expect(findings.map(brief)).toEqual([expect.stringContaining(`error ${expected}`)])
    expect(findings[0]?.remedy).not.toBe('')
  })

  test('one invoke id in two regions that are active together', () => {
    const region = { initial: 'on', states: { on: { invoke: { src: 'work', id: 'same' } } } }
    const findings = findingsOf({ type: 'parallel', states: { a: region, b: region } }, { actors: { work } })
    expect(findings.map(brief)).toEqual([expect.stringContaining("error #m.a.on and #m.b.on: both invoke id 'same'")])
    const either = {
      initial: 'a',
      states: { a: { invoke: { src: 'work', id: 'same' } }, b: { invoke: { src: 'work', id: 'same' } } }
    }
    expect(findingsOf(either, { actors: { work } })).toEqual([])
  })

  test('are found in the machines of actors too, once each, and told all at once', () => {
    const child = createMachine({ id: 'child', on: { GO: { guard: 'ok' } } } as never)
    const config = { entry: spawnChild(child), on: { X: { guard: 'no' } } }
    const findings = findingsOf(config, { actors: { child, again: child } })
    expect(findings.map(({ place }) => place)).toEqual([
      '#m on X',
      '#m entry[0]',
      '#m entry[0]',
      'actors.child > #child on GO'
    ])
  })
})

describe('warnings', () => {
  test.each<[string, object, object, string]>([
    ['an action that is not there', { entry: 'note' }, {}, "#m entry[0]: action 'note' is not implemented"],
    [
      'a callback',
      {},
      { actors: { listen: fromCallback(() => {}) } },
      'actors.listen: a running callback is started again'
    ],
    ['a child machine without id', {}, { actors: { kid: createMachine({}) } }, 'actors.kid > machine: it has no id'],
    [
      'inline logic spawned in a closure',
      { entry: assign({ x: ({ spawn }) => spawn(work) }) },
      {},
      '#m entry[0]: it seems to spawn'
    ],
    [
      'a closure enqueued',
      { entry: enqueueActions(({ enqueue }) => enqueue(() => {})) },
      {},
      '#m entry[0]: it enqueues a function'
    ]
  ])('%s', (_, config, implementations, expected) => {
    expect(findingsOf(config, implementations).map(brief)).toEqual([expect.stringContaining(`warning ${expected}`)])
  })
})

test('a sound machine gives no finding', () => {
  const machine = setup({
    actors: { work },
    actions: { note: () => {} },
    guards: { ok: () => true },
    delays: { soon: 10 }
  }).createMachine({
    id: 'sound',
    context: { at: new Date(0), tags: new Set(['a']) },
    initial: 'a',
    states: {
      a: {
        invoke: { src: 'work', id: 'w', onDone: { guard: 'ok', target: 'b', actions: 'note' } },
        after: { soon: 'b', 50: { actions: { type: 'note' } } }
      },
      b: { always: { guard: stateIn('a'), target: 'a' }, entry: [raise({ type: 'X' }, { delay: 'soon' })] }
    }
  })
  expect(compile(machine).warnings).toEqual([])
})

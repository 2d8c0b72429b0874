import fc from 'fast-check'
import { type AnyStateMachine, createActor, createMachine } from 'xstate'
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/actors/transition.ts'
import { stage } from './tree-stage.ts'
import { isSince } from './xstate-release.ts'

describe('what a state takes', () => {
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    on: { ROOT: { actions: () => {} }, SHIELDED: { actions: () => {} }, OPEN: { actions: () => {} } },
    states: {
      a: {
        on: {
          GUARDED: { guard: () => false, target: 'b' },
          'pay.*': 'b',
          IGNORED: {},
          SHIELDED: {},
          OPEN: { guard: () => false, actions: () => {} }
        }
      },
      b: { on: { LATER: 'a' } }
    }
  })
  const { tree } = stage(machine)

  test.each([
    ['an event of the state', 'pay.late.again', 'take'],
    ['a prefix by itself', 'pay', 'take'],
    ['an event of an ancestor', 'ROOT', 'take'],
    ['a guarded event, whatever its guard says', 'GUARDED', 'take'],
    ['an event that a guarded transition may leave to an ancestor', 'OPEN', 'take'],
    ['an event of another state', 'LATER', 'defer'],
    ['an event of no state', 'payment', 'defer'],
    ['an event that is forbidden', 'IGNORED', 'discard'],
    ['an event that is forbidden here and taken above', 'SHIELDED', 'discard']
  ])('%s', (_, type, reception) => {
    expect(tree.takes(type)).toBe(reception)
  })

  test('nothing, before the start and after the end', () => {
    const ended = stage(machine).run({ kind: 'stop' })
    expect(ended.tree.takes('ROOT')).toBe('defer')
  })
})

// Before 5.32.2, XState asks no wildcard of a state that names the event: what it takes and what it ignores is mixed up.
const told = (reception: string): string => (isSince('5.32.2') || reception === 'defer' ? reception : 'not deferred')

// Whatever the machine: the answer by type is that of XState for all that its guards might say.
test('agrees with what XState chooses under every outcome of the guards', () => {
  const descriptor = fc.constantFrom('a', 'a.b', 'a.*', 'a.b.*', '*', 'a.*.b')
  const transition = fc.record({ isGuarded: fc.boolean(), isForbidden: fc.boolean() })
  const on = fc.dictionary(descriptor, fc.array(transition, { minLength: 1, maxLength: 2 }), { maxKeys: 3 })
  const leaf = on.map((own) => ({ on: own, states: [] as unknown[], isParallel: false }))
  const inner = fc.record({ on, states: fc.array(leaf, { minLength: 2, maxLength: 2 }), isParallel: fc.boolean() })
  const root = fc.record({
    on,
    states: fc.array(fc.oneof(leaf, inner), { minLength: 2, maxLength: 2 }),
    isParallel: fc.boolean()
  })
  fc.assert(
    fc.property(root, fc.constantFrom('a', 'a.b', 'a.b.c', 'a.c', 'b'), (shape, type) => {
      const guards: boolean[] = []
      const machine = createMachine({ id: 'm', ...configOf(shape as Shape, guards) }) as AnyStateMachine
      fc.pre(guards.length <= 7)
      expect(told(stage(machine).tree.takes(type))).toBe(told(receptionByTrial(machine, guards, type)))
    }),
    { numRuns: 300 }
  )
  expect.hasAssertions()
})

interface Shape {
  readonly on: Record<string, readonly { readonly isGuarded: boolean; readonly isForbidden: boolean }[]>
  readonly states: readonly Shape[]
  readonly isParallel: boolean
}

/** Every guard has a place in `guards`, where it reads what it is to say. */
function configOf({ on, states, isParallel }: Shape, guards: boolean[]): object {
  const transitionOf = ({ isGuarded, isForbidden }: { isGuarded: boolean; isForbidden: boolean }): object => {
    const place = isGuarded ? guards.push(false) - 1 : undefined
    return {
      ...(!isForbidden && { actions: () => {} }),
      ...(place !== undefined && { guard: () => guards[place] === true })
    }
  }
  return {
    on: Object.fromEntries(Object.entries(on).map(([descriptor, list]) => [descriptor, list.map(transitionOf)])),
    ...(states.length > 0 && {
      ...(isParallel ? { type: 'parallel' } : { initial: 's0' }),
      states: Object.fromEntries(states.map((state, index) => [`s${index}`, configOf(state, guards)]))
    })
  }
}

function receptionByTrial(machine: AnyStateMachine, guards: boolean[], type: string): string {
  const snapshot = createActor(machine).getSnapshot()
  let hasMatch = false
  for (let trial = 0; trial < 2 ** guards.length; trial++) {
    for (let place = 0; place < guards.length; place++) guards[place] = (trial & (1 << place)) !== 0
    for (const { actions } of machine.getTransitionData(snapshot, { type })) {
      if (actions.length > 0) return 'take'
      hasMatch = true
    }
  }
  return hasMatch ? 'discard' : 'defer'
}

test('a machine is compiled without being changed', () => {
  const machine = createMachine({ id: 'm', initial: 'a', states: { a: {} } })
  const before = JSON.stringify(machine)
  expect(compile(machine).machine).toBe(machine)
  expect(JSON.stringify(machine)).toBe(before)
})

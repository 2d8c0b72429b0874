/** Machines that nobody wrote: plain XState, and a tree that is stored and brought back between any two events. */
import fc from 'fast-check'
import { type AnyStateMachine, assign, createMachine, emit, raise } from 'xstate'
import { expect, test } from 'vitest'
import { type Scenario, traceOfTree, traceOfXState } from './equivalence-trace.ts'

const EVENTS = ['A', 'B', 'C'] as const

interface Transition {
  readonly on: (typeof EVENTS)[number] | 'after' | 'always'
  readonly target: number | null
  readonly isGuarded: boolean
  readonly action: 'note' | 'count' | 'raise' | 'delay' | 'emit' | 'none'
  readonly reenter: boolean
}

interface Shape {
  readonly kind: 'compound' | 'parallel' | 'final'
  readonly history: 'none' | 'shallow' | 'deep'
  readonly transitions: readonly Transition[]
  readonly states: readonly Shape[]
}

const transition: fc.Arbitrary<Transition> = fc.record({
  on: fc.constantFrom(...EVENTS, ...EVENTS, 'after' as const, 'always' as const),
  target: fc.option(fc.nat(11), { freq: 4 }),
  isGuarded: fc.boolean(),
  action: fc.constantFrom('note', 'count', 'count', 'raise', 'delay', 'emit', 'none'),
  reenter: fc.boolean()
})
const transitions = fc.array(transition, { maxLength: 4 })
const history = fc.constantFrom('none' as const, 'shallow' as const, 'deep' as const)
const leaf: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constantFrom('compound' as const, 'compound' as const, 'compound' as const, 'final' as const),
  history: fc.constant('none' as const),
  transitions,
  states: fc.constant([])
})
const inner = (states: fc.Arbitrary<Shape>): fc.Arbitrary<Shape> =>
  fc.record({
    kind: fc.constantFrom('compound' as const, 'parallel' as const),
    history,
    transitions,
    states: fc.array(states, { minLength: 2, maxLength: 3 })
  })
const root = inner(fc.oneof(leaf, inner(fc.oneof(leaf, inner(leaf)))))

test('random machines: no difference from plain XState', () => {
  const step = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...EVENTS) }, fc.constantFrom(5, 12))
  fc.assert(
    fc.property(root, fc.array(step, { minLength: 1, maxLength: 12 }), (shape, steps) => {
      const scenario = {
        machine: (trace: (what: string) => void) => machineOf(shape, trace),
        steps: steps.map((given) => (typeof given === 'number' ? given : { type: given }))
      } satisfies Scenario
      expect(traceOfTree(scenario)).toEqual(traceOfXState(scenario))
    }),
    { numRuns: 100 }
  )
})

function machineOf(shape: Shape, trace: (what: string) => void): AnyStateMachine {
  const ids = idsOf(shape, 's')
  const actionOf = ({ action, on }: Transition, at: string) => {
    if (action === 'note') return [({ context }: { context: { n: number } }) => trace(`${at} ${on} ${context.n}`)]
    if (action === 'count') return [assign({ n: ({ context }) => (context as { n: number }).n + 1 })]
    if (action === 'raise') return [raise({ type: 'R' })]
    if (action === 'delay') return [raise({ type: 'B' }, { delay: 7, id: 'later' })]
    if (action === 'emit') return [emit({ type: 'emitted', at })]
    return []
  }
  // Eventless transitions have their run, then stop: an endless loop is another test's matter.
  const guardOf = (given: Transition) =>
    given.on === 'always'
      ? ({ context }: { context: { n: number; left: number } }) => context.left > 0 && context.n % 2 === 1
      : given.isGuarded
        ? ({ context }: { context: { n: number } }) => context.n % 2 === 0
        : undefined
  // To the history of a state from within it, XState loses count of the active states: its value is wrong from then on.
  const targetOf = ({ target }: Transition, at: string): string | undefined => {
    const id = target === null ? undefined : ids[target % ids.length]
    return id?.endsWith('h') && at.startsWith(id.slice(0, -1)) ? undefined : id
  }
  const configOf = (given: Transition, at: string): object => {
    const guard = guardOf(given)
    const target = targetOf(given, at)
    return {
      ...(target !== undefined && { target: `#${target}` }),
      ...(guard && { guard }),
      ...(given.on !== 'always' && { reenter: given.reenter }),
      actions: [
        ...(given.on === 'always' ? [assign({ left: ({ context }) => (context as { left: number }).left - 1 })] : []),
        ...actionOf(given, at)
      ]
    }
  }
  const stateOf = ({ kind, history, transitions, states }: Shape, id: string): object => {
    const entry = (): void => trace(`enter ${id}`)
    if (kind === 'final') return { id, type: 'final', entry }
    const of = (on: string): readonly object[] =>
      transitions.filter((given) => given.on === on).map((given) => configOf(given, id))
    const children = Object.fromEntries(states.map((state, index) => [`s${index}`, stateOf(state, `${id}${index}`)]))
    return {
      id,
      entry,
      exit: () => trace(`exit ${id}`),
      tags: [id],
      on: { A: of('A'), B: of('B'), C: of('C'), ...(id.length === 2 && { R: { actions: () => trace('raised') } }) },
      after: { 10: of('after') },
      always: of('always'),
      ...(states.length > 0 && {
        ...(kind === 'parallel' ? { type: 'parallel' } : { initial: 's0' }),
        states: { ...children, ...(history !== 'none' && { h: { id: `${id}h`, type: 'history', history } }) },
        onDone: { actions: () => trace(`done ${id}`) }
      })
    }
  }
  return createMachine({ ...stateOf(shape, 's'), context: { n: 0, left: 20 } } as never) as AnyStateMachine
}

/** Every state and history state that a transition may go to. */
function idsOf({ states, history }: Shape, id: string): readonly string[] {
  const own = history === 'none' ? [] : [`${id}h`]
  return [...(id === 's' ? [] : [id]), ...own, ...states.flatMap((state, index) => idsOf(state, `${id}${index}`))]
}

/**
 * Machines that nobody wrote, as plain data, and schedules for them.
 *
 * Owns: what is drawn, and how often. Does not own: machines made of it (machine.ts).
 *
 * Invariants
 * 1. A shape is all that a machine is made from: printed, it is the report of a failure.
 * 2. What ends a run early (final states of the root, errors) is rare enough that most runs go on to their end.
 */
import fc from 'fast-check'
import type { Step } from '../case.ts'

export const EVENTS = ['A', 'B', 'C', 'order.paid'] as const

/** When a transition is taken: an event's descriptor, or one of XState's own occasions. */
export type Occasion =
  | (typeof EVENTS)[number]
  | 'RAISED'
  | 'ANSWER'
  | 'order.*'
  | '*'
  | 'after'
  | 'always'
  | 'done'
  | 'child'

export type GuardKind = 'none' | 'even' | 'atLeast' | 'both' | 'either' | 'not' | 'in' | 'fails'

export interface Action {
  readonly do:
    | 'note'
    | 'named'
    | 'count'
    | 'keep'
    | 'raise'
    | 'raiseLater'
    | 'cancel'
    | 'emit'
    | 'enqueue'
    | 'spawn'
    | 'spawnSame'
    | 'spawnChild'
    | 'stop'
    | 'stopSame'
    | 'tell'
    | 'tellLater'
    | 'forward'
    | 'answer'
    | 'failAssign'
    | 'failAction'
  readonly event: (typeof EVENTS)[number] | 'RAISED'
  readonly delay: Delay
}

/** Multiples of 5 milliseconds, like the time of schedules: the fewer moments there are, the more cases share one. */
export type Delay = 5 | 10 | 'soon' | 'varied'

export interface Transition {
  readonly on: Occasion
  /** Of all states and history states, by number; null: the transition stays. */
  readonly target: number | null
  readonly guard: GuardKind
  readonly delay: Delay
  readonly actions: readonly Action[]
  readonly reenter: boolean
}

export interface Shape {
  readonly kind: 'compound' | 'parallel' | 'final'
  readonly history: 'none' | 'shallow' | 'deep'
  /** What runs while the state is active: a machine, a reducer, or nothing. */
  readonly invoke: 'none' | 'helper' | 'leaf' | 'sum'
  readonly entry: readonly Action[]
  readonly transitions: readonly Transition[]
  readonly states: readonly Shape[]
}

export interface Draw {
  readonly root: Shape
  /** Of the child machine `helper`. */
  readonly helper: Shape
  readonly steps: readonly Step[]
}

const often = <T>(arbitrary: fc.Arbitrary<T>, weight: number) => ({ arbitrary, weight })

const delay = fc.constantFrom<Delay>(5, 10, 'soon', 'varied')

const action: fc.Arbitrary<Action> = fc.record({
  do: fc.oneof(
    often(fc.constantFrom<Action['do']>('note', 'named', 'count', 'count', 'emit', 'enqueue', 'keep'), 60),
    often(fc.constantFrom<Action['do']>('raise', 'raiseLater', 'cancel'), 30),
    often(fc.constantFrom<Action['do']>('spawn', 'spawnSame', 'spawnChild', 'stop', 'stopSame'), 25),
    often(fc.constantFrom<Action['do']>('tell', 'tell', 'tellLater', 'forward', 'answer'), 45),
    often(fc.constantFrom<Action['do']>('failAssign', 'failAction'), 1)
  ),
  event: fc.constantFrom(...EVENTS, 'RAISED' as const),
  delay
})

const guard = fc.oneof(
  often(fc.constant<GuardKind>('none'), 50),
  often(fc.constantFrom<GuardKind>('even', 'atLeast', 'both', 'either', 'not', 'in'), 50),
  often(fc.constant<GuardKind>('fails'), 1)
)

const transition: fc.Arbitrary<Transition> = fc.record({
  on: fc.oneof(
    often(fc.constantFrom<Occasion>(...EVENTS), 10),
    often(fc.constantFrom<Occasion>('RAISED', 'ANSWER', 'order.*', '*', 'after', 'after', 'always', 'done', 'child'), 9)
  ),
  target: fc.option(fc.nat(11), { freq: 4 }),
  guard,
  delay,
  actions: fc.array(action, { maxLength: 3 }),
  reenter: fc.boolean()
})

const invoke = fc.oneof(
  often(fc.constant<Shape['invoke']>('none'), 4),
  often(fc.constantFrom<Shape['invoke']>('helper', 'leaf', 'sum'), 1)
)
const entry = fc.oneof(often(fc.constant([]), 3), often(fc.array(action, { maxLength: 2 }), 1))
const transitions = fc.array(transition, { minLength: 1, maxLength: 5 })

const leaf: fc.Arbitrary<Shape> = fc.record({
  kind: fc.oneof(often(fc.constant('compound' as const), 7), often(fc.constant('final' as const), 1)),
  history: fc.constant('none' as const),
  invoke,
  entry,
  transitions,
  states: fc.constant([])
})

const inner = (states: fc.Arbitrary<Shape>): fc.Arbitrary<Shape> =>
  fc.record({
    kind: fc.constantFrom('compound' as const, 'compound' as const, 'parallel' as const),
    history: fc.constantFrom('none' as const, 'shallow' as const, 'deep' as const),
    invoke,
    entry,
    transitions,
    states: fc.array(states, { minLength: 2, maxLength: 3 })
  })

const step: fc.Arbitrary<Step> = fc.oneof(
  often(
    fc.record({ type: fc.constantFrom(...EVENTS), by: fc.nat(9) }).map((send) => ({ send })),
    3
  ),
  often(
    fc.constantFrom(5, 10, 20).map((advanceMs) => ({ advanceMs })),
    1
  )
)

export const draw: fc.Arbitrary<Draw> = fc.record({
  root: inner(fc.oneof(leaf, inner(fc.oneof(leaf, inner(leaf))))),
  helper: inner(leaf),
  steps: fc.array(step, { minLength: 3, maxLength: 14 })
})

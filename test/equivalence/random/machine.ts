/**
 * A machine from a shape.
 *
 * Owns: its states, transitions and children. Does not own: shapes (shapes.ts), actions and guards (actions.ts).
 *
 * Invariants
 * 1. Every transition costs one of a number that the machine begins with: whatever its states send each other, it rests.
 * 2. No transition leads to the history of a state from within it: XState itself loses count of the active states then.
 *    Before 5.32.4 it does so, too, where it goes to the history of a parallel state that has none.
 */
import { type AnyStateMachine, assign, fromTransition, setup } from 'xstate'
import { isSince } from '../../actors/xstate-release.ts'
import type { Note } from '../case.ts'
import { type Context, makeAction, makeGuard, type Place } from './actions.ts'
import type { Draw, Shape, Transition } from './shapes.ts'

/** A new machine each time. */
export function makeRandomMachine({ root, helper }: Pick<Draw, 'root' | 'helper'>, note: Note): AnyStateMachine {
  const sum = fromTransition((total: number, event: { type: string; by?: number }) => total + (event.by ?? 1), 100)
  const leaf = makeLeaf(note)
  const child = makeMachine(helper, 'k', note, { sum, leaf, helper: leaf })
  return makeMachine(root, 's', note, { sum, leaf, helper: child })
}

function makeMachine(shape: Shape, id: string, note: Note, actors: object): AnyStateMachine {
  const isChild = id !== 's'
  const ids = listTargets(shape, id)
  const budget = isChild ? 10 : 25
  const config = {
    ...makeState(shape, id, ids, { at: id, note, isChild }),
    context: ({ input }: { input?: { from?: number } }) => ({
      n: input?.from ?? 0,
      left: budget,
      refs: [],
      kept: null
    }),
    output: ({ context }: { context: Context }) => ({ n: context.n })
  }
  const implementations = {
    actors,
    actions: { say: (_: unknown, { at, n }: { at: string; n: number }) => note(`${at} says`, n) },
    guards: {
      isGoing: ({ context }: { context: Context }) => context.left > 0,
      atLeast: ({ context }: { context: Context }, { n }: { n: number }) => context.n >= n
    },
    delays: { soon: 15, varied: ({ context }: { context: Context }) => 5 * (context.n % 3) }
  }
  return setup(implementations as never).createMachine(config as never) as unknown as AnyStateMachine
}

function makeState(shape: Shape, id: string, ids: readonly string[], around: Place): Record<string, unknown> {
  const { kind, history, invoke, states, transitions } = shape
  const place = { ...around, at: id }
  const { note } = place
  const entry = [() => note(`enter ${id}`), ...shape.entry.map((action) => makeAction(action, place))]
  if (kind === 'final') return { id, type: 'final', entry, output: ({ context }: { context: Context }) => context.n }
  const of = (...occasions: readonly string[]): readonly object[] =>
    transitions.filter(({ on }) => occasions.includes(on)).map((each) => makeTransition(each, id, ids, place))
  const events = ['A', 'B', 'C', 'order.paid', 'RAISED', 'ANSWER', 'order.*', '*'].map((on) => [on, of(on)] as const)
  return {
    id,
    entry,
    exit: () => note(`exit ${id}`),
    tags: [id],
    meta: { of: id },
    on: Object.fromEntries(events.filter(([, taken]) => taken.length > 0)),
    after: Object.fromEntries(
      transitions.filter(({ on }) => on === 'after').map((each) => [each.delay, makeTransition(each, id, ids, place)])
    ),
    always: of('always'),
    ...(invoke !== 'none' && {
      invoke: {
        src: invoke,
        id: `child of ${id}`,
        input: ({ context }: { context: Context }) => ({ from: context.n }),
        ...(of('child').length > 0 && { onDone: of('child'), onSnapshot: of('child'), onError: of('child') })
      }
    }),
    ...(states.length > 0 && {
      ...(kind === 'parallel' ? { type: 'parallel' } : { initial: 's0' }),
      states: {
        ...Object.fromEntries(
          states.map((state, index) => [`s${index}`, makeState(state, `${id}${index}`, ids, around)])
        ),
        ...(history !== 'none' && { h: { id: `${id}h`, type: 'history', history } })
      },
      onDone: [...of('done'), { actions: () => note(`done ${id}`) }]
    })
  }
}

function makeTransition(given: Transition, at: string, ids: readonly string[], place: Place): object {
  const chosen = given.target === null ? undefined : ids[given.target % ids.length]
  const target = chosen?.endsWith('h') && at.startsWith(chosen.slice(0, -1)) ? undefined : chosen
  const spend = assign({ left: ({ context }) => (context as Context).left - 1 })
  return {
    ...(target !== undefined && { target: `#${target}` }),
    ...(given.on !== 'always' && { reenter: given.reenter }),
    guard: makeGuard(given.guard, ids[0] ?? at),
    actions: [spend, ...given.actions.map((action) => makeAction(action, place))]
  }
}

/** Every state and history state that a transition may go to; the root is none. */
function listTargets({ kind, states, history }: Shape, id: string, isRoot = true): readonly string[] {
  const below = states.flatMap((state, index) => listTargets(state, `${id}${index}`, false))
  const hasHistory = history !== 'none' && states.length > 0 && (kind !== 'parallel' || goesToHistoryOfParallel)
  return [...(isRoot ? [] : [id]), ...below, ...(hasHistory ? [`${id}h`] : [])]
}

const goesToHistoryOfParallel = isSince('5.32.4')

/** The smallest child that does a bit of all: it counts, answers, waits, emits and ends. */
function makeLeaf(note: Note): AnyStateMachine {
  return makeMachine(
    {
      kind: 'compound',
      history: 'none',
      invoke: 'none',
      entry: [],
      transitions: [],
      states: [
        {
          kind: 'compound',
          history: 'none',
          invoke: 'none',
          entry: [],
          states: [],
          transitions: [
            leafTransition('A', null, 'count', 'answer'),
            leafTransition('B', null, 'note', 'emit'),
            leafTransition('after', null, 'count', 'answer'),
            leafTransition('C', 1, 'note')
          ]
        },
        { kind: 'final', history: 'none', invoke: 'none', entry: [], transitions: [], states: [] }
      ]
    },
    'leaf',
    note,
    {}
  )
}

function leafTransition(
  on: Transition['on'],
  target: number | null,
  ...actions: readonly Transition['actions'][number]['do'][]
): Transition {
  const each = actions.map((kind) => ({ do: kind, event: 'A', delay: 5 }) as const)
  return { on, target, guard: 'none', delay: 10, reenter: false, actions: each }
}

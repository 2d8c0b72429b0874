/**
 * The same machine, the same events: plain XState, and a tree that is stored and brought back between any two of them.
 */
import { expect, test } from 'vitest'
import { childScenarios } from './equivalence-children.ts'
import { stateScenarios } from './equivalence-states.ts'
import { traceOfTree, traceOfXState } from './equivalence-trace.ts'

test.each(Object.entries({ ...stateScenarios, ...childScenarios }))(
  '%s: no difference from plain XState',
  (_, scenario) => {
    const expected = traceOfXState(scenario)
    expect(expected.length).toBeGreaterThan(scenario.steps.length / 3)
    expect(traceOfTree(scenario)).toEqual(expected)
  }
)

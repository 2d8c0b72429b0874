/**
 * That the cases are what they are called: under plain XState, each converted document does what the document expects.
 */
import type { StateValue } from 'xstate'
import { expect, test } from 'vitest'
import type { Fields } from '../data.ts'
import { runPlain } from '../plain-run.ts'
import { readDocuments } from './documents.ts'
import { casesOf, leftOut, loadScxmlCases, type ScxmlCase } from './index.ts'
import { XSTATE_DIFFERS } from './left-out.ts'

const cases = loadScxmlCases()

test.each(cases.map((one) => [one.name, one] as const))('%s: plain XState does what SCXML expects', async (_, one) => {
  expect(await statesReached(one)).toEqual(statesExpected(one))
})

test('every document is a case or is left out with a reason, never both', () => {
  const taken = new Set(cases.map(({ document }) => document))
  const named = [...taken, ...leftOut.map(({ name }) => name)]
  expect(named.toSorted()).toEqual(
    readDocuments()
      .map(({ name }) => name)
      .toSorted()
  )
  expect(taken.size).toBeGreaterThan(290)
})

const differing = leftOut.filter(({ reason }) => reason.startsWith(XSTATE_DIFFERS)).map(({ name }) => name)
const documents = readDocuments().filter(({ name }) => differing.includes(name))

test.each(documents.map((one) => [one.name, one] as const))('%s: XState differs from SCXML', async (_, document) => {
  for (const one of casesOf(document)) expect(await statesReached(one)).not.toEqual(statesExpected(one))
})

function statesExpected({ expectations }: ScxmlCase): readonly (readonly string[])[] {
  return expectations.map(({ states }) => states.toSorted())
}

/** The atomic states wherever the case expects some. */
async function statesReached(one: ScxmlCase): Promise<readonly (readonly string[])[]> {
  const observations = await runPlain(one, 'root')
  return one.expectations.map(({ stepCount }) => atomicStates(observations[stepCount]?.snapshot))
}

function atomicStates({ status, value }: Fields = {}): readonly string[] {
  return status === 'error' ? ['(failed)'] : leavesOf(value as StateValue).toSorted()
}

function leavesOf(value: StateValue): readonly string[] {
  if (typeof value === 'string') return [value]
  return Object.entries(value).flatMap(([name, inner = {}]) => {
    const leaves = leavesOf(inner)
    return leaves.length === 0 ? [name] : leaves
  })
}

/**
 * The SCXML documents of SCION and of the W3C as cases.
 *
 * Read in this order: xml.ts, documents.ts (what there is) → left-out.ts (what is not taken) → machine.ts, states.ts,
 * content.ts, sending.ts (SCXML as XState).
 *
 * A document that is to run by itself makes two cases: one of them begins on an event, so that an actor that comes from
 * its row runs it, too.
 */
import type { Case, Step } from '../case.ts'
import { readDocuments, type ScxmlDocument, type Schedule } from './documents.ts'
import { beginsUnseen, type LeftOut, needCare, reasonToLeaveOut } from './left-out.ts'
import { BEGIN, convert } from './machine.ts'
import { nameOf } from './names.ts'

export interface ScxmlCase extends Case {
  /** The name of its document. */
  readonly document: string
  readonly expectations: readonly Expectation[]
}

/** The atomic states that the document expects after so many steps. */
interface Expectation {
  readonly stepCount: number
  readonly states: readonly string[]
}

const documents = readDocuments()

export const leftOut: readonly LeftOut[] = documents.flatMap((document) => {
  const reason = reasonToLeaveOut(document)
  return reason === undefined ? [] : [{ name: document.name, reason }]
})

export function loadScxmlCases(): readonly ScxmlCase[] {
  return documents.filter((document) => reasonToLeaveOut(document) === undefined).flatMap(casesOf)
}

export function casesOf(document: ScxmlDocument): readonly ScxmlCase[] {
  const runsByItself = document.schedule?.events.length === 0 && !beginsUnseen.has(document.name)
  return runsByItself ? [caseOf(document, false), caseOf(document, true)] : [caseOf(document, false)]
}

function caseOf({ name, root, readFile, schedule }: ScxmlDocument, beginsLater: boolean): ScxmlCase {
  const id = `scxml-${name.replaceAll(/\W+/g, '-')}`
  return {
    group: 'scxml',
    name: beginsLater ? `${name}, begun later` : name,
    document: name,
    makeMachine: convert({ id, root, readFile, isCareful: needCare.has(name), beginsLater }),
    ...planOf(schedule as Schedule, name.startsWith('w3c-ecma/'), beginsLater)
  }
}

/**
 * Documents of the W3C listen to nothing from outside and say only how they end. SCION's events to them only mark a
 * moment, and what is expected before the last one is SCION's own timing.
 */
function planOf(schedule: Schedule, isW3c: boolean, beginsLater: boolean): Pick<ScxmlCase, 'steps' | 'expectations'> {
  const steps: Step[] = beginsLater ? [{ send: { type: BEGIN } }] : []
  const expectations: Expectation[] = []
  const expect = (configuration: readonly string[]): void =>
    void expectations.push({ stepCount: steps.length, states: configuration.map(nameOf) })
  expect(schedule.initialConfiguration)
  for (const { after: advanceMs, event, nextConfiguration } of schedule.events) {
    if (advanceMs !== undefined) steps.push({ advanceMs })
    if (!isW3c) steps.push({ send: { type: event.name } })
    expect(nextConfiguration)
  }
  return { steps, expectations: isW3c ? expectations.slice(-1) : expectations }
}

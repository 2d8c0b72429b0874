/**
 * Conditions as XState's guards.
 *
 * Invariants
 * 1. A condition that fails is false, as in SCXML. (The error event that SCXML raises then has no like in XState, whose
 *    guards can raise nothing.)
 */
import { not, stateIn } from 'xstate'
import { type Guard, type Scope } from './kit.ts'
import { nameOf } from './names.ts'

/** The whole of a condition: guards have no configuration to look at, so In() is XState's own guard. */
const IN_STATE = /^(?<negated>!?)In\('(?<id>[^']+)'\)$/

export function conditionOf(expression: string, { datamodel }: Scope): Guard {
  const groups = IN_STATE.exec(expression.trim())?.groups
  if (groups) {
    const isIn = stateIn(`#${nameOf(groups['id'] as string)}`)
    return (groups['negated'] ? not(isIn) : isIn) as Guard
  }
  return ({ context, event }) => {
    try {
      return Boolean(datamodel.evaluate(expression, { context, event }))
    } catch {
      return false
    }
  }
}

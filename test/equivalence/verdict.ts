/**
 * What the comparison of a case comes to.
 *
 * Owns: which differences are allowed: those that docs/xstate.md names. Does not own: finding them (difference.ts).
 *
 * Invariants
 * 1. A case that says that it differs must differ: a difference that is gone must leave the page, too.
 * 2. What is not on the page, word for word, is not documented.
 */
import { readTable } from '../docs/pages.ts'
import type { Comparison } from './compare.ts'
import { tellDifference } from './difference.ts'

export interface Verdict {
  readonly kind: 'equal' | 'documented' | 'different'
  /** For people; '' where there is nothing to tell. */
  readonly told: string
}

/** What is reported of one case; plain data. */
export interface Finding {
  readonly group: string
  readonly name: string
  readonly steps: number
  readonly hydratedSteps: number
  readonly verdict: Verdict
}

const documented = new Set(readTable('docs/xstate.md', '## Differences').map(([what]) => what))

export function judge({ case: { differsBy }, difference }: Comparison): Verdict {
  if (difference === undefined) {
    if (differsBy === undefined) return { kind: 'equal', told: '' }
    return { kind: 'different', told: `does not differ, though it says that it does by '${differsBy}'` }
  }
  if (differsBy !== undefined && documented.has(differsBy)) return { kind: 'documented', told: differsBy }
  const claim = differsBy === undefined ? '' : `'${differsBy}' is no row of the differences in docs/xstate.md\n`
  return { kind: 'different', told: claim + tellDifference(difference) }
}

export function toFinding(comparison: Comparison): Finding {
  const { case: each, steps, hydratedSteps } = comparison
  return { group: each.group, name: each.name, steps, hydratedSteps, verdict: judge(comparison) }
}

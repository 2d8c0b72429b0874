/**
 * Which differences of random machines are known ones: a machine that was drawn cannot say beforehand what it will do.
 *
 * Owns: telling them by what plain XState showed. Does not own: their names, which are those of docs/xstate.md.
 */
import type { Comparison } from '../compare.ts'
import type { Fields } from '../data.ts'
import type { Difference } from '../difference.ts'
import { type Observation, soundOfNote } from '../observation.ts'
import { ACTION_THROWS } from './actions.ts'

type Plain = readonly Observation[]

/** undefined: it is equal, or differs as nothing that is documented does. */
export function findDocumented({ difference, plain }: Comparison): string | undefined {
  if (difference === undefined) return undefined
  const hasThrown = plain.slice(0, difference.step + 1).some(({ heard }) => heard.includes(soundOfNote(ACTION_THROWS)))
  if (hasThrown) return 'An action that throws'
  return isAfterEnd(difference, plain) || isBelowFailure(difference, plain)
    ? 'Children, when the machine above them ends, fails or is stopped'
    : undefined
}

/** Whether the root was over by then: in plain XState, some of its children go on by themselves. */
function isAfterEnd({ step, path, durable }: Difference, plain: Plain): boolean {
  const statusBefore = plain[step - 1]?.snapshot['status']
  if (statusBefore === 'error') return true
  const [, soundAt] = /^heard\[(\d+)\]/.exec(path) ?? []
  if (soundAt === undefined) return false
  if (statusBefore === 'done') return durable === undefined
  const heard = plain[step]?.heard.slice(0, Number(soundAt)) ?? []
  const has = (kind: string): boolean => heard.some((sound) => sound.startsWith(`["${kind}"`))
  return has('error') || (has('complete') && durable === undefined)
}

/** Whether the place is within a child, at any depth, whose parent has failed. */
function isBelowFailure({ step, path }: Difference, plain: Plain): boolean {
  const [, way = ''] = /^snapshot((?:\.children\[\d+\])*)/.exec(path) ?? []
  let machine = plain[step]?.snapshot
  for (const [, index] of way.matchAll(/\[(\d+)\]/g)) {
    if (machine?.['status'] === 'error') return true
    machine = (machine?.['children'] as readonly Fields[] | undefined)?.[Number(index)]
  }
  return false
}

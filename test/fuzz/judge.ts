/**
 * What must come of a call, whatever it was handed: a typed error that says what is wrong and what to do, or it is taken.
 *
 * Owns: the verdict of one call. Does not own: what was taken (doors.ts looks whether it came back equal).
 */
import { isDeepStrictEqual } from 'node:util'
import { PerdureError } from 'perdure'
import { toJson } from '../../src/actors/snapshot-codec.ts'
import type { Named } from './hostile.ts'
import { describe } from './world.ts'

export type Verdict = { readonly kind: 'taken' | 'refused' } | { readonly kind: 'wrong'; readonly says: string }

/** What hangs, hangs for ever. */
const PATIENCE_MS = 60_000
const MAX_MESSAGE = 4_000

export async function judge(call: () => unknown): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'wrong', says: 'it hangs' }), PATIENCE_MS)
  })
  try {
    return await Promise.race([judgeCall(call), late])
  } finally {
    clearTimeout(timer)
  }
}

async function judgeCall(call: () => unknown): Promise<Verdict> {
  try {
    await call()
    return { kind: 'taken' }
  } catch (error) {
    const says = findFault(error)
    return says === undefined ? { kind: 'refused' } : { kind: 'wrong', says }
  }
}

function findFault(error: unknown): string | undefined {
  if (!(error instanceof PerdureError)) return `no error of ours: ${describe(error)}`
  if (error._tag !== error.constructor.name) return `an error without its tag: ${describe(error)}`
  if (error.message.length > MAX_MESSAGE) return `a message of ${error.message.length} characters`
  if (error.message.length < 20) return `a message that says little: ${error.message}`
  return undefined
}

/** Throws where what came back is not what was given. */
export function expectSame(given: Named, back: unknown): void {
  if (isDeepStrictEqual(back, given.make())) return
  if (!given.isExact && toJson(back, 'it') === toJson(given.make(), 'it')) return
  throw new Error('what came back is not what was given')
}

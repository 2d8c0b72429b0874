/**
 * Chance that can be repeated: what happens to a trip follows from the seed, not from the moment.
 */
import { createHash } from 'node:crypto'

/** From 0 to 1, the same for the same words. */
export function chance(...words: readonly (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(words)).digest().readUInt32BE() / 2 ** 32
}

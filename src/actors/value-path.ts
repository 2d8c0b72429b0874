/** Where a walk over a value is, and how that place is called in a message: `context.items[3].fn`. */

/** A chain of these costs little; the text of a path is made only for a refusal. */
export interface Place {
  readonly key: string | number
  readonly value: object
  readonly within: Place | null
  readonly depth: number
}

export function enter(value: object, key: string | number, within: Place | null): Place {
  return { key, value, within, depth: within === null ? 0 : within.depth + 1 }
}

/** Of a value by its key in the place around it; without one, the key is the beginning of the path. */
export function pathOf(key: string | number, within: Place | null): string {
  if (within === null) return String(key)
  const before = pathOf(within.key, within.within)
  if (typeof key === 'number') return `${before}[${key}]`
  if (PART_LABEL.test(key)) return before + key
  return IDENTIFIER.test(key) ? `${before}.${key}` : `${before}[${JSON.stringify(key)}]`
}
const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$]*$/u
/** Parts of values that have no keys, e.g. the second key of a map. */
const PART_LABEL = /^<(key|value|item) \d+>$/

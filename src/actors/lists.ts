/**
 * Lists that mostly hold one thing: what one turn takes, does and tells.
 *
 * `[].push(item)` makes room for seventeen. Of every actor with a turn under way there are several such lists, and what is
 * alive while a commit is under way is what the garbage collector has to carry.
 */

export const NONE: readonly never[] = []

/** The list with one more item; grown in place unless it was empty. */
export function added<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item]
  list.push(item)
  return list
}

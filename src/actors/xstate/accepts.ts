/**
 * Which types of events a configuration has transitions for: what decides whether a signal is applied now or waits.
 *
 * Owns: tables made once per machine, and the walk over a state value, of the shape of XState's own choice of
 * transitions.
 * Does not own: guards (they need the event and the context, and may change: by type alone, a guarded transition
 * counts).
 *
 * Invariants
 * 1. `discard` only where plain XState would certainly do nothing: nothing matches but forbidden transitions, such as
 *    `on: { PING: {} }`. That is how a machine says that it wants an event dropped rather than kept.
 * 2. `defer` exactly where no transition matches in the active states or above them.
 *
 * Before XState 5.32.2, a state asks no wildcard for an event that it names: there, `take` may come out for `discard` and
 * the reverse. Both mean that the machine is given the event.
 */
import type { Node, StateValue, Transition } from './internals.ts'

export type Reception = 'take' | 'defer' | 'discard'

/** Something matches that would do something. */
const OPEN = 1
/** Something matches that has no guard: what comes after it, wildcards and ancestors, is never asked. */
const CLOSED = 2
/** Something matches, be it a forbidden transition behind a guard. */
const SEEN = 4

export interface AcceptTable {
  readonly exact: ReadonlyMap<string, number>
  /** Descriptors like `order.*`, longest first, as XState asks them; stored with the dot, without the star. */
  readonly prefixes: readonly (readonly [prefix: string, flags: number])[]
  readonly wildcard: number
  readonly states: ReadonlyMap<string, AcceptTable>
}

export function compileAccepts(node: Node): AcceptTable {
  const exact = new Map<string, number>()
  const prefixes: [string, number][] = []
  for (const [descriptor, transitions] of node.transitions) {
    const flags = flagsOf(transitions)
    exact.set(descriptor, flags)
    if (isPrefix(descriptor)) prefixes.push([descriptor.slice(0, -1), flags])
  }
  return {
    exact,
    prefixes: prefixes.toSorted(([a], [b]) => b.length - a.length),
    wildcard: exact.get('*') ?? 0,
    states: new Map(Object.entries(node.states).map(([key, child]) => [key, compileAccepts(child)]))
  }
}

export function receptionOf(root: AcceptTable, value: StateValue, eventType: string): Reception {
  const flags = matches(root, value, eventType)
  return flags === 0 ? 'defer' : flags & OPEN ? 'take' : 'discard'
}

function matches(table: AcceptTable, value: StateValue, type: string): number {
  let flags = 0
  if (typeof value === 'string') {
    const child = table.states.get(value)
    if (child) flags = ownMatches(child, type)
  } else {
    for (const key of Object.keys(value)) {
      const child = table.states.get(key)
      if (child) flags |= matches(child, value[key] as StateValue, type)
    }
  }
  return flags & CLOSED ? flags : flags | ownMatches(table, type)
}

function ownMatches({ exact, prefixes, wildcard }: AcceptTable, type: string): number {
  let flags = exact.get(type) ?? 0
  if (flags & CLOSED) return flags
  for (const [prefix, prefixFlags] of prefixes) {
    if (!type.startsWith(prefix) && type !== prefix.slice(0, -1)) continue
    flags |= prefixFlags
    if (flags & CLOSED) return flags
  }
  return flags | wildcard
}

function flagsOf(transitions: readonly Transition[]): number {
  let flags = 0
  for (const { target, actions, reenter, guard } of transitions) {
    flags |= SEEN
    if (target !== undefined || actions.length > 0 || reenter) flags |= OPEN
    if (!guard) return flags | CLOSED
  }
  return flags
}

/** A star may only be the last token. Elsewhere XState warns and matches nothing. */
function isPrefix(descriptor: string): boolean {
  return descriptor.endsWith('.*') && !descriptor.slice(0, -2).split('.').includes('*')
}

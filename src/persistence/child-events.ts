/**
 * What a parent is told of its children, as text: both stores write it by these functions, to the letter.
 *
 * Owns: the shape of `perdure.child` and `perdure.children`. Does not own: when they are sent (count_ends.sql, memory-children.ts).
 *
 * Invariant
 * 1. Outputs and errors are the very text of the child's row: nothing is parsed and written anew.
 */
import type { ActorStatus, Json } from './store.ts'

/** How a child has ended. */
export interface End {
  /** null: it lives. */
  readonly status: ActorStatus | null
  readonly output: Json | null
  readonly lastError: Json | null
}

const living: End = { status: null, output: null, lastError: null }

/** Of one child: `{ type, session, outcome }`. */
export function childEvent(session: number, end: End): Json {
  return `{"type":"perdure.child","session":${session},"outcome":${outcome(end)}}`
}

/** Of a join that is released: `{ type, session, need, outcomes }`, by place; null for a child that lives. */
export function childrenEvent(
  session: number,
  need: number | null,
  total: number,
  ends: ReadonlyMap<number, End>
): Json {
  const outcomes = Array.from({ length: total }, (_, place) => outcome(ends.get(place) ?? living))
  return `{"type":"perdure.children","session":${session},"need":${need},"outcomes":[${outcomes.join(',')}]}`
}

function outcome({ status, output, lastError }: End): Json {
  if (status === null) return 'null'
  if (status === 'done') return `{"status":"done","output":${output ?? 'null'}}`
  return `{"status":"${status}","error":${lastError ?? 'null'}}`
}

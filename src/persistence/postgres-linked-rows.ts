/**
 * How commits that reach other rows travel to Postgres and back.
 *
 * Owns: the names of the fields in the documents of lock_joins.sql, lock_linked.sql, count_ends.sql, cancel_children.sql and what
 * belongs to births, and of the columns in their answers. Does not own: statements, their order (postgres-linked.ts).
 */
import type { Row } from './drivers/driver.ts'
import { childEvent, childrenEvent, type End } from './child-events.ts'
import type { ActorStatus, Commit, Json, NewActor } from './store.ts'
import { isTerminal } from './store.ts'

/** What a commit, or an operator, does to the family of an actor. */
export interface Link {
  readonly n: number
  readonly id: string
  /** It ends as a child. */
  readonly tells: boolean
  readonly done: boolean
  /** It ends, and with it all that is below it. */
  readonly ends: boolean
  readonly cancels: readonly number[]
}

export function toLink({ id, status, outgoing }: Commit, n: number): Link {
  const { tellsParent = false, cancels = [] } = outgoing ?? {}
  return {
    n,
    id,
    tells: tellsParent,
    done: status === 'done',
    ends: outgoing !== undefined && isTerminal(status),
    cancels
  }
}

export const concernsFamily = ({ tells, ends, cancels }: Link): boolean => tells || ends || cancels.length > 0

/** What cancel_children.sql begins with. `session: null`: all that the parent has. */
export interface Cause {
  readonly n: number
  readonly parent: string
  readonly session: number | null
}

export const toCauses = ({ n, id, ends, cancels }: Link): readonly Cause[] =>
  ends ? [{ n, parent: id, session: null }] : cancels.map((session) => ({ n, parent: id, session }))

/** Of a child that cannot have its key. */
export function toFailedEntry({ key: _key, ...actor }: NewActor, error: Json): object {
  const { id, machine, machineVersion, queue, priority, partitionKey, input, parent } = actor
  return {
    id,
    machine,
    queue,
    priority,
    input,
    error,
    machine_version: machineVersion,
    partition_key: partitionKey,
    parent: parent?.id,
    parent_session: parent?.session,
    parent_index: parent?.index
  }
}

/** What count_ends.sql answers: an event for a parent, or that others were let run. */
export type Counted =
  | { readonly n: number; readonly parent: string; readonly event: Json; readonly released: Cause | null }
  | { readonly n: number; readonly parent: null }

export function toCounted(row: Row): Counted {
  const { n, parent, session, need, total, outcomes } = row as {
    n: number
    parent: string | null
    session: number
    need: number | null
    total: number | null
    outcomes: string
  }
  if (parent === null) return { n, parent }
  const ends = toEnds(outcomes)
  if (total === null) return { n, parent, event: childEvent(session, ends.get(0) as End), released: null }
  return { n, parent, event: childrenEvent(session, need, total, ends), released: { n, parent, session } }
}

function toEnds(outcomes: string): ReadonlyMap<number, End> {
  const list = JSON.parse(outcomes) as readonly (readonly [number, ActorStatus, Json | null, Json | null])[]
  return new Map(list.map(([place, status, output, lastError]) => [place, { status, output, lastError }]))
}

/** Who is to end and has an owner: the answer of cancel_children.sql. */
export interface Living {
  readonly n: number
  readonly id: string
  readonly node: string
  readonly seq: number
  readonly wasAsked: boolean
}

export function toLiving({ living }: Row): readonly Living[] {
  const list = JSON.parse((living as string | null) ?? '[]') as readonly [number, string, string, number, boolean][]
  return list.map(([n, id, node, seq, wasAsked]) => ({ n, id, node, seq, wasAsked }))
}

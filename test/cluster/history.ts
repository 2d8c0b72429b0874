/**
 * What is known of a run, from outside: what was asked and answered, what the world has seen, and what the database says, its
 * past included: a trigger of the tests keeps every transition.
 *
 * Owns: the shape of a history, and reading the database's part of it. Does not own: what must be so (checks.ts).
 */
import type { Row } from '../support/database.ts'
import type { TallyContext, TallyEvent } from './tally.ts'
import type { Line, Outcome } from './words.ts'

/** A send, as the one who asked for it knows it. */
export interface SendRecord {
  /** Who sent it, one sender being one line of calls. */
  readonly by: string
  readonly actor: string
  readonly event: TallyEvent
  /** Its place among the sends of the run. The same event sent again comes as another record. */
  readonly order: number
  readonly outcome: Outcome
  /** When it was asked, and answered: by a monotonic clock, in milliseconds. */
  readonly askedAt: number
  readonly answeredAt: number
}

/** A transition that is, or was, in a row. */
export interface Commit {
  readonly actor: string
  readonly version: number
  /** The node that had the lease. */
  readonly owner: string | null
  /** A moment before it could be seen. */
  readonly at: number
  readonly taken: readonly string[]
}

export interface ActorState {
  readonly actor: string
  readonly status: string
  readonly version: number
  readonly value: unknown
  readonly context: TallyContext | null
  /** Names of the events in the durable inbox. */
  readonly inbox: readonly string[]
  /** What the actor has to do, and nobody does; null: nothing. */
  readonly left: string | null
}

export type Effect = Extract<Line, { kind: 'effect' }>

export interface History {
  readonly spawns: readonly { readonly actor: string; readonly outcome: Outcome }[]
  readonly sends: readonly SendRecord[]
  readonly effects: readonly Effect[]
  readonly commits: readonly Commit[]
  readonly actors: readonly ActorState[]
}

/** Run once, after the schema is there. `at` is read before the commit of the transaction that it belongs to. */
export const REMEMBER = `
  create table past (
    n bigint generated always as identity,
    actor_id uuid, version integer, owner uuid, snapshot json, at timestamptz
  );
  create function remember() returns trigger language plpgsql as $$
    begin
      insert into past (actor_id, version, owner, snapshot, at)
      values (new.id, new.version, old.owner, new.snapshot, clock_timestamp());
      return null;
    end
  $$;
  create trigger remember after update on perdure.actor
    for each row when (new.version <> old.version or new.snapshot::text is distinct from old.snapshot::text)
    execute function remember()`

export const FORGET = 'truncate past, perdure.actor, perdure.node cascade'

type Ask = (text: string) => Promise<readonly Row[]>

export async function readCommits(ask: Ask): Promise<readonly Commit[]> {
  const rows = await ask(
    `select actor_id as actor, version, owner, (extract(epoch from at) * 1000)::float8 as at,
       snapshot #> '{context,taken}' as taken
     from past order by n`
  )
  return rows as unknown as readonly Commit[]
}

export async function readActors(ask: Ask): Promise<readonly ActorState[]> {
  const rows = await ask(
    `select id as actor, status, version::integer, snapshot -> 'value' as value, snapshot -> 'context' as context,
       (select coalesce(json_agg(event -> 'n' order by seq), '[]') from perdure.signal where actor_id = id) as inbox,
       case
         when ended_at is not null or status = 'parked' then null
         when status <> 'waiting' then 'is ' || status
         when journal is not null then 'has effects that are not acknowledged'
         when inbox_seq > inbox_seen then 'has signals that nobody has seen'
         when case when owner is null then wake_at else timer_at end is not null then 'waits for a time'
       end as left
     from perdure.actor order by id`
  )
  return rows as unknown as readonly ActorState[]
}

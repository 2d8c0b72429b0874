/**
 * What the database says of a run, its past included: a trigger of the tests keeps every transition.
 *
 * Owns: reading the database's part of a history. Does not own: what a history is (support/run.ts).
 */
import type { Row } from '../support/database.ts'
import type { ActorState, Commit } from '../support/run.ts'

/** Run once, after the schema is there. `at` is read before the commit of the transaction that it belongs to. */
export const REMEMBER = `
  create table past (
    n bigint generated always as identity,
    actor_id uuid, version integer, owner uuid, snapshot json, at timestamptz, timer_at timestamptz
  );
  create function remember() returns trigger language plpgsql as $$
    begin
      insert into past (actor_id, version, owner, snapshot, at, timer_at)
      values (new.id, new.version, old.owner, new.snapshot, clock_timestamp(), new.timer_at);
      return null;
    end
  $$;
  create trigger remember after update on perdure.actor
    for each row when (new.version <> old.version or new.snapshot::text is distinct from old.snapshot::text)
    execute function remember()`

/** Where a row is in `full_disk`, whatever would add to a table fails as the server has it fail on a disk that is full. */
export const FULL_DISK = `
  create table full_disk ();
  create function refuse() returns trigger language plpgsql as $$
    begin
      if exists (select from public.full_disk) then
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
      end if;
      return null;
    end
  $$;
  create trigger refuse before insert or update on perdure.actor execute function refuse();
  create trigger refuse before insert or update on perdure.signal execute function refuse();
  create trigger refuse before insert or update on perdure.dedup execute function refuse()`

export const FORGET = 'truncate past, full_disk, perdure.actor, perdure.node cascade'

type Ask = (text: string) => Promise<readonly Row[]>

export async function readCommits(ask: Ask): Promise<readonly Commit[]> {
  const rows = await ask(
    `select actor_id as actor, version, owner, (extract(epoch from at) * 1000)::float8 as at,
       snapshot #> '{context,taken}' as taken,
       json_build_object(
         'of', case when snapshot ->> 'value' = 'napping' then snapshot #>> '{context,busy,n}' end,
         'dueAt', case when snapshot ->> 'value' = 'napping' then extract(epoch from timer_at) * 1000 end,
         'now', extract(epoch from at) * 1000
       ) as timer
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

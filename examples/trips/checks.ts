/**
 * What a trip promises, and what the database says of it when the run is over.
 *
 * The evidence is what the bank, the providers and the mail server wrote down; of perdure's own rows only the states that the trips
 * ended in.
 */
import type { ISql } from 'postgres'
import type { Check } from '../shared/screen.ts'

export interface Evidence {
  readonly trips: number
  /** What a worker had under way when it was killed. */
  readonly orphaned: readonly string[]
}

/** A connection, or a transaction on one. */
export type Sql = ISql

type Checker = (sql: Sql, evidence: Evidence) => Promise<Check>

const checkOutcomes: Checker = async (sql, { trips }) => {
  const { booked, undone, declined, whole } = await ask(sql<
    { booked: number; undone: number; declined: number; whole: number }[]
  >`
    select
      count(*) filter (where state = 'booked')::integer as booked,
      count(*) filter (where state = 'undone')::integer as undone,
      count(*) filter (where state = 'declined')::integer as declined,
      count(*) filter (where
        (state = 'booked' and confirmed = 3 and held = 0) or (state in ('undone', 'declined') and confirmed + held = 0)
      )::integer as whole
    from (
      select
        snapshot ->> 'value' as state,
        (
          select count(*) from trips_world.reservation
          where trip_no = (snapshot #>> '{context,tripNo}')::integer and reservation.state = 'confirmed'
        ) as confirmed,
        (
          select count(*) from trips_world.reservation
          where trip_no = (snapshot #>> '{context,tripNo}')::integer and reservation.state = 'reserved'
        ) as held
      from perdure_trips.actor where machine = 'trip'
    ) as trip`)
  return {
    promised: 'a trip is booked, or nothing is left of it',
    seen: `${many(booked)} booked, ${many(undone)} undone, ${many(declined)} declined, ${many(trips - whole)} in between`,
    isKept: whole === trips
  }
}

const checkTransfers: Checker = async (sql, { trips }) => {
  const { transfers, right } = await ask(sql<{ transfers: number; right: number }[]>`
    select
      (select count(*)::integer from trips_world.transfer) as transfers,
      count(*) filter (where transfers = case state
        when 'booked' then array[-cents]
        when 'undone' then array[-cents, cents]
        when 'declined' then '{}'
      end)::integer as right
    from (
      select
        snapshot ->> 'value' as state,
        (snapshot #>> '{context,cents}')::bigint as cents,
        array(
          select cents from trips_world.transfer
          where trip_no = (snapshot #>> '{context,tripNo}')::integer order by cents
        ) as transfers
      from perdure_trips.actor where machine = 'trip'
    ) as trip`)
  return {
    promised: 'money is moved once, and with its state',
    seen: `${many(transfers)} transfers, right for ${many(right)} of ${many(trips)} trips`,
    isKept: right === trips
  }
}

const checkBalances: Checker = async (sql) => {
  const { accounts, right, spent } = await ask(sql<{ accounts: number; right: number; spent: number }[]>`
    select
      count(*)::integer as accounts,
      count(*) filter (where cents = opening - price)::integer as right,
      sum(opening - cents)::integer as spent
    from trips_world.account, lateral (
      select coalesce(sum((snapshot #>> '{context,cents}')::bigint), 0) as price
      from perdure_trips.actor
      where snapshot ->> 'value' = 'booked' and snapshot #>> '{context,traveller}' = traveller
    ) as of_booked`)
  return {
    promised: 'accounts balance to the cent',
    seen: `${many(right)} of ${many(accounts)} accounts, ${(spent / 100).toLocaleString('en')} € spent`,
    isKept: right === accounts
  }
}

const checkMails: Checker = async (sql) => {
  const { due, told, mails, keys } = await ask(sql<{ due: number; told: number; mails: number; keys: number }[]>`
    select
      (
        select count(*)::integer from perdure_trips.actor
        where machine = 'trip' and snapshot ->> 'value' in ('booked', 'undone')
      ) as due,
      count(distinct trip_no)::integer as told,
      count(*)::integer as mails,
      count(distinct key)::integer as keys
    from trips_world.mail`)
  return {
    promised: 'each traveller is told, at least once',
    seen: `${many(told)} of ${many(due)} told, ${many(mails - keys)} mails came again, under the same key`,
    isKept: told === due && keys === due
  }
}

const checkRetries: Checker = async (sql) => {
  const { calls, again, keys, most } = await ask(sql<{ calls: number; again: number; keys: number; most: number }[]>`
    select
      count(*)::integer as calls,
      count(*) filter (where attempt > 1)::integer as again,
      count(distinct key)::integer as keys,
      max(attempt) as most
    from trips_world.call`)
  return {
    promised: 'what fails is tried again',
    seen: `${many(keys)} requests, ${many(calls)} calls, ${many(again)} of them further attempts, ${many(most)} at most`,
    isKept: again > 0
  }
}

const checkChildren: Checker = async (sql) => {
  const { children, due, alive } = await ask(sql<{ children: number; due: number; alive: number }[]>`
    select
      count(*) filter (where parent is not null)::integer as children,
      (3 * (select count(distinct trip_no) from trips_world.transfer))::integer as due,
      count(*) filter (where status not in ('done', 'failed', 'stopped'))::integer as alive
    from perdure_trips.actor`)
  return {
    promised: 'no booking outlives its trip',
    seen: `${many(children)} bookings for ${many(due / 3)} paid trips, ${many(alive)} still run`,
    isKept: children === due && alive === 0
  }
}

const checkRecovery: Checker = async (sql, { orphaned }) => {
  const { ended } = await ask(sql<{ ended: number }[]>`
    select count(*)::integer as ended from perdure_trips.actor
    where id = any (${orphaned}::uuid[]) and status = 'done'`)
  return {
    promised: 'what a killed worker had goes on elsewhere',
    seen: `${many(ended)} of ${many(orphaned.length)} trips and bookings came to their end`,
    isKept: orphaned.length > 0 && ended === orphaned.length
  }
}

const checkers = [checkOutcomes, checkTransfers, checkBalances, checkMails, checkRetries, checkChildren, checkRecovery]

export function checkPromises(sql: Sql, evidence: Evidence): Promise<readonly Check[]> {
  return Promise.all(checkers.map((check) => check(sql, evidence)))
}

/** The one row of a query that always has one. */
async function ask<Row>(query: PromiseLike<readonly Row[]>): Promise<Row> {
  const [row] = await query
  if (row === undefined) throw new Error('the query has no answer')
  return row
}

const many = (count: number): string => count.toLocaleString('en')

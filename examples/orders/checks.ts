/**
 * What perdure promises, and what the database says of it when the run is over.
 *
 * The evidence is not perdure's own: calls and mails were written down by those who got them, steps by a trigger (world.sql).
 */
import type { ISql } from 'postgres'
import type { Check } from '../shared/screen.ts'
import { isPaidEarly, type Tally } from './customers.ts'

export interface Evidence {
  readonly orders: number
  readonly tally: Tally
  /** By the database's clock. */
  readonly killedAt: Date
}

/** A connection, or a transaction on one. */
export type Sql = ISql

type Checker = (sql: Sql, evidence: Evidence) => Promise<Check>

const checkArrival: Checker = async (sql, { orders }) => {
  const { shipped } = await ask(sql<{ shipped: number }[]>`
    select count(*)::integer as shipped from perdure_orders.actor
    where status = 'done' and snapshot ->> 'value' = 'shipped'`)
  return {
    promised: 'every order arrives',
    seen: `${many(shipped)} of ${many(orders)} shipped`,
    isKept: shipped === orders
  }
}

const checkEvents: Checker = async (sql, { tally }) => {
  const { applied, left } = await ask(sql<{ applied: number; left: number }[]>`
    select
      (select sum(json_array_length(output -> 'heard'))::integer from perdure_orders.actor) as applied,
      (select count(*)::integer from perdure_orders.signal) as left`)
  return {
    promised: 'an accepted event is applied, once',
    seen: `${many(tally.accepted)} accepted, ${many(applied)} applied, ${many(left)} left over`,
    isKept: applied === tally.accepted && left === 0
  }
}

const checkPayments: Checker = async (sql, { orders, tally }) => {
  const { right } = await ask(sql<{ right: number }[]>`
    select count(*)::integer as right from perdure_orders.actor where output ->> 'paid' = output ->> 'amount'`)
  return {
    promised: 'a payment told twice counts once',
    seen: `${many(tally.duplicates)} turned away, ${many(right)} amounts right`,
    isKept: tally.duplicates === orders && right === orders
  }
}

const checkEarlyPayments: Checker = async (sql, { orders }) => {
  const early = Array.from({ length: orders }, (_, index) => index + 1).filter(isPaidEarly)
  const { waited } = await ask(sql<{ waited: number }[]>`
    select count(*)::integer as waited from perdure_orders.actor
    where (output ->> 'orderNo')::integer = any (${early})
      and (output -> 'heard')::text = '["order.placed","payment.confirmed"]'`)
  return {
    promised: 'an early payment waits for its state',
    seen: `${many(early.length)} came early, ${many(waited)} waited`,
    isKept: waited === early.length
  }
}

const checkEffectsRan: Checker = async (sql, { orders }) => {
  const { receipts, parcels } = await ask(sql<{ receipts: number; parcels: number }[]>`
    select
      (select count(distinct order_no)::integer from orders_world.mail where kind = 'receipt') as receipts,
      (select count(distinct order_no)::integer from orders_world.parcel) as parcels`)
  return {
    promised: 'every effect of a committed step runs',
    seen: `${many(receipts)} orders have their receipt, ${many(parcels)} their parcel`,
    isKept: receipts === orders && parcels === orders
  }
}

const checkCalls: Checker = async (sql, { orders }) => {
  const { calls, keys, parcels } = await ask(sql<{ calls: number; keys: number; parcels: number }[]>`
    select
      (select count(*)::integer from orders_world.call) as calls,
      (select count(distinct key)::integer from orders_world.call) as keys,
      (select count(*)::integer from orders_world.parcel) as parcels`)
  return {
    promised: 'a call that runs again keeps its key',
    seen: `${many(calls - keys)} ran again, ${many(keys)} keys, ${many(parcels)} parcels`,
    isKept: keys === orders && parcels === orders
  }
}

const checkMails: Checker = async (sql) => {
  const { mails, keys, due } = await ask(sql<{ mails: number; keys: number; due: number }[]>`
    select
      count(*)::integer as mails,
      count(distinct key)::integer as keys,
      (
        select sum(reminders + 1)::integer
        from (select max(reminders) as reminders from orders_world.step group by actor) as of_order
      ) as due
    from orders_world.mail`)
  return {
    promised: 'a mail that is sent again keeps its key',
    seen: `${many(mails - keys)} sent again, ${many(keys)} keys for ${many(due)} receipts and reminders`,
    isKept: keys === due
  }
}

/** Whoever did it must have found the step committed: by itself, or by the worker before it. */
const checkNoGhosts: Checker = async (sql) => {
  const { mails, calls } = await ask(sql<{ mails: number; calls: number }[]>`
    select
      (select count(*)::integer from orders_world.mail where not exists (
        select from orders_world.step
        where step.actor = mail.actor and step.version = mail.version and step.worker <= mail.worker)) as mails,
      (select count(*)::integer from orders_world.call where not exists (
        select from orders_world.step
        where step.order_no = call.order_no and step.state = 'shipping' and step.worker <= call.worker)) as calls`)
  return {
    promised: 'no effect of a step not committed',
    seen: `${many(mails)} mails and ${many(calls)} calls without their step`,
    isKept: mails === 0 && calls === 0
  }
}

const checkVersions: Checker = async (sql, { orders }) => {
  const { steps, whole } = await ask(sql<{ steps: number; whole: number }[]>`
    select
      (select count(*)::integer from orders_world.step) as steps,
      count(*)::integer as whole
    from perdure_orders.actor
    join (
      select actor, count(*) as steps, count(distinct version) as versions, min(version) as first, max(version) as last
      from orders_world.step group by actor
    ) as history on history.actor = actor.id
    where first = 1 and last = actor.version and versions = last and steps = last`)
  return {
    promised: 'versions have no gap, none is written twice',
    seen: `${many(steps)} steps, ${many(whole)} of ${many(orders)} histories whole`,
    isKept: whole === orders
  }
}

const checkOwners: Checker = async (sql) => {
  const { moved, torn } = await ask(sql<{ moved: number; torn: number }[]>`
    select
      count(*) filter (where last_of_1 < first_of_2)::integer as moved,
      count(*) filter (where last_of_1 >= first_of_2 or has_strangers)::integer as torn
    from (
      select
        max(version) filter (where worker = 1) as last_of_1,
        min(version) filter (where worker = 2) as first_of_2,
        bool_or(worker is null) as has_strangers
      from orders_world.step group by actor
    ) as history`)
  return {
    promised: 'one owner at a time',
    seen: `${many(moved)} orders changed hands, ${many(torn)} were in both at once`,
    isKept: torn === 0
  }
}

/** A timer's time stands in the row before it fires; the step that it makes is timed by the same clock. */
const checkTimers: Checker = async (sql, { orders }) => {
  const { fired, early, latestMs } = await ask(sql<{ fired: number; early: number; latestMs: number }[]>`
    select
      count(*)::integer as fired,
      count(*) filter (where after.at < before.timer_at)::integer as early,
      (extract(epoch from max(after.at - before.timer_at)) * 1000)::integer as "latestMs"
    from orders_world.step as before
    join orders_world.step as after on after.actor = before.actor and after.version = before.version + 1
    where (before.state = 'packing' and after.state <> 'packing') or after.reminders > before.reminders`)
  return {
    promised: 'no timer fires early',
    seen: `${many(fired)} fired, ${many(early)} early, the latest ${seconds(latestMs)} late`,
    isKept: early === 0 && fired >= orders
  }
}

const checkRecovery: Checker = async (sql, { killedAt }) => {
  const { tookMs } = await ask(sql<{ tookMs: number | null }[]>`
    select (extract(epoch from min(at) - ${killedAt}) * 1000)::integer as "tookMs"
    from orders_world.step where worker = 2`)
  return {
    promised: 'another worker takes over',
    seen: tookMs === null ? 'never' : `first step ${seconds(tookMs)} after the kill, its own start included`,
    isKept: tookMs !== null
  }
}

const checkers = [
  checkArrival,
  checkEvents,
  checkPayments,
  checkEarlyPayments,
  checkEffectsRan,
  checkCalls,
  checkMails,
  checkNoGhosts,
  checkVersions,
  checkOwners,
  checkTimers,
  checkRecovery
]

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
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

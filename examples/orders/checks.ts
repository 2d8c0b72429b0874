/**
 * What perdure promises, and what the database says of it when the run is over.
 *
 * The evidence is not perdure's own: calls and mails were written down by those who got them, steps by a trigger (world.sql).
 */
import type { Sql } from 'postgres'
import { isPaidEarly, type Tally } from './customers.ts'

export interface Check {
  readonly promised: string
  readonly seen: string
  readonly isKept: boolean
}

export interface Evidence {
  readonly sql: Sql
  readonly orders: number
  readonly tally: Tally
  /** By the database's clock. */
  readonly killedAt: Date
}

/** How long a node may be silent before it counts as dead, where nobody notices earlier. */
const leaseMs = 15_000

export async function checkPromises(evidence: Evidence): Promise<readonly Check[]> {
  const checks = [
    checkArrival,
    checkEvents,
    checkPayments,
    checkEarlyPayments,
    checkEffectsRan,
    checkParcels,
    checkMails,
    checkNoGhosts,
    checkVersions,
    checkOwners,
    checkTimers,
    checkRecovery
  ]
  return Promise.all(checks.map((check) => check(evidence)))
}

async function checkArrival({ sql, orders }: Evidence): Promise<Check> {
  const [row] = await sql<{ shipped: number }[]>`
    select count(*)::integer as shipped from perdure_orders.actor
    where status = 'done' and snapshot ->> 'value' = 'shipped'`
  return {
    promised: 'every order arrives',
    seen: `${row?.shipped} of ${orders} shipped`,
    isKept: row?.shipped === orders
  }
}

async function checkEvents({ sql, tally }: Evidence): Promise<Check> {
  const [row] = await sql<{ applied: number; waiting: number }[]>`
    select
      (select sum(json_array_length(output -> 'heard'))::integer from perdure_orders.actor) as applied,
      (select count(*)::integer from perdure_orders.signal) as waiting`
  return {
    promised: 'every event accepted is applied, once',
    seen: `${tally.accepted} accepted, ${row?.applied} applied, ${row?.waiting} left`,
    isKept: row?.applied === tally.accepted && row.waiting === 0
  }
}

async function checkPayments({ sql, orders, tally }: Evidence): Promise<Check> {
  const [row] = await sql<{ right: number }[]>`
    select count(*)::integer as right from perdure_orders.actor where output ->> 'paid' = output ->> 'amount'`
  return {
    promised: 'a payment that is told twice counts once',
    seen: `${orders} told twice, ${tally.duplicates} turned away, ${row?.right} amounts right`,
    isKept: tally.duplicates === orders && row?.right === orders
  }
}

async function checkEarlyPayments({ sql, orders }: Evidence): Promise<Check> {
  const early = Array.from({ length: orders }, (_, index) => index + 1).filter(isPaidEarly)
  const [row] = await sql<{ waited: number }[]>`
    select count(*)::integer as waited from perdure_orders.actor
    where (output ->> 'orderNo')::integer = any (${early})
      and (output -> 'heard')::text = '["order.placed","payment.confirmed"]'`
  return {
    promised: 'a payment that comes too early waits for its state',
    seen: `${early.length} came early, ${row?.waited} waited`,
    isKept: row?.waited === early.length
  }
}

async function checkEffectsRan({ sql, orders }: Evidence): Promise<Check> {
  const [row] = await sql<{ receipts: number; parcels: number }[]>`
    select
      (select count(distinct order_no)::integer from orders_world.mail where kind = 'receipt') as receipts,
      (select count(distinct order_no)::integer from orders_world.parcel) as parcels`
  return {
    promised: 'every effect of a committed step runs',
    seen: `${row?.receipts} orders have their receipt, ${row?.parcels} their parcel`,
    isKept: row?.receipts === orders && row.parcels === orders
  }
}

async function checkParcels({ sql, orders }: Evidence): Promise<Check> {
  const [row] = await sql<{ calls: number; keys: number; parcels: number }[]>`
    select
      (select count(*)::integer from orders_world.call) as calls,
      (select count(distinct key)::integer from orders_world.call) as keys,
      (select count(*)::integer from orders_world.parcel) as parcels`
  const { calls = 0, keys = 0, parcels = 0 } = row ?? {}
  return {
    promised: 'a call that runs again has the same key',
    seen: `${calls - orders} of ${calls} calls ran again after the kill, ${keys} keys, ${parcels} parcels`,
    isKept: keys === orders && parcels === orders && calls >= orders
  }
}

async function checkMails({ sql }: Evidence): Promise<Check> {
  const [row] = await sql<{ mails: number; keys: number; due: number }[]>`
    select
      count(*)::integer as mails,
      count(distinct key)::integer as keys,
      (select sum(reminders)::integer from (
        select max(reminders) + 1 as reminders from orders_world.step group by actor) as of_order) as due
    from orders_world.mail`
  const { mails = 0, keys = 0, due = 0 } = row ?? {}
  return {
    promised: 'so has a mail: a receipt, or a reminder',
    seen: `${mails - keys} of ${mails} mails sent again, ${keys} keys for ${due} mails due`,
    isKept: keys === due
  }
}

/** The one that did it must have found the step committed: by itself, or by the worker before it. */
async function checkNoGhosts({ sql }: Evidence): Promise<Check> {
  const [row] = await sql<{ mails: number; calls: number }[]>`
    select
      (select count(*)::integer from orders_world.mail where not exists (
        select from orders_world.step
        where step.actor = mail.actor and step.version = mail.version and step.worker <= mail.worker)) as mails,
      (select count(*)::integer from orders_world.call where not exists (
        select from orders_world.step
        where step.order_no = call.order_no and step.state = 'shipping' and step.worker <= call.worker)) as calls`
  return {
    promised: 'no effect of a step that is not committed',
    seen: `${row?.mails} mails and ${row?.calls} calls without their step`,
    isKept: row?.mails === 0 && row.calls === 0
  }
}

async function checkVersions({ sql, orders }: Evidence): Promise<Check> {
  const [row] = await sql<{ steps: number; whole: number }[]>`
    select
      (select count(*)::integer from orders_world.step) as steps,
      count(*)::integer as whole
    from perdure_orders.actor
    join (
      select actor, count(*) as steps, count(distinct version) as versions, min(version) as first, max(version) as last
      from orders_world.step group by actor
    ) as history on history.actor = actor.id
    where first = 1 and last = actor.version and versions = last and steps = last`
  return {
    promised: 'versions have no gap, each is written once',
    seen: `${row?.steps} steps, ${row?.whole} of ${orders} histories whole`,
    isKept: row?.whole === orders
  }
}

async function checkOwners({ sql }: Evidence): Promise<Check> {
  const [row] = await sql<{ moved: number; torn: number }[]>`
    select
      count(*) filter (where first_of_2 is not null and last_of_1 is not null)::integer as moved,
      count(*) filter (where last_of_1 > first_of_2 or strangers > 0)::integer as torn
    from (
      select
        max(version) filter (where worker = 1) as last_of_1,
        min(version) filter (where worker = 2) as first_of_2,
        count(*) filter (where worker is null) as strangers
      from orders_world.step group by actor
    ) as history`
  return {
    promised: 'one owner at a time',
    seen: `${row?.moved} orders changed hands, ${row?.torn} were written by both at once`,
    isKept: row?.torn === 0
  }
}

/** A timer's time stands in the row before it fires; the step that it makes is timed by the same clock. */
async function checkTimers({ sql, orders }: Evidence): Promise<Check> {
  const [row] = await sql<{ fired: number; early: number; latestMs: number }[]>`
    select
      count(*)::integer as fired,
      count(*) filter (where after.at < before.timer_at)::integer as early,
      (extract(epoch from max(after.at - before.timer_at)) * 1000)::integer as "latestMs"
    from orders_world.step as before
    join orders_world.step as after on after.actor = before.actor and after.version = before.version + 1
    where (before.state = 'packing' and after.state <> 'packing') or after.reminders > before.reminders`
  const { fired = 0, early = 0, latestMs = 0 } = row ?? {}
  return {
    promised: 'no timer fires early',
    seen: `${fired} fired, ${early} early, the latest ${seconds(latestMs)} late`,
    isKept: early === 0 && fired >= orders
  }
}

async function checkRecovery({ sql, killedAt }: Evidence): Promise<Check> {
  const [row] = await sql<{ tookMs: number | null }[]>`
    select (extract(epoch from min(at) - ${killedAt}) * 1000)::integer as "tookMs"
    from orders_world.step where worker = 2`
  const tookMs = row?.tookMs ?? Infinity
  return {
    promised: 'a dead worker is replaced before its lease ends',
    seen: `${seconds(tookMs)} from the kill to the first step of worker 2, its own start included`,
    isKept: tookMs < leaseMs
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

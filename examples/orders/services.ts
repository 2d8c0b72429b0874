/**
 * The world outside: a mail spool and a carrier. Both are told each request's idempotency key, and write down every request
 * that reaches them, so that what ran twice can be counted.
 *
 * Owns: what a worker process does to the world. Does not own: the tables of the carrier (world.sql).
 *
 * Invariant
 * 1. A parcel is booked once for an idempotency key, however often the carrier is called with it.
 */
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { idempotencyKey } from 'perdure'
import postgres from 'postgres'
import { fromPromise } from 'xstate'
import { readWorkerSettings } from './worker-settings.ts'

export type MailKind = 'reminder' | 'receipt'

/** One line of the spool. */
export interface Mail {
  readonly kind: MailKind
  readonly orderNo: number
  readonly worker: number
  readonly key: string
}

/** How long the carrier takes to answer once it has booked: the time in which a crash leaves the caller in the dark. */
const answerTakesMs = 500

let carrier: postgres.Sql | undefined

/** Hands a mail to the spool. An action is over when it returns, so it writes before it does; what takes time is invoked. */
export function sendMail(kind: MailKind, orderNo: number): void {
  const { worker, spool } = readWorkerSettings()
  const mail: Mail = { kind, orderNo, worker, key: readKey() }
  appendFileSync(spool, `${JSON.stringify(mail)}\n`)
}

/** Books a parcel; its output is the tracking number. */
export const bookParcel = fromPromise<string, { readonly orderNo: number }>(async ({ input: { orderNo } }) => {
  const { database, worker } = readWorkerSettings()
  const key = readKey()
  carrier ??= postgres(database, { max: 10 })
  await carrier`insert into orders_world.call (key, order_no, worker) values (${key}, ${orderNo}, ${worker})`
  await carrier`
    insert into orders_world.parcel (key, order_no) values (${key}, ${orderNo}) on conflict (key) do nothing`
  const [parcel] = await carrier<[{ tracking: string }]>`select tracking from orders_world.parcel where key = ${key}`
  await pause(answerTakesMs)
  return parcel.tracking
})

export async function closeServices(): Promise<void> {
  await carrier?.end()
}

function readKey(): string {
  const key = idempotencyKey()
  if (key === undefined) throw new Error('called outside of a durable actor')
  return key
}

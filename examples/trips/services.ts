/**
 * The world outside: those who have flights, hotels and cars, and a mail server. All of them answer late, now and then not at all,
 * and now and then only after they have done what they were asked for.
 *
 * Owns: what a worker process asks of the world, as activities. Does not own: the world's tables (world.sql).
 *
 * Invariants
 * 1. A reference names one reservation. Asked for again it is the same; once withdrawn it stays so, also where the request for it
 *    comes after that.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { activity, NonRetryableError, type ActivityArgs } from 'perdure'
import postgres from 'postgres'
import { chance } from './chance.ts'
import { readWorkerSettings } from './worker-settings.ts'

export type Kind = 'flight' | 'hotel' | 'car'

export interface Wish {
  readonly tripNo: number
  readonly kind: Kind
}

/** How often there is nothing left to be had. */
const soldOut = 0.12
/** How often an attempt comes to nothing. */
const unreachable = 0.2
const answerTakesMs = 60

const patient = { maxAttempts: 20, initial: '40 millis', max: '400 millis' } as const

let connections: postgres.Sql | undefined

export const reserve = activity(
  (args: ActivityArgs<Wish>) =>
    call('reserve', args, async (sql) => {
      const { tripNo, kind } = args.input
      const { seed } = readWorkerSettings()
      if (chance(seed, 'sold out', tripNo, kind) < soldOut) throw new NonRetryableError(`no ${kind} is left`)
      await sql`
        insert into trips_world.reservation values (${referenceOf(args.input)}, ${tripNo}, ${kind}, 'reserved')
        on conflict do nothing`
    }),
  { retry: { ...patient, maxAttempts: 6 }, timeout: '5 seconds' }
)

export const confirm = activity(
  (args: ActivityArgs<Wish>) =>
    call('confirm', args, async (sql) => {
      await sql`
        update trips_world.reservation set state = 'confirmed'
        where reference = ${referenceOf(args.input)} and state = 'reserved'`
    }),
  { retry: patient, timeout: '5 seconds' }
)

export const withdraw = activity(
  (args: ActivityArgs<Wish>) =>
    call('withdraw', args, async (sql) => {
      const { tripNo, kind } = args.input
      await sql`
        insert into trips_world.reservation values (${referenceOf(args.input)}, ${tripNo}, ${kind}, 'withdrawn')
        on conflict (reference) do update set state = 'withdrawn'`
    }),
  { retry: patient, timeout: '5 seconds' }
)

export const sendMail = activity(
  (args: ActivityArgs<{ readonly tripNo: number; readonly subject: string }>) =>
    call('mail', args, async (sql) => {
      const { tripNo, subject } = args.input
      await sql`insert into trips_world.mail values (${tripNo}, ${subject}, ${args.idempotencyKey})`
    }),
  { retry: patient, timeout: '5 seconds' }
)

export async function closeServices(): Promise<void> {
  await connections?.end()
}

function referenceOf({ tripNo, kind }: Wish): string {
  return `${kind} of trip ${tripNo}`
}

/** One attempt. Of those that fail, half have done `work` all the same: only the answer was lost. */
async function call(
  what: string,
  { input, idempotencyKey, attempt, signal }: ActivityArgs<{ readonly tripNo: number }>,
  work: (sql: postgres.Sql) => Promise<void>
): Promise<void> {
  const { database, worker, seed } = readWorkerSettings()
  const sql = (connections ??= postgres(database, { max: 5 }))
  const luck = chance(seed, what, JSON.stringify(input), attempt) / unreachable
  await sql`insert into trips_world.call values (${what}, ${input.tripNo}, ${idempotencyKey}, ${attempt}, ${worker})`
  if (luck < 0.5) throw new Error('the line is busy')
  await work(sql)
  await pause(answerTakesMs, undefined, { signal })
  if (luck < 1) throw new Error('the line broke before the answer came')
}

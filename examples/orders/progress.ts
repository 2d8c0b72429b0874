/**
 * How far the orders have come, asked of the database a few times a second.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Screen } from '../shared/screen.ts'
import type { Sql } from './checks.ts'

export interface Progress {
  readonly shipped: number
  readonly callsUnderWay: number
  /** Those of them that will not be answered for a while. */
  readonly callsJustBegun: number
}

export interface WatchOptions {
  readonly sql: Sql
  readonly orders: number
  readonly screen: Screen
  /** Where one of these fails, there is nothing left to wait for. */
  readonly needs: readonly Promise<unknown>[]
  readonly until: (progress: Progress) => boolean
}

const lookEveryMs = 100

/** Shows the progress until `until` holds; rejects as soon as one of `needs` does. */
export async function watchProgress({ sql, orders, screen, needs, until }: WatchOptions): Promise<Progress> {
  const bar = screen.startBar(orders, 'shipped')
  let failure: { readonly error: unknown } | undefined
  for (const need of needs) need.catch((error: unknown) => (failure = { error }))
  try {
    for (;;) {
      const progress = await readProgress(sql)
      bar.update(progress.shipped)
      if (until(progress)) return progress
      if (failure) throw failure.error
      await pause(lookEveryMs)
    }
  } finally {
    bar.stop()
  }
}

async function readProgress(sql: Sql): Promise<Progress> {
  const [row] = await sql<[{ shipped: number; calls: number; justBegun: number }]>`
    select
      (select count(*)::integer from perdure_orders.actor where status = 'done') as shipped,
      (select count(distinct key)::integer from orders_world.call) as calls,
      (
        select count(*)::integer from orders_world.call where at > clock_timestamp() - interval '300 ms'
      ) as "justBegun"`
  const { shipped, calls, justBegun } = row
  return { shipped, callsUnderWay: calls - shipped, callsJustBegun: justBegun }
}

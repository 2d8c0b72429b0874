/** Steps whose statements lose a race for rows: tried again, so often and no more. */
import type pg from 'pg'
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { transaction, type TransactionArgs } from 'perdure'
import type { TransactionOptions } from '../../src/logics/transaction.ts'
import { openStage } from './stage.ts'

const { db, start } = await openStage()
await db.sql('create table stock (pieces integer not null)')

/** Its first `losses` attempts fail with `code`. */
const racing = (losses: number, code: string, options?: TransactionOptions) => {
  const attempts: number[] = []
  const step = transaction(async ({ client, attempt }: TransactionArgs<unknown, pg.ClientBase>) => {
    attempts.push(attempt)
    await client.query('update stock set pieces = pieces - 1')
    if (attempt <= losses) await client.query(`do $$ begin raise exception 'lost' using errcode = '${code}'; end $$`)
  }, options)
  const machine = setup({ actors: { step } }).createMachine({
    id: 'racing',
    initial: 'racing',
    states: { racing: { invoke: { src: 'step', onDone: 'won', onError: 'lost' } }, won: {}, lost: {} }
  })
  return { machine, attempts }
}

test.each<[string, string, string, number, 'won' | 'lost', TransactionOptions | undefined]>([
  ['deadlock', '40P01', 'is tried again', 3, 'won', undefined],
  ['serialization failure', '40001', 'is tried again', 3, 'won', undefined],
  ['deadlock', '40P01', 'is told in the end, where it does not cease', 5, 'lost', undefined],
  ['deadlock', '40P01', 'is told at once, where that is asked for', 1, 'lost', { retry: false }],
  ['broken constraint', '23514', 'is told at once', 1, 'lost', undefined]
])('of a step, a %s (%s) %s', async (_, code, _what, count, value, options) => {
  await db.sql('truncate stock')
  await db.sql('insert into stock values (9)')
  const { machine, attempts } = racing(value === 'won' ? count - 1 : Infinity, code, options)
  const ref = await (await start([machine])).spawn(machine)
  await ref.waitFor((snapshot) => snapshot.matches(value))
  expect(attempts).toEqual(Array.from({ length: count }, (_each, n) => n + 1))
  expect(await db.sql('select pieces from stock')).toEqual([{ pieces: value === 'won' ? 8 : 9 }])
})

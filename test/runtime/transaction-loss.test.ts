/** Steps whose connection is lost between two of their statements: nothing of them stands, and they begin again. */
import { once } from 'node:events'
import type pg from 'pg'
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { transaction, type TransactionArgs } from 'perdure'
import { openStage } from './stage.ts'

const { db, start, watch } = await openStage()
await db.sql('create table stock (pieces integer not null)')

/** Its first attempt is in `between` after one of its two statements. */
const taking = (between: (client: pg.ClientBase) => Promise<void>) => {
  const attempts: number[] = []
  const step = transaction(async ({ client, attempt }: TransactionArgs<unknown, pg.ClientBase>) => {
    attempts.push(attempt)
    await client.query('update stock set pieces = pieces - 1')
    if (attempts.length === 1) await between(client)
    await client.query('update stock set pieces = pieces - 1')
  })
  const machine = setup({ actors: { step } }).createMachine({
    id: 'taking',
    initial: 'taking',
    states: { taking: { invoke: { src: 'step', onDone: 'taken', onError: 'refused' } }, taken: {}, refused: {} }
  })
  return { machine, attempts }
}

/** The server ends the connection, and the client has heard of it. */
async function lose(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const lost = once(client, 'error')
  await db.sql('select pg_terminate_backend($1)', [rows[0]?.pid])
  await lost
}

const ways: readonly [string, (client: pg.ClientBase) => Promise<void>][] = [
  ['is told by its next statement', lose],
  [
    'gives an error of its own for it',
    async (client) => {
      await lose(client)
      throw new Error('could not go on')
    }
  ]
]

test.each(
  ways.flatMap(([what, between]) =>
    ['a connection string', 'a pool of the caller’s'].map((over) => [what, over, between] as const)
  )
)('a step that loses its connection, and %s, begins again, over %s', async (_what, over, between) => {
  await db.sql('truncate stock')
  await db.sql('insert into stock values (9)')
  const { machine, attempts } = taking(between)
  const runtime = await start([machine], over === 'a connection string' ? {} : { database: watch().pool })
  const ref = await runtime.spawn(machine)
  const { value } = await ref.waitFor((snapshot) => !snapshot.matches('taking'))
  expect(value).toBe('taken')
  expect(attempts).toEqual([1, 1])
  expect(await db.sql('select pieces from stock')).toEqual([{ pieces: 7 }])
})

/** What a `transaction` step on postgres.js does when its connection is lost, and its function runs on. */
import postgres from 'postgres'
import { setup } from 'xstate'
import { expect, onTestFinished, test } from 'vitest'
import { transaction, type TransactionArgs } from 'perdure'
import { openStage } from './stage.ts'

const { db, start } = await openStage()
await db.sql('create table stock (pieces integer not null)')

const signal = (): readonly [Promise<void>, () => void] => {
  let send = (): void => undefined
  const sent = new Promise<void>((resolve) => (send = resolve))
  return [sent, send]
}

const take = 'update stock set pieces = pieces - 1 returning pg_backend_pid() as pid'

test('on postgres.js, a step that goes on after it has lost its connection does nothing in the attempt after it', async () => {
  await db.sql('insert into stock values (9)')
  const sql = postgres(db.url, { max: 5, onnotice: () => undefined })
  onTestFinished(() => sql.end())
  const [begun, begin] = signal()
  const [sent, send] = signal()
  let runs = 0
  const step = transaction(async ({ client }: TransactionArgs<unknown, postgres.TransactionSql>) => {
    const isFirst = ++runs === 1
    const [row] = await client.unsafe(take)
    if (isFirst) {
      await db.sql('select pg_terminate_backend($1)', [row?.['pid']])
      await begun
      void client.unsafe(take).catch(() => undefined)
      send()
      return
    }
    begin()
    await sent
    // Answered after what was sent before it, if that is here.
    await client.unsafe('select 1')
  })
  const machine = setup({ actors: { step } }).createMachine({
    id: 'taking',
    initial: 'taking',
    states: { taking: { invoke: { src: 'step', onDone: 'taken', onError: 'refused' } }, taken: {}, refused: {} }
  })
  const ref = await (await start([machine], { database: sql })).spawn(machine)
  const { value } = await ref.waitFor((snapshot) => !snapshot.matches('taking'))
  expect(value).toBe('taken')
  expect(runs).toBe(2)
  expect(await db.sql('select pieces from stock')).toEqual([{ pieces: 8 }])
})

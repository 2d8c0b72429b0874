/** What code of a step does with its client beyond what it may: nothing of it reaches the server. */
import pg from 'pg'
import postgres from 'postgres'
import { setup } from 'xstate'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { transaction, type TransactionArgs } from 'perdure'
import { openStage } from './stage.ts'

const { db, start } = await openStage()
await db.sql('create table log (what text)')
beforeEach(async () => void (await db.sql('truncate log')))

type Query = (sql: string) => Promise<unknown>

const clients: Readonly<Record<string, readonly [() => unknown, (client: unknown) => Query]>> = {
  'a connection string': [() => db.url, (client) => (sql) => (client as pg.ClientBase).query(sql)],
  'a pg.Pool': [
    () => {
      const pool = new pg.Pool({ connectionString: db.url })
      onTestFinished(() => pool.end())
      return pool
    },
    (client) => (sql) => (client as pg.ClientBase).query(sql)
  ],
  'a postgres.js instance': [
    () => {
      const sql = postgres(db.url)
      onTestFinished(() => sql.end())
      return sql
    },
    (client) => (sql) => (client as postgres.Sql).unsafe(sql)
  ]
}

/** A machine whose one step does this; resolves to where that has led. */
async function take(database: unknown, step: (client: unknown) => Promise<void>): Promise<unknown> {
  const machine = setup({
    actors: { step: transaction(({ client }: TransactionArgs<unknown>) => step(client)) }
  }).createMachine({
    id: 'stepping',
    initial: 'stepping',
    states: { stepping: { invoke: { src: 'step', onDone: 'done', onError: 'failed' } }, done: {}, failed: {} }
  })
  const runtime = await start([machine], { database })
  const ref = await runtime.spawn(machine)
  return (await ref.waitFor((snapshot) => !snapshot.matches('stepping'))).value
}

describe.each(Object.entries(clients))('over %s', (_over, [openDatabase, toQuery]) => {
  test.each([
    ['failed', []],
    ['done', [{ what: 'in time' }]]
  ])('what a branch of a step still sends when that is %s reaches no server', async (end, left) => {
    let goOn = (): void => undefined
    const over = new Promise<void>((resolve) => (goOn = resolve))
    let fate: Promise<unknown> = Promise.resolve('never asked')
    const step = async (client: unknown) => {
      const query = toQuery(client)
      const first = query("insert into log values ('in time')")
      const second = first.then(() => over).then(() => query("insert into log values ('late')"))
      fate = second.catch(String)
      await first
      if (end === 'failed') throw new Error('the other branch failed')
    }
    expect(await take(openDatabase(), step)).toBe(end)
    goOn()
    expect(await fate).toContain('the transaction is over')
    expect(await db.sql('select what from log')).toEqual(left)
  })
})

test.each(
  ['a connection string', 'a pg.Pool'].flatMap((over) => ['release', 'end'].map((name) => [over, name] as const))
)('a step over %s that calls %s() fails, and nothing of it stands', async (over, name) => {
  const [openDatabase, toQuery] = clients[over] as (typeof clients)[string]
  const errors: unknown[] = []
  const step = async (client: unknown) => {
    await toQuery(client)("insert into log values ('before')")
    try {
      ;(client as Record<string, () => void>)[name]?.()
    } catch (error) {
      errors.push(error)
      throw error
    }
  }
  expect(await take(openDatabase(), step)).toBe('failed')
  expect(errors).toEqual([new Error(`the client of a transaction step is not yours to ${name}`)])
  expect(await db.sql('select what from log')).toEqual([])
})

test('over postgres.js neither a query that nobody has waited for yet, nor the client of a savepoint, outlives the step', async () => {
  const sql = postgres(db.url)
  onTestFinished(() => sql.end())
  const late = "insert into log values ('late')"
  const kept: (() => Promise<unknown>)[] = []
  const step = async (client: unknown) => {
    const tx = client as postgres.TransactionSql
    const query = tx.unsafe(late)
    kept.push(async () => query)
    await tx.savepoint(async (inner) => {
      await inner.unsafe("insert into log values ('in time')")
      kept.push(async () => inner.unsafe(late))
    })
  }
  expect(await take(sql, step)).toBe('done')
  for (const ask of kept) await expect(ask()).rejects.toThrow('the transaction is over')
  expect(await db.sql('select what from log')).toEqual([{ what: 'in time' }])
})

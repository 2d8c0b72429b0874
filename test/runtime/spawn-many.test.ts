/** `spawnMany`: one statement, duplicates left out. */
import { randomUUID } from 'node:crypto'
import { createMachine, setup } from 'xstate'
import { expect, test } from 'vitest'
import { NotSerializableError } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, watch } = await openStage()

const job = setup({ types: { input: {} as { n: number }, context: {} as { n: number } } }).createMachine({
  id: 'job',
  context: ({ input }) => ({ n: input.n })
})

test('a thousand actors are one statement, and all of them start', async () => {
  const { pool, statements } = watch()
  const runtime = await start([job], { database: pool })
  const ids = await runtime.spawnMany(
    job,
    Array.from({ length: 1000 }, (_, n) => ({ input: { n } }))
  )
  expect(statements.filter((name) => name === 'insert')).toHaveLength(1)
  await eventually(() => db.sql('select id from perdure.actor where version = 0')).toEqual([])
  const snapshot = await (await runtime.get(job, ids[999]!)).getSnapshot()
  expect(snapshot.context).toEqual({ n: 999 })
})

test('entries whose key or id is taken, also by one another, are left out; ids come in the order of the rest', async () => {
  const runtime = await start([job])
  const taken = await runtime.spawn(job, { input: { n: 0 }, key: 'taken' })
  const [first, second] = [randomUUID(), randomUUID()]
  const ids = await runtime.spawnMany(job, [
    { input: { n: 1 }, key: 'taken' },
    { input: { n: 2 }, key: 'new', id: first },
    { input: { n: 3 }, key: 'new' },
    { input: { n: 4 }, id: taken.id },
    { input: { n: 5 }, id: second },
    { input: { n: 6 }, id: second }
  ])
  expect(ids).toEqual([first, second])
  const contexts = ids.map(async (id) => (await (await runtime.get(job, id)).waitFor(() => true)).context)
  expect(await Promise.all(contexts)).toEqual([{ n: 2 }, { n: 5 }])
})

test('where one entry cannot be used, none is stored', async () => {
  const runtime = await start([job])
  const broken = [{ input: { n: 1 } }, { input: { n: (() => 1) as never } }]
  await expect(runtime.spawnMany(job, broken)).rejects.toThrow(NotSerializableError)
  expect(await db.sql('select id from perdure.actor')).toEqual([])
})

test('nothing to spawn is nothing to ask the database for', async () => {
  const { pool, statements } = watch()
  const runtime = await start([job], { database: pool })
  expect(await runtime.spawnMany(job, [])).toEqual([])
  expect(statements).not.toContain('insert')
})

test('spawns of one moment share a statement', async () => {
  const { pool, statements } = watch()
  const empty = createMachine({ id: 'empty' })
  const runtime = await start([job, empty], { database: pool })
  const refs = await Promise.all([
    ...Array.from({ length: 50 }, (_, n) => runtime.spawn(job, { input: { n } })),
    ...Array.from({ length: 50 }, () => runtime.spawn(empty))
  ])
  expect(new Set(refs.map(({ id }) => id)).size).toBe(100)
  expect(statements.filter((name) => name === 'insert')).toHaveLength(1)
})

/** Spawning and sending as parts of the caller's own transaction, on every client that can hold one. */
import postgres from 'postgres'
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  ActorNotFoundError,
  ActorTerminatedError,
  createRuntime,
  DuplicateKeyError,
  InvalidArgumentError,
  type Runtime
} from 'perdure'
import { createLite } from '../support/pglite.ts'
import { counter } from './counter.ts'
import { openStage } from './stage.ts'

const { db, connect } = await openStage()
const sql = postgres(db.url, { onnotice: () => undefined, max: 1 })
const lite = await createLite()
await db.sql('create table purchase (id integer)')
await lite.exec('create table purchase (id integer)')
afterAll(() => Promise.all([sql.end(), lite.close()]))
beforeEach(async () => void (await db.sql('truncate purchase')))

const up = { type: 'UP' } as const

class Rollback extends Error {}

interface Client {
  readonly name: string
  readonly database: unknown
  /** Runs `work` in a transaction that commits, or rolls back where it throws. */
  inTransaction(work: (client: unknown) => Promise<void>): Promise<unknown>
  count(): Promise<unknown>
}

const clients: readonly Client[] = [
  {
    name: 'a pg client',
    database: db.url,
    inTransaction: async (work) => {
      const client = await connect()
      await client.query('begin')
      await client.query('insert into purchase values (1)')
      try {
        await work(client)
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      }
    },
    count: async () => (await db.sql('select count(*)::integer as n from purchase'))[0]?.['n']
  },
  {
    name: 'a postgres.js transaction',
    database: db.url,
    inTransaction: (work) =>
      sql.begin(async (tx) => {
        await tx`insert into purchase values (1)`
        await work(tx)
      }),
    count: async () => (await db.sql('select count(*)::integer as n from purchase'))[0]?.['n']
  },
  {
    name: 'a PGlite transaction',
    database: lite,
    inTransaction: (work) =>
      lite.transaction(async (tx) => {
        await tx.query('insert into purchase values (1)')
        await work(tx)
      }),
    count: async () => (await lite.query<{ n: number }>('select count(*)::integer as n from purchase')).rows[0]?.n
  }
]

describe.each(clients)('in $name', ({ database, inTransaction, count }) => {
  /** Nothing is found by polling. */
  const open = async (): Promise<Runtime<typeof counter>> => {
    const runtime = createRuntime({ database, machines: [counter], poll: '1 hour', passivateAfter: '1 hour' })
    onTestFinished(() => runtime.stop({ drain: 0 }))
    await runtime.migrate()
    await runtime.start()
    await lite.exec('truncate purchase')
    return runtime
  }

  test('an actor is spawned, sent to by its key, and runs right after the commit', async () => {
    const runtime = await open()
    const key = crypto.randomUUID()
    await inTransaction(async (client) => {
      const calls = runtime.withTransaction(client)
      await calls.spawn(counter, { key, input: { from: 5 } })
      expect(await calls.send({ key }, up, { dedupKey: 'up' })).toEqual({ status: 'queued' })
      expect(await calls.send({ key }, up, { dedupKey: 'up' })).toEqual({ status: 'duplicate' })
    })
    const ref = await runtime.get(counter, { key })
    expect(await ref.waitFor(({ context }) => context.n === 6)).toMatchObject({ value: 'on' })
    expect(await count()).toBe(1)
  })

  test('an actor that is awake takes its event right after the commit', async () => {
    const runtime = await open()
    const ref = await runtime.spawn(counter)
    await ref.send(up)
    await inTransaction(async (client) => void (await runtime.withTransaction(client).send(ref.id, up)))
    expect(await ref.waitFor(({ context }) => context.n === 2)).toMatchObject({ value: 'on' })
  })

  test('a rollback leaves nothing behind', async () => {
    const runtime = await open()
    const ref = await runtime.spawn(counter)
    const key = crypto.randomUUID()
    const failing = inTransaction(async (client) => {
      const calls = runtime.withTransaction(client)
      await calls.send(ref.id, up)
      await calls.spawn(counter, { key })
      throw new Rollback()
    })
    await expect(failing).rejects.toThrow(Rollback)
    await expect(runtime.get(counter, { key })).rejects.toThrow(ActorNotFoundError)
    expect(await ref.send(up)).toEqual({ status: 'applied' })
    expect((await ref.getSnapshot()).context).toEqual({ n: 1 })
    expect(await count()).toBe(0)
  })

  test('what is refused leaves the transaction usable', async () => {
    const runtime = await open()
    const taken = await runtime.spawn(counter, { key: crypto.randomUUID() })
    const over = await runtime.spawn(counter)
    await over.send({ type: 'END' })
    await over.result()
    const key = crypto.randomUUID()
    await inTransaction(async (client) => {
      const calls = runtime.withTransaction(client)
      const first = await calls.spawn(counter, { key })
      await expect(calls.spawn(counter, { key })).rejects.toMatchObject({ actorId: first.id })
      await expect(calls.spawn(counter, { key })).rejects.toThrow(DuplicateKeyError)
      expect((await calls.spawn(counter, { key, ifExists: 'return' })).id).toBe(first.id)
      expect(await calls.spawnMany(counter, [{ key }, {}])).toHaveLength(1)
      await expect(calls.send(over.id, up)).rejects.toThrow(ActorTerminatedError)
      await expect(calls.send(crypto.randomUUID(), up)).rejects.toThrow(ActorNotFoundError)
      await expect(calls.send({ key: 'nobody' }, up)).rejects.toThrow(ActorNotFoundError)
      await expect(calls.send('nonsense', up)).rejects.toThrow(InvalidArgumentError)
      await calls.send(taken.id, up)
    })
    await taken.waitFor(({ context }) => context.n === 1)
    expect(await count()).toBe(1)
  })
})

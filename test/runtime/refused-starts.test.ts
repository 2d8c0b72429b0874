/** `start` and `migrate` where the database is away, or refuses: a typed error that says what to do, and once that is done they go on. */
import pg from 'pg'
import postgres from 'postgres'
import { createMachine } from 'xstate'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  createRuntime,
  PerdureError,
  RuntimeNotRunningError,
  SchemaMismatchError,
  StoreRefusedError,
  StoreUnavailableError
} from 'perdure'
import { openMuteServer } from '../support/mute-server.ts'
import { openProxy } from '../support/proxy.ts'
import { eventually, openStage } from './stage.ts'

const { db, connect } = await openStage()
const machine = createMachine({ id: 'm' })
const database = new URL(db.url).pathname.slice(1)

/** Roles are the whole server's. */
const role = `${database}_user`
await db.sql(`create role ${role} login password 'secret'`)
afterAll(async () => {
  await db.sql(`drop owned by ${role}`)
  await db.sql(`drop role ${role}`)
})

/** What the message of a refused start asks for. */
const grant = async () => {
  await db.sql(`grant usage on schema perdure to ${role}`)
  await db.sql(`grant select, insert, update, delete on all tables in schema perdure to ${role}`)
}
const revoke = () => db.sql(`drop owned by ${role}`)

const signal = (): readonly [Promise<void>, () => void] => {
  let send = (): void => undefined
  const sent = new Promise<void>((resolve) => (send = resolve))
  return [sent, send]
}

const urlWith = (parts: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'search' | 'port'>>): string =>
  Object.assign(new URL(db.url), parts).href

const ofRole = urlWith({ username: role, password: 'secret' })

const create = (database: unknown, schema = 'perdure') => {
  const runtime = createRuntime({ database, schema, machines: [machine], warn: () => undefined })
  onTestFinished(() => runtime.stop({ drain: 0 }))
  return runtime
}

/** A pool or an instance of the caller's, ended after the test. */
const clients: readonly [string, (url: string) => unknown][] = [
  ['a connection string', (url) => url],
  [
    'a pg.Pool',
    (url) => {
      const pool = new pg.Pool({ connectionString: url })
      onTestFinished(() => pool.end())
      return pool
    }
  ],
  [
    'a postgres.js instance',
    (url) => {
      const sql = postgres(url, { onnotice: () => undefined })
      onTestFinished(() => sql.end())
      return sql
    }
  ]
]

/** What a call rejects with, which must be an error of ours that holds no more of the address than it may. */
async function refusalOf(call: Promise<void>): Promise<PerdureError> {
  const error: unknown = await call.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(PerdureError)
  expect((error as PerdureError).message).not.toMatch(
    /secret|guess|127\.0\.0\.1|localhost|postgres(ql)?:|_user|missing/
  )
  expect((error as PerdureError).cause).toBeInstanceOf(Error)
  return error as PerdureError
}

describe.each(clients)('over %s', (_, over) => {
  test.each(['start', 'migrate'] as const)('%s says that there is no server', async (call) => {
    const error = await refusalOf(create(over(urlWith({ password: 'secret', port: '1' })))[call]())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain(`was not available for ${call}() (ECONNREFUSED)`)
    expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  test.each(['start', 'migrate'] as const)('%s says that there is no such database', async (call) => {
    const error = await refusalOf(create(over(urlWith({ pathname: '/missing' })))[call]())
    expect(error).toBeInstanceOf(StoreRefusedError)
    expect(error).toMatchObject({
      code: '3D000',
      message: expect.stringContaining('Create it'),
      cause: { code: '3D000' }
    })
  })

  test('start and migrate end with a stop, though the server has said nothing', async () => {
    const stopAmidst = async (call: 'start' | 'migrate') => {
      const server = await openMuteServer()
      onTestFinished(() => server.close())
      const runtime = create(over(server.url))
      const calling = runtime[call]().catch((error: unknown) => error)
      await server.whenReached(1)
      await runtime.stop()
      return calling
    }
    for (const error of await Promise.all([stopAmidst('start'), stopAmidst('migrate')]))
      expect(error).toBeInstanceOf(RuntimeNotRunningError)
  })

  test('a user who is not let in is told so, and starts once that is mended', async () => {
    await db.sql(`alter role ${role} nologin password null`)
    const runtime = create(over(ofRole))
    for (const call of [() => runtime.start(), () => runtime.migrate()]) {
      const error = await refusalOf(call())
      expect(error).toMatchObject({ _tag: 'StoreRefusedError', code: expect.stringMatching(/^28/) })
      expect(error.message).toContain('Check the user and the password')
    }
    await db.sql(`alter role ${role} login password 'secret'`)
    await grant()
    await runtime.start()
    await revoke()
  })

  test('a user without rights is told which, and needs no others to start', async () => {
    const runtime = create(over(ofRole))
    const first = await refusalOf(runtime.start())
    expect(first).toMatchObject({ _tag: 'StoreRefusedError', code: '42501', cause: { code: '42501' } })
    expect(first.message).toContain("Grant it usage on schema 'perdure', and select, insert, update and delete")
    // With these it gets as far as to join.
    await db.sql(`grant usage on schema perdure to ${role}`)
    await db.sql(`grant select on all tables in schema perdure to ${role}`)
    expect(await refusalOf(runtime.start())).toMatchObject({ code: '42501' })
    await grant()
    await runtime.start()
    expect(await (await runtime.spawn(machine)).send({ type: 'any' })).toHaveProperty('status')
    await runtime.stop()
    await revoke()
  })

  test('a migration by a user without rights tells which, and goes on once they are granted', async () => {
    const runtime = create(over(ofRole), 'granted')
    const error = await refusalOf(runtime.migrate())
    expect(error).toMatchObject({ _tag: 'StoreRefusedError', code: '42501' })
    expect(error.message).toContain(
      "Call migrate() as one who may create schemas in this database, or who owns schema 'granted'"
    )
    await db.sql(`grant create on database ${database} to ${role}`)
    await runtime.migrate()
    await runtime.start()
    await runtime.stop()
    await db.sql('drop schema granted cascade')
    await db.sql(`revoke create on database ${database} from ${role}`)
  })

  test('a database that takes no writes is not available', async () => {
    await db.sql(`alter role ${role} in database ${database} set default_transaction_read_only = on`)
    await grant()
    const error = await refusalOf(create(over(ofRole)).start())
    expect(error).toMatchObject({ _tag: 'StoreUnavailableError', cause: { code: '25006' } })
    await db.sql(`alter role ${role} in database ${database} reset default_transaction_read_only`)
    await revoke()
  })
})

test('a password that is missing is told as one that is wrong', async () => {
  const error = await refusalOf(create(urlWith({ username: role, password: '' })).start())
  expect(error).toMatchObject({
    _tag: 'StoreRefusedError',
    message: expect.stringContaining('the password in `database`')
  })
})

test('what has no name of ours is told with its code, and is whole in the cause', async () => {
  const error = await refusalOf(create(urlWith({ search: '?options=-c%20no_such_setting=1' })).start())
  expect(error).toMatchObject({ _tag: 'StoreRefusedError', code: '42704', cause: { code: '42704' } })
  expect(error.message).toContain('the database, or its client, refused (42704). Change what it objects to; see cause.')
})

test('a start that was refused when it joined leaves no connection, and no node', async () => {
  await db.sql(`grant usage on schema perdure to ${role}`)
  await db.sql(`grant select on all tables in schema perdure to ${role}`)
  const runtime = create(ofRole)
  expect(await refusalOf(runtime.start())).toMatchObject({ code: '42501' })
  await eventually(() => db.sql('select pid from pg_stat_activity where usename = $1', [role])).toEqual([])
  expect(await db.sql('select id from perdure.node')).toEqual([])
  expect(runtime.tree()).toEqual([])
  await revoke()
})

test('a start that fails leaves a migration alone that is under way', async () => {
  const holder = await connect()
  await holder.query("begin; select pg_advisory_xact_lock(hashtextextended('perdure.migration', 0))")
  const runtime = create(db.url, 'late')
  const migrating = runtime.migrate()
  await expect(runtime.start()).rejects.toThrow(SchemaMismatchError)
  await holder.query('commit')
  await migrating
  await runtime.start()
})

/** The first is what is asked of a connection before it is used. */
test.each(['', 'schema_version', 'join', 'renew'])(
  "a runtime that is stopped as its start waits for the answer to '%s' is stopped, and has no connection any more",
  async (statement) => {
    const [reached, reach] = signal()
    let isHeld = false
    const proxy = await openProxy(db.url, (passage) => {
      if (isHeld || passage.statement !== statement || passage.at !== 'answered') return 'pass'
      isHeld = true
      reach()
      return 'hold'
    })
    const runtime = create(proxy.url)
    const starting = runtime.start().catch((error: unknown) => error)
    await reached
    const stopping = runtime.stop()
    proxy.heal()
    await stopping
    expect(await starting).toBeInstanceOf(RuntimeNotRunningError)
    await expect(runtime.start()).rejects.toThrow('stopped')
    await eventually(() => db.sql("select pid from pg_stat_activity where application_name = 'perdure'")).toEqual([])
    await proxy.close()
  }
)

test.each(['start', 'migrate'] as const)(
  '%s of a runtime that is stopped ends, and leaves no connection, though the server has fallen silent',
  async (call) => {
    const [reached, reach] = signal()
    const proxy = await openProxy(db.url, ({ statement }) => {
      if (statement !== 'schema_version') return 'pass'
      reach()
      return 'hold'
    })
    const runtime = create(proxy.url)
    const calling = runtime[call]().catch((error: unknown) => error)
    await reached
    await runtime.stop()
    expect(await calling).toBeInstanceOf(RuntimeNotRunningError)
    // It ends when the connections of its clients have.
    await proxy.close()
  }
)

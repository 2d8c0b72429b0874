/** What a driver promises of any client: which things it takes, whose they stay, and what a lost connection does. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, it } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { Driver, Session } from '../../src/persistence/drivers/driver.ts'
import { Lanes } from '../../src/persistence/drivers/lanes.ts'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import type { Statement } from '../../src/persistence/queries.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import { AbandonedError, classifyError } from '../../src/persistence/transient-errors.ts'
import { testDatabase } from '../support/database.ts'
import { createLite } from '../support/pglite.ts'

const { url, sql } = await testDatabase()
const queries = loadQueries('perdure')
const { pinPlans } = queries
const one: Statement = { name: 'one', text: 'select 1 as one' }
const pid: Statement = { name: 'pid', text: 'select pg_backend_pid() as pid' }
const sleepLong: Statement = { name: 'sleep_long', text: 'select pg_sleep(600)::text as slept' }
const unusedPort = 'postgres://someone:s3cret@127.0.0.1:1/nowhere'

const pools = {
  'a connection string': async () => ({ database: url as unknown, end: async () => undefined }),
  'a pg.Pool': async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    pool.on('error', () => undefined)
    return { database: pool as unknown, end: () => pool.end() }
  },
  'a postgres.js instance': async () => {
    const client = postgres(url, { max: 1, onnotice: () => undefined })
    return { database: client as unknown, end: () => client.end() }
  }
}

const ends: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

async function openOn(connect: () => Promise<{ database: unknown; end: () => Promise<void> }>): Promise<Driver> {
  const { database, end } = await connect()
  const driver = await openDriver(database, pinPlans)
  ends.push(end, () => driver.end())
  return driver
}

const pidOf = async (session: Session): Promise<number> => (await session.query(pid, []))[0]?.['pid'] as number

/** Ends a server process, and waits until it is gone. */
async function kill(process: number): Promise<void> {
  await sql('select pg_terminate_backend($1, 10000)', [process])
}

describe.each(Object.entries(pools))('a driver on %s', (name, connect) => {
  it('runs prepared statements, and again', async () => {
    const driver = await openOn(connect)
    const echo: Statement = {
      name: 'echo',
      text: 'select $1::text as text, $2::float8 as number, $3::integer as whole'
    }
    for (const text of ['"quoted" \\ {a,b}', '']) {
      expect(await driver.query(echo, [text, 0.5, 7])).toEqual([{ text, number: 0.5, whole: 7 }])
    }
  })

  it('reserves connections that are its own, though the pool has no more', async () => {
    const driver = await openOn(connect)
    const sessions = await Promise.all([driver.reserve(), driver.reserve()])
    const pids = await Promise.all([...sessions.map(pidOf), driver.query(pid, []).then(([row]) => row?.['pid'])])
    expect(new Set(pids).size).toBe(3)
    for (const session of sessions) await session.end()
  })

  it.each([
    'set statement_timeout = 1',
    'set search_path = pg_temp',
    'set session characteristics as transaction read only',
    'set role pg_monitor',
    'create temporary table left_over (id integer)',
    'prepare left_over as select 1',
    'declare left_over cursor with hold for select 1',
    'listen left_over',
    'select pg_advisory_lock(1)'
  ])('lends nobody a session that code has left other than it was: %s', async (text) => {
    const driver = await openOn(connect)
    const leave: Statement = { name: 'leave', text }
    const [left] = await driver.lend(queries, async (tx) => {
      await tx.query(leave, [])
      return tx.query(pid, [])
    })
    const look = () => sql('select from pg_stat_activity where pid = $1', [left?.['pid']])
    await expect.poll(look, { timeout: 10_000 }).toEqual([])
  })

  it('lends a session again that code has left as it was', async () => {
    const driver = await openOn(connect)
    const seen = new Set<unknown>()
    const isLentAgain = async (): Promise<boolean> => {
      const [row] = await driver.lend(queries, (tx) => tx.query(pid, []))
      return seen.size === seen.add(row?.['pid']).size
    }
    await expect.poll(isLentAgain, { timeout: 10_000 }).toBe(true)
  })

  it('resets settings of names that no server lists, but in a pool that may have made them itself', async () => {
    const driver = await openOn(connect)
    const set: Statement = { name: 'set_tenant', text: `set app.tenant = 'acme'` }
    const ask: Statement = {
      name: 'ask_tenant',
      text: `select pg_backend_pid() as pid, current_setting('app.tenant', true) as tenant`
    }
    const seen = new Map<unknown, unknown>()
    const isLentAgain = async (): Promise<boolean> => {
      const [row] = await driver.lend(queries, async (tx) => {
        const asked = await tx.query(ask, [])
        await tx.query(set, [])
        return asked
      })
      if (seen.has(row?.['pid'])) return (row?.['tenant'] || null) === (name === 'a pg.Pool' ? 'acme' : null)
      seen.set(row?.['pid'], row?.['tenant'])
      return false
    }
    await expect.poll(isLentAgain, { timeout: 10_000 }).toBe(true)
  })

  it('closes a connection whose transaction is given up, though its code still waits', async () => {
    const driver = await openOn(connect)
    const waiting: Promise<unknown>[] = []
    const lent = driver.lend(queries, async (tx) => {
      const [row] = await tx.query(pid, [])
      waiting.push(tx.query(sleepLong, []).catch(() => 'failed'))
      throw new AbandonedError(row?.['pid'])
    })
    const gone = await lent.catch((error: unknown) => error)
    expect(gone).toBeInstanceOf(AbandonedError)
    expect(await Promise.all(waiting)).toEqual(['failed'])
    await kill((gone as AbandonedError).cause as number)
    expect(await driver.lend(queries, (tx) => tx.query(one, []))).toEqual([{ one: 1 }])
  })

  it('outlives the end of a connection that nobody uses', async () => {
    const driver = await openOn(connect)
    const [row] = await driver.query(pid, [])
    await kill(row?.['pid'] as number)
    await expect.poll(() => driver.query(one, []).catch(classifyError)).toEqual([{ one: 1 }])
  })

  it('closes a session for good when its connection is lost', async () => {
    const session = await (await openOn(connect)).reserve()
    await kill(await pidOf(session))
    await expect.poll(() => session.isOpen).toBe(false)
    await expect(session.query(one, [])).rejects.toThrow(/closed|not queryable/)
    await session.end()
  })

  it('tells of a connection that is lost under a statement that the outcome is unknown', async () => {
    const session = await (await openOn(connect)).reserve()
    const process = await pidOf(session)
    const told = session.query(sleepLong, []).catch(classifyError)
    await kill(process)
    expect(await told).toBe('lost')
    await session.end()
  })
})

describe('lanes', () => {
  it('go on with another connection after one is lost', async () => {
    const lanes = new Lanes(await openOn(pools['a connection string']), 1)
    const [before] = await lanes.query(pid, [])
    await kill(before?.['pid'] as number)
    const answers = [await lanes.query(one, []).catch(classifyError), await lanes.query(one, [])]
    expect(answers[1]).toEqual([{ one: 1 }])
    await lanes.end()
  })

  it('open no more connections than they are told to, whatever waits', async () => {
    const lanes = new Lanes(await openOn(pools['a connection string']), 2)
    const rows = await Promise.all(Array.from({ length: 20 }, () => lanes.query(pid, [])))
    expect(new Set(rows.map(([row]) => row?.['pid'])).size).toBe(2)
    await lanes.end()
  })

  it('end though a statement is under way, which is told that its outcome is unknown', async () => {
    const lanes = new Lanes(await openOn(pools['a connection string']), 1)
    await lanes.query(one, [])
    const told = lanes.query(sleepLong, []).catch(classifyError)
    const sleeping = `select pid from pg_stat_activity where query like 'select pg_sleep%' and datname = current_database()`
    await expect.poll(() => sql(sleeping)).not.toEqual([])
    await lanes.end()
    expect(await told).toBe('lost')
    for (const { pid: process } of await sql(sleeping)) await kill(process as number)
  })

  it('pin plans before anything else', async () => {
    const lanes = new Lanes(await openOn(pools['a postgres.js instance']), 1)
    const setting: Statement = { name: 'setting', text: `select current_setting('enable_seqscan') as value` }
    expect(await lanes.query(setting, [])).toEqual([{ value: 'off' }])
    await lanes.end()
  })
})

describe('what is not ours', () => {
  // PGlite takes seconds to come up, and many where the machine is busy.
  it(
    'is not ended, as sessions on it are: a pg.Pool, a postgres.js instance, a PGlite',
    { timeout: 60_000 },
    async () => {
      const pool = new pg.Pool({ connectionString: url })
      const client = postgres(url)
      const lite = await createLite()
      for (const database of [pool, client, lite]) {
        const driver = await openDriver(database, pinPlans)
        const session = await driver.reserve()
        await session.end()
        expect(session.isOpen).toBe(false)
        await driver.end()
      }
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      expect([...(await client.unsafe('select 1 as one'))]).toEqual([{ one: 1 }])
      expect((await lite.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      await Promise.all([pool.end(), client.end(), lite.close()])
    }
  )
})

describe('a database', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', {}],
    ['a function', () => undefined],
    ['something with a query method', { query: () => undefined }],
    ['a host', 'localhost:5432'],
    ['a string for another database', 'mysql://localhost/db'],
    ['a single client', new pg.Client()]
  ])('cannot be %s', async (_name, database) => {
    await expect(openDriver(database, pinPlans)).rejects.toThrow(InvalidArgumentError)
  })

  it('is never printed, since it may hold a password', async () => {
    const error = await openDriver(`postgres:/someone:s3cret-${randomUUID()}@host/db`, pinPlans).catch(String)
    expect(error).not.toContain('s3cret')
  })

  it('that cannot be reached is unavailable, to be looked at, for statements and for reserved connections', async () => {
    expect(await openDriver(unusedPort, pinPlans).catch(classifyError)).toBe('unavailable')
    const driver = await openDriver(unusedPort, pinPlans, 'none')
    expect(await driver.query(one, []).catch(classifyError)).toBe('unavailable')
    expect(await driver.reserve().catch(classifyError)).toBe('unavailable')
    await driver.end()
  })
})

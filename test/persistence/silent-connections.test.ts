/** What a driver does about connections whose other end has gone without a word. */
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, it } from 'vitest'
import type { Driver } from '../../src/persistence/drivers/driver.ts'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import type { ConnectPostgres } from '../../src/persistence/drivers/postgres.ts'
import { createPostgresDriver } from '../../src/persistence/drivers/postgres.ts'
import { loadQueries, type Statement } from '../../src/persistence/queries.ts'
import { classifyError } from '../../src/persistence/transient-errors.ts'
import { testDatabase } from '../support/database.ts'
import { openMuteServer } from '../support/mute-server.ts'
import { openProxy } from '../support/proxy.ts'

const { url } = await testDatabase()
const queries = loadQueries('perdure')
const one: Statement = { name: 'one', text: 'select 1 as one' }
const HOUR_MS = 3_600_000
const connect = postgres as unknown as ConnectPostgres
const ends: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

const drivers: Readonly<Record<string, (url: string) => Promise<Driver>>> = {
  'pg, a pool of our own': (at) => openDriver(at, queries.pinPlans),
  'pg, a pool of the caller': (at) => {
    const pool = new pg.Pool({ connectionString: at })
    pool.on('error', () => undefined)
    ends.push(() => pool.end())
    return openDriver(pool, queries.pinPlans)
  },
  'postgres.js, an instance of our own': async (at) =>
    createPostgresDriver(connect(at, { onnotice: () => undefined }), connect, true, queries.pinPlans),
  'postgres.js, an instance of the caller': (at) => {
    const instance = postgres(at, { onnotice: () => undefined })
    ends.push(() => instance.end({ timeout: 0 }))
    return openDriver(instance, queries.pinPlans)
  }
}

async function open(openOn: (url: string) => Promise<Driver>) {
  const proxy = await openProxy(url, () => 'pass')
  ends.push(() => proxy.close())
  const driver = await openOn(proxy.url)
  ends.push(() => driver.end())
  return { driver, proxy }
}

/** Statements that were asked are on their way. */
const sent = () => new Promise((later) => setImmediate(later))

/** 'answered', or what kind of error it was. */
const fateOf = (asked: Promise<unknown>): Promise<string> => asked.then(() => 'answered', classifyError)

describe.each(Object.entries(drivers))('%s, when its connections are dropped', (_name, openOn) => {
  it('closes those that are reserved or lent: what is under way there is lost', async () => {
    const { driver, proxy } = await open(openOn)
    const [idle, busy] = await Promise.all([driver.reserve(), driver.reserve()])
    const fates = await new Promise<Promise<string>[]>((begun) => {
      const lent = driver.lend(queries, async (tx) => {
        await tx.query(one, [])
        proxy.silence()
        begun([fateOf(busy.query(one, [])), fateOf(lent)])
        return tx.query(one, [])
      })
    })
    await sent()
    driver.dropConnections()
    expect([idle.isOpen, busy.isOpen]).toEqual([false, false])
    expect(await Promise.all(fates)).toEqual(['lost', 'lost'])
    const session = await driver.reserve()
    expect(await session.query(one, [])).toEqual([{ one: 1 }])
    await session.end()
  })
})

const closable = Object.entries(drivers).filter(([name]) => name !== 'postgres.js, an instance of the caller')

describe.each(closable)('%s, when its connections are dropped', (_name, openOn) => {
  it('closes those of the pool, in use or not: the next statement has another', async () => {
    const { driver, proxy } = await open(openOn)
    await Promise.all([driver.query(one, []), driver.query(one, []), driver.query(one, [])])
    proxy.silence()
    const fate = fateOf(driver.query(one, []))
    await sent()
    driver.dropConnections()
    expect(await fate).toBe('lost')
    expect(await Promise.all([driver.query(one, []), driver.query(one, [])])).toEqual([[{ one: 1 }], [{ one: 1 }]])
  })
})

it.each([
  ['reserved', (driver: Driver) => driver.reserve()],
  ['opened to listen', (driver: Driver) => driver.listen(queries.listen, 'perdure', () => undefined)]
])('one of pg that is just being %s fails when they are dropped, however long it might take', async (_how, openOne) => {
  const server = await openMuteServer()
  ends.push(async () => server.close())
  const pool = new pg.Pool({ connectionString: server.url, connectionTimeoutMillis: HOUR_MS })
  ends.push(() => pool.end())
  const driver = await openDriver(pool, queries.pinPlans, 'none')
  const fate = fateOf(openOne(driver))
  await server.whenReached(1)
  driver.dropConnections()
  expect(await fate).toBe('lost')
})

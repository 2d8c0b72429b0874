/** `npm run example:trips` in short: the run keeps every promise, and its checks would notice if it did not. */
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTrips } from '../../examples/trips/arguments.ts'
import { checkPromises, type Evidence, type Sql } from '../../examples/trips/checks.ts'
import { runTrips } from '../../examples/trips/run.ts'
import { darkScreen } from '../../examples/shared/screen.ts'
import { ArgumentError } from '../../scripts/command-line.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const sql = postgres(db.url, { onnotice: () => undefined })
let evidence: Evidence

beforeAll(async () => {
  evidence = await runTrips({ database: db.url, sql, trips: 60, seed: '1', screen: darkScreen })
}, 90_000)

afterAll(() => sql.end())

async function listBroken(sql: Sql): Promise<readonly string[]> {
  const checks = await checkPromises(sql, evidence)
  return checks.filter(({ isKept }) => !isKept).map(({ promised }) => promised)
}

test('a worker killed in the middle of sixty trips breaks no promise', async () => {
  expect(await listBroken(sql)).toEqual([])
})

test('trips came to every end that there is', async () => {
  const ends = await sql`select distinct snapshot ->> 'value' as state from perdure_trips.actor where machine = 'trip'`
  expect(ends.map(({ state }) => state as string).toSorted()).toEqual(['booked', 'declined', 'undone'])
})

const ofBooked = `(snapshot #>> '{context,tripNo}')::integer from perdure_trips.actor where snapshot ->> 'value' = 'booked'`

test.each([
  [
    'a trip is booked, or nothing is left of it',
    `update trips_world.reservation set state = 'reserved' where trip_no = (select ${ofBooked} limit 1)`
  ],
  ['money is moved once, and with its state', `insert into trips_world.transfer select * from trips_world.transfer`],
  ['accounts balance to the cent', `update trips_world.account set cents = cents + 1 where traveller = 'traveller 1'`],
  [
    'each traveller is told, at least once',
    `delete from trips_world.mail where trip_no = (select ${ofBooked} limit 1)`
  ],
  ['what fails is tried again', `update trips_world.call set attempt = 1`],
  [
    'no booking outlives its trip',
    `update perdure_trips.actor set status = 'ready', output = null, ended_at = null, wake_at = now()
     where id = (select id from perdure_trips.actor where machine = 'car' limit 1)`
  ],
  ['what a killed worker had goes on elsewhere', `update perdure_trips.actor set status = 'failed', output = null`]
])('were it broken, it would be seen: %s', async (promised, tampering) => {
  const rollback = new Error('rollback')
  const tampered = sql.begin(async (transaction) => {
    await transaction.unsafe(tampering)
    expect(await listBroken(transaction)).toContain(promised)
    throw rollback
  })
  await expect(tampered).rejects.toBe(rollback)
})

test('a command line that makes no sense is not understood', () => {
  expect(readTrips(['--trips', '20', '--seed', 'x'])).toEqual({ trips: 20, seed: 'x' })
  const wrong = [
    ['--trips', 'many'],
    ['--trips', '0'],
    ['--trip', '50']
  ]
  for (const args of wrong) expect(() => readTrips(args)).toThrow(ArgumentError)
})

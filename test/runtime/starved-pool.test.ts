/** The user's code takes every connection of the pool that it has handed over. */
import pg from 'pg'
import postgres from 'postgres'
import { assign, sendTo, setup } from 'xstate'
import { expect, onTestFinished, test } from 'vitest'
import { durableRef } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'ADD' } | { type: 'TELL'; key: string } },
  actions: { add: assign({ n: ({ context }) => context.n + 1 }) }
}).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: {
    ADD: { actions: 'add' },
    TELL: { actions: ['add', sendTo(({ event }) => durableRef({ key: event.key }), { type: 'ADD' } as const)] }
  }
})

const leaseMs = 900
const renewals = async () => (await db.sql('select expires_at::text as until from perdure.node'))[0]?.['until']

interface Hoard {
  readonly database: object
  /** Takes all the connections that there are; resolves to what gives them back. */
  takeAll(): Promise<() => void>
}

const hoards: Readonly<Record<string, () => Hoard>> = {
  pg: () => {
    const pool = new pg.Pool({ connectionString: db.url, max: 2 })
    onTestFinished(() => pool.end())
    return {
      database: pool,
      takeAll: async () => {
        const clients = await Promise.all([pool.connect(), pool.connect()])
        return () => clients.forEach((client) => client.release())
      }
    }
  },
  'postgres.js': () => {
    const sql = postgres(db.url, { max: 2 })
    onTestFinished(() => sql.end())
    return {
      database: sql,
      takeAll: async () => {
        const clients = await Promise.all([sql.reserve(), sql.reserve()])
        return () => clients.forEach((client) => client.release())
      }
    }
  }
}

test.each(Object.entries(hoards))(
  'while every connection of a pool of %s is taken, the lease is renewed and actors that are awake commit',
  async (_, open) => {
    const { database, takeAll } = open()
    const runtime = await start([counter], { database, lease: leaseMs })
    const fenced: unknown[] = []
    runtime.on('node.fenced', (event) => fenced.push(event))
    const [teller, hearer] = [await runtime.spawn(counter), await runtime.spawn(counter, { key: 'hearer' })]
    await hearer.send({ type: 'ADD' })

    const giveBack = await takeAll()
    for (let renewed = 0; renewed < 4; renewed++) {
      const before = await renewals()
      expect(await teller.send({ type: 'TELL', key: 'hearer' })).toEqual({ status: 'applied' })
      await eventually(renewals).not.toBe(before)
    }
    expect(await rowOf(teller.id)).toMatchObject({ snapshot: { context: { n: 4 } } })
    expect(fenced).toEqual([])
    // What needs the pool has waited, and is not lost.
    const late = runtime.spawn(counter, { key: 'late' })
    giveBack()
    expect(await (await late).send({ type: 'ADD' })).toEqual({ status: 'applied' })
    await eventually(() => rowOf(hearer.id)).toMatchObject({ snapshot: { context: { n: 5 } }, inbox: [] })
  }
)

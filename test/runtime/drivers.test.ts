/** One scenario over everything that can be given as `database`. */
import pg from 'pg'
import postgres from 'postgres'
import { assign, fromPromise, setup } from 'xstate'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createRuntime, DuplicateKeyError, idempotencyKey } from 'perdure'
import { createLite } from '../support/pglite.ts'
import { openStage } from './stage.ts'

const { db } = await openStage()
const pool = new pg.Pool({ connectionString: db.url })
const sql = postgres(db.url, { onnotice: () => undefined })
const lite = await createLite()
afterAll(() => Promise.all([pool.end(), sql.end(), lite.close()]))

const order = setup({
  types: {
    input: {} as { order: bigint; at: Date },
    context: {} as { order: bigint; at: Date; paid: number; parcel: string | null },
    events: {} as { type: 'PAY'; amount: number } | { type: 'SHIP' },
    output: {} as { parcel: string | null }
  },
  actors: {
    ship: fromPromise<string, bigint>(({ input }) => Promise.resolve(`parcel ${input} by ${idempotencyKey()}`))
  }
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ ...input, paid: 0, parcel: null }),
  output: ({ context }) => ({ parcel: context.parcel }),
  initial: 'open',
  states: {
    open: { on: { PAY: { target: 'packing', actions: assign({ paid: ({ event }) => event.amount }) } } },
    packing: { after: { 30: 'ready' } },
    ready: { on: { SHIP: 'shipping' } },
    shipping: {
      invoke: {
        src: 'ship',
        input: ({ context }) => context.order,
        onDone: { target: 'shipped', actions: assign({ parcel: ({ event }) => event.output }) }
      }
    },
    shipped: { type: 'final' }
  }
})

test.each<[string, unknown]>([
  ['a connection string', db.url],
  ['a pg.Pool', pool],
  ['a postgres.js instance', sql],
  ['a PGlite', lite]
])('an order is spawned, paid, shipped and done over %s', async (_, database) => {
  const runtime = createRuntime({ database, machines: [order], passivateAfter: 0, poll: 20 })
  onTestFinished(() => runtime.stop({ drain: 0 }))
  await runtime.migrate()
  await runtime.start()

  const input = { order: 2n ** 70n, at: new Date(0) }
  const ref = await runtime.spawn(order, { input, key: 'order:42' })
  await expect(runtime.spawn(order, { input, key: 'order:42' })).rejects.toThrow(DuplicateKeyError)
  expect(
    await runtime.spawnMany(order, [
      { input, key: 'order:42' },
      { input, key: 'order:43' }
    ])
  ).toHaveLength(1)
  expect(await ref.send({ type: 'SHIP' }, { dedupKey: 'ship' })).toEqual({ status: 'deferred' })
  expect(await ref.send({ type: 'SHIP' }, { dedupKey: 'ship' })).toEqual({ status: 'duplicate' })
  expect(await runtime.send({ key: 'order:42' }, { type: 'PAY', amount: 9.5 })).toEqual({ status: 'applied' })

  expect(await ref.result()).toEqual({ parcel: expect.stringContaining(`parcel ${2n ** 70n} by ${ref.id}`) })
  expect((await ref.getSnapshot()).context).toMatchObject({ ...input, paid: 9.5 })
  await expect(ref.send({ type: 'SHIP' })).rejects.toMatchObject({ status: 'done' })
})

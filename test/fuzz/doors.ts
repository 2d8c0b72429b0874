/**
 * Every public call of a runtime that runs.
 *
 * Owns: how each is called, and that what was taken can be read back as it was given.
 */
import { randomUUID } from 'node:crypto'
import { toJson } from '../../src/actors/snapshot-codec.ts'
import { SPAWN_OPTIONS } from '../../src/options.ts'
import type { Door, Given, Slot } from './case.ts'
import type { Named } from './hostile.ts'
import { expectSame } from './judge.ts'
import { keeper, type World } from './world.ts'

const fieldsOf = (position: number, fields: readonly string[]): readonly Slot[] => [
  [position],
  ...fields.map((field) => [position, field] as const)
]

/** `input` more often than the others: of it there is most to get wrong. */
const SPAWN_FIELDS = ['input', 'input', 'input', ...SPAWN_OPTIONS, 'unknown']
const SCHEDULE_FIELDS = ['input', 'withTime', 'timeZone', 'missed', 'queue', 'priority', 'partitionKey', 'unknown']

/** The fields of calls, whatever their types. */
type Loose = Readonly<Record<string, unknown>>

const fickle = (named: Named): boolean => named.name.startsWith('a fickle object')

async function expectInput(world: World, id: string, given: Named | undefined): Promise<void> {
  if (given === undefined || fickle(given)) return
  const ref = await world.reader.get(keeper, id)
  const { context } = await ref.getSnapshot()
  expectSame(given, context.input)
}

/** The columns that a spawn fills, as they were given. */
async function expectTexts(world: World, id: string, given: Given, position: number): Promise<void> {
  const { rows } = await world.client.query<Loose>(
    'select key, queue, partition_key as "partitionKey" from perdure.actor where id = $1',
    [id]
  )
  for (const field of ['key', 'queue', 'partitionKey']) {
    const value = given(position, field)
    const back = rows[0]?.[field]
    if (value !== undefined && !fickle(value) && back !== (value.make() ?? (field === 'queue' ? 'default' : null)))
      throw new Error(`${field} came back as ${toJson(back, field)}`)
  }
}

async function inTransaction(world: World, run: () => Promise<void>): Promise<void> {
  await world.client.query('begin')
  try {
    try {
      await run()
    } finally {
      // What was refused leaves the transaction usable.
      await world.client.query('select 1')
    }
  } finally {
    await world.client.query('rollback')
  }
}

const letterSlots: readonly Slot[] = [
  [1],
  [1],
  [1, 'type'],
  [1, 'value'],
  [1, 'value'],
  ...fieldsOf(2, ['dedupKey', 'unknown'])
]
const letter = (to: unknown): readonly unknown[] => [to, { type: 'TAKE', value: 1 }, {}]

export const doors: readonly Door[] = [
  {
    name: 'spawn',
    slots: [[0], ...fieldsOf(1, SPAWN_FIELDS)],
    valid: () => [keeper, { input: null }],
    call: async (world, [machine, options], given) => {
      const ref = await world.runtime.spawn(machine, options)
      if (given(1) !== undefined) return
      await expectInput(world, ref.id, given(1, 'input'))
      await expectTexts(world, ref.id, given, 1)
    }
  },
  {
    name: 'spawnMany',
    slots: [[0], [1], ...fieldsOf(2, SPAWN_FIELDS)],
    valid: () => [keeper, undefined, { input: null }],
    call: async (world, [machine, entries, entry], given) => {
      const ids = await world.runtime.spawnMany(machine, given(1) ? entries : [entry, entry])
      const [id] = ids
      if (id !== undefined && given(1) === undefined && given(2) === undefined)
        await expectInput(world, id, given(2, 'input'))
    }
  },
  {
    name: 'send',
    slots: [...letterSlots, [0]],
    valid: ({ alive }) => letter(alive),
    call: async (world, [address, event, options], given) => {
      const ref = await world.runtime.spawn(keeper, { input: null })
      const { status } = await world.runtime.send(given(0) ? address : ref.id, event, options)
      if (status !== 'applied' || given(0) !== undefined) return
      const { context } = await (await world.reader.get(keeper, ref.id)).getSnapshot()
      const { last } = context as { last: Loose }
      const whole = given(1)
      if (whole && !fickle(whole)) expectSame(whole, last)
      const [type, value] = [given(1, 'type'), given(1, 'value')]
      if (!whole && type && !fickle(type)) expectSame(type, last['type'])
      if (!whole && value && !fickle(value)) expectSame(value, last['value'])
    }
  },
  {
    name: 'send to a key',
    slots: [
      [0, 'key'],
      [0, 'key'],
      [1, 'value'],
      [2, 'dedupKey']
    ],
    valid: () => letter({ key: 'alive' }),
    call: ({ runtime }, [address, event, options]) => runtime.send(address, event, options)
  },
  {
    name: 'get',
    slots: [[0], ...fieldsOf(1, ['key'])],
    valid: () => [keeper, { key: 'alive' }],
    call: ({ runtime }, [machine, address]) => runtime.get(machine, address)
  },
  {
    name: 'get without a machine',
    slots: fieldsOf(0, ['key']),
    valid: () => [{ key: 'alive' }],
    call: ({ runtime }, [address]) => runtime.get(address)
  },
  {
    name: 'ref.send',
    slots: letterSlots.map(([position, ...field]) => [position - 1, ...field] as const),
    valid: () => [{ type: 'TAKE', value: 1 }, {}],
    call: async ({ runtime, alive }, [event, options]) => (await runtime.get(keeper, alive)).send(event, options)
  },
  {
    name: 'ref.waitFor',
    slots: [[0], ...fieldsOf(1, ['timeout', 'unknown'])],
    valid: () => [() => true, {}],
    call: async ({ runtime, alive }, [predicate, options], given) => {
      // A function of the user's may throw, or never be satisfied.
      if (typeof given(0)?.make() === 'function') return
      const ref = await runtime.get(keeper, alive)
      await ref.waitFor(predicate, options)
    }
  },
  {
    name: 'ref.result',
    slots: fieldsOf(0, ['timeout', 'unknown']),
    valid: () => [{}],
    call: async ({ runtime, ended }, [options]) => (await runtime.get(keeper, ended)).result(options)
  },
  {
    name: 'ref.subscribe',
    slots: fieldsOf(0, ['next', 'error', 'complete']),
    valid: () => [{ next: () => undefined }],
    call: async ({ runtime, alive }, [observer]) => {
      const ref = await runtime.get(keeper, alive)
      const { unsubscribe } = ref.subscribe(observer)
      await ref.send({ type: 'TAKE' })
      unsubscribe()
    }
  },
  {
    name: 'ref.on',
    slots: [[0], [1]],
    valid: () => ['*', () => undefined],
    call: async ({ runtime, alive }, [type, handler]) => {
      const ref = await runtime.get(keeper, alive)
      ref.on(type, handler).unsubscribe()
    }
  },
  {
    name: 'withTransaction',
    slots: fieldsOf(0, ['query', 'unsafe']).concat(fieldsOf(1, ['wake', 'unknown'])),
    valid: ({ client }) => [client, {}],
    call: async (world, [client, options]) =>
      inTransaction(
        world,
        async () => void (await world.runtime.withTransaction(client, options).spawn(keeper, { input: 1 }))
      )
  },
  {
    name: 'withTransaction().spawn',
    slots: [[0], ...fieldsOf(1, SPAWN_FIELDS)],
    valid: () => [keeper, { input: null }],
    call: async (world, [machine, options], given) =>
      inTransaction(world, async () => {
        const ref = await world.runtime.withTransaction(world.client).spawn(machine, options)
        if (given(1) === undefined) await expectTexts(world, ref.id, given, 1)
      })
  },
  {
    name: 'withTransaction().spawnMany',
    slots: [[0], [1], ...fieldsOf(2, SPAWN_FIELDS)],
    valid: () => [keeper, undefined, { input: null }],
    call: async (world, [machine, entries, entry], given) =>
      inTransaction(world, async () => {
        await world.runtime.withTransaction(world.client).spawnMany(machine, given(1) ? entries : ([entry] as never))
      })
  },
  {
    name: 'withTransaction().send',
    slots: [...letterSlots, ...fieldsOf(0, ['key'])],
    valid: () => letter({ key: 'alive' }),
    call: async (world, [address, event, options]) =>
      inTransaction(
        world,
        async () => void (await world.runtime.withTransaction(world.client).send(address, event, options))
      )
  },
  {
    name: 'retry',
    slots: fieldsOf(0, ['key']),
    valid: () => [{ key: 'alive' }],
    call: ({ runtime }, [address]) => runtime.retry(address)
  },
  {
    name: 'cancel',
    slots: [...fieldsOf(0, ['key']), [1]],
    valid: () => [randomUUID(), 'reason'],
    call: async ({ runtime }, [address, reason], given) => {
      const ref = await runtime.spawn(keeper, { input: null })
      await runtime.cancel(given(0) ? address : ref.id, reason)
    }
  },
  {
    name: 'schedule',
    slots: [[0], [1], [1], [2], ...fieldsOf(3, SCHEDULE_FIELDS)],
    valid: () => ['yearly', '0 0 1 1 *', keeper, { input: { a: 1 } }],
    call: async ({ runtime, client }, [name, cron, machine, options]) => {
      try {
        await runtime.schedule(name, cron, machine, options)
        await runtime.schedules.list()
      } finally {
        await client.query('delete from perdure.schedule')
      }
    }
  },
  ...(['pause', 'resume', 'remove'] as const).map((name): Door => ({
    name: `schedules.${name}`,
    slots: [[0]],
    valid: () => ['none'],
    call: ({ runtime }, [schedule]) => runtime.schedules[name](schedule)
  })),
  {
    name: 'on',
    slots: [[0], [1]],
    valid: () => ['actor.parked', () => undefined],
    call: ({ runtime }, [event, listener]) => runtime.on(event, listener)()
  },
  {
    name: 'inspect',
    slots: fieldsOf(0, ['next']),
    valid: () => [{ next: () => undefined }],
    call: async ({ runtime, alive }, [inspector]) => {
      const { unsubscribe } = runtime.inspect(inspector)
      await runtime.send(alive, { type: 'TAKE' })
      unsubscribe()
    }
  }
]

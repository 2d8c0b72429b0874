/**
 * What is called without a runtime: runtimes themselves, with every option, and what machines list as their actors.
 *
 * Owns: how each is called. A runtime that can be made is started, and has an actor do something.
 */
import { createMachine, setup } from 'xstate'
import { activity, all, createRuntime, durable, durableRef, job, transaction } from 'perdure'
import { createTestRuntime } from 'perdure/testing'
import { RUNTIME_OPTIONS } from '../../src/options.ts'
import type { Door, Slot } from './case.ts'
import { keeper } from './world.ts'

const fieldsOf = (position: number, fields: readonly string[]): readonly Slot[] => [
  [position],
  ...fields.map((field) => [position, field] as const)
]

const quiet = { warn: () => undefined, log: () => undefined, janitor: false, reaper: false } as const

const RUNTIME_FIELDS = [...RUNTIME_OPTIONS, 'unknown']
/** Where one is started it has its database, and a lease that it can keep. */
const STARTED_FIELDS = RUNTIME_FIELDS.filter((field) => field !== 'database' && field !== 'lease')
const MACHINE_FIELDS = ['machine', 'version', 'unhandled', 'retry', 'migrate', 'codec', 'limit', 'retention', 'unknown']
const ACTIVITY_FIELDS = ['retry', 'timeout', 'rateLimit', 'concurrency', 'unknown']
const DURABLE_FIELDS = ['queue', 'priority', 'partitionKey', 'key', 'unknown']
const fn = (): number => 1

/** In memory, so that thousands can be tried. */
async function tryOut(options: object): Promise<void> {
  const runtime = createTestRuntime({ machines: [keeper], ...quiet, ...options })
  await runtime.start()
  try {
    await runtime.drain()
  } finally {
    await runtime.stop({ drain: 0 })
  }
}

const ofTestRuntime = (name: string, option: string, slots: readonly Slot[], valid: () => object): Door => ({
  name: `createTestRuntime, ${name}`,
  slots,
  valid: () => [valid()],
  call: (_, [given]) => tryOut({ [option]: given })
})

export const makers: readonly Door[] = [
  {
    name: 'createRuntime',
    slots: fieldsOf(0, RUNTIME_FIELDS),
    valid: ({ url }) => [{ database: url, machines: [keeper], ...quiet }],
    call: (_, [options]) => createRuntime(options)
  },
  {
    name: 'createRuntime, started',
    slots: STARTED_FIELDS.map((field) => [0, field] as const),
    valid: ({ url }) => [{ database: url, machines: [keeper], queues: { other: 1 }, ...quiet }],
    call: async (_, [options]) => {
      const runtime = createRuntime(options)
      await runtime.start()
      try {
        const { id } = await runtime.spawn(keeper, { input: 1 })
        await runtime.send(id, { type: 'TAKE' }, { dedupKey: 'once' })
      } finally {
        await runtime.stop({ drain: 0 })
      }
    }
  },
  {
    name: 'runtime.stop',
    slots: fieldsOf(0, ['drain', 'unknown']),
    valid: () => [{}],
    call: (_, [options]) => createTestRuntime({ machines: [keeper], ...quiet }).stop(options)
  },
  ofTestRuntime('machines', 'machines', [[0], [0, 'length']], () => [keeper]),
  ofTestRuntime('queues', 'queues', fieldsOf(0, ['default', 'other', '__proto__']), () => ({ default: 1 })),
  ofTestRuntime('limits', 'limits', fieldsOf(0, ['stripe', 'gpu']), () => ({ gpu: { concurrency: 1 } })),
  ofTestRuntime(
    'bounds',
    'bounds',
    fieldsOf(0, ['event', 'snapshot', 'input', 'mailbox', 'inbox', 'attempts']),
    () => ({})
  ),
  {
    name: 'a limit',
    slots: fieldsOf(0, ['rate', 'per', 'burst', 'concurrency', 'partition', 'unknown']),
    valid: () => [{ rate: 1, per: '1 second' }],
    call: (_, [limit]) => tryOut({ limits: { stripe: limit } })
  },
  {
    name: 'a machine with options',
    slots: fieldsOf(0, MACHINE_FIELDS),
    valid: () => [{ machine: keeper, version: '1' }],
    call: (_, [entry]) => tryOut({ machines: [entry] })
  },
  {
    name: 'a retry policy',
    slots: fieldsOf(0, ['maxAttempts', 'initial', 'factor', 'max', 'jitter', 'unknown']),
    valid: () => [{}],
    call: (_, [retry]) => tryOut({ machines: [{ machine: keeper, retry }] })
  },
  {
    name: 'migrate',
    slots: fieldsOf(0, ['from', 'snapshot', 'unknown']),
    valid: () => [{ from: ['1'], snapshot: fn }],
    call: (_, [migrate]) => tryOut({ machines: [{ machine: keeper, version: '2', migrate }] })
  },
  {
    name: 'the id of a machine',
    slots: [[0]],
    valid: () => ['id'],
    call: (_, [id], given) => {
      // XState itself looks at ids; it is only texts that it takes.
      const text: unknown = given(0)?.make()
      const machine = typeof text === 'string' && text !== '' ? createMachine({ id }) : keeper
      return tryOut({ machines: [machine] })
    }
  },
  {
    name: 'startTime',
    slots: [[0]],
    valid: () => [0],
    call: (_, [startTime]) => tryOut({ startTime })
  },
  {
    name: 'advance',
    slots: [[0]],
    valid: () => [1],
    call: async (_, [duration]) => {
      const runtime = createTestRuntime({ machines: [keeper], ...quiet })
      await runtime.start()
      try {
        await runtime.advance(duration)
      } finally {
        await runtime.stop({ drain: 0 })
      }
    }
  },
  {
    name: 'activity',
    slots: [[0], ...fieldsOf(1, ACTIVITY_FIELDS)],
    valid: () => [fn, {}],
    call: (_, [work, options]) => activity(work, options)
  },
  {
    name: 'transaction',
    slots: [[0], ...fieldsOf(1, ['retry', 'unknown'])],
    valid: () => [fn, {}],
    call: (_, [work, options]) => transaction(work, options)
  },
  {
    name: 'job',
    slots: [[0], [1], ...fieldsOf(2, ACTIVITY_FIELDS)],
    valid: () => ['job', fn, {}],
    call: (_, [id, work, options]) => job(id, work, options)
  },
  {
    name: 'durable',
    slots: [[0], ...fieldsOf(1, DURABLE_FIELDS)],
    valid: () => [keeper, {}],
    call: (_, [machine, options]) => durable(machine, options)
  },
  {
    name: 'all',
    slots: [[0], ...fieldsOf(1, [...DURABLE_FIELDS, 'until', 'concurrency'])],
    valid: () => [keeper, {}],
    call: (_, [machine, options]) => all(machine, options)
  },
  {
    name: 'a child that is placed by its input',
    slots: [[0], [0], [1], [2]],
    valid: () => ['key', 'partition', 1],
    call: async (_, [key, partitionKey, input]) => {
      const kid = durable(keeper, { key: () => key, partitionKey: () => partitionKey })
      const parent = setup({ actors: { kid } }).createMachine({
        id: 'parent',
        invoke: { src: 'kid', input: () => input }
      })
      const runtime = createTestRuntime({ machines: [parent], ...quiet })
      await runtime.start()
      await runtime.spawn(parent)
      await runtime.drain()
      await runtime.stop({ drain: 0 })
    }
  },
  {
    name: 'durableRef',
    slots: fieldsOf(0, ['key']),
    valid: () => [{ key: 'x' }],
    call: (_, [address]) => durableRef(address)
  }
]

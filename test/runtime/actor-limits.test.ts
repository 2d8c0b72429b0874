/** A limit that actors hold a slot of while they execute: for all nodes together, whichever way they wake. */
import { fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { createRuntime, type LimitOptions } from 'perdure'
import { Gate } from './gate.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const limits = { gpu: { concurrency: 2 } }

/** Works when it is told to, as long as `work` takes. */
const rendering = (work: () => Promise<unknown>) =>
  setup({ types: { events: {} as { type: 'RENDER' } }, actors: { work: fromPromise(work) } }).createMachine({
    id: 'rendering',
    initial: 'idle',
    states: {
      idle: { on: { RENDER: 'working' } },
      working: { invoke: { src: 'work', onDone: 'idle' } }
    }
  })

const valuesOf = async (): Promise<readonly unknown[]> =>
  (await db.sql(`select snapshot ->> 'value' as value from perdure.actor order by id`)).map(({ value }) => value)

test('no more actors execute at once than the limit has slots, and all get their turn', async () => {
  const gate = new Gate()
  const entry = { machine: rendering(() => gate.enter()), limit: 'gpu' }
  const [one, two] = [await start([entry], { limits }), await start([entry], { limits, passivateAfter: 0 })]
  const refs = await Promise.all([one, two, one, two, one, two].map((runtime) => runtime.spawn(entry.machine)))
  const sends = refs.map((ref) => ref.send({ type: 'RENDER' }))
  for (let done = 0; done < refs.length; done++) {
    await eventually(() => gate.inside).toBeGreaterThan(0)
    gate.letOneOut()
  }
  await Promise.all(sends)
  await eventually(valuesOf).toEqual(refs.map(() => 'idle'))
  expect(gate.names).toHaveLength(refs.length)
  expect(gate.mostInside).toBe(2)
})

test('an actor that only waits holds no slot', async () => {
  const gate = new Gate()
  const entry = { machine: rendering(() => gate.enter()), limit: 'gpu' }
  const runtime = await start([entry], { limits })
  const refs = await Promise.all(Array.from({ length: 5 }, () => runtime.spawn(entry.machine)))
  await eventually(valuesOf).toEqual(refs.map(() => 'idle'))
  await eventually(() => db.sql('select from perdure.slot where node is not null')).toEqual([])
})

test('work that a lost node had begun goes on elsewhere once there is a slot, and not before', async () => {
  const gate = new Gate()
  const entry = { machine: rendering(() => gate.enter()), limit: 'gpu' }
  const lost = await start([entry], { limits, lease: '1 hour' })
  const first = await lost.spawn(entry.machine)
  await first.send({ type: 'RENDER' })
  await eventually(() => gate.inside).toBe(1)
  const busy = await start([entry], { limits })
  const others = await Promise.all([busy.spawn(entry.machine), busy.spawn(entry.machine)])
  const sends = others.map((ref) => ref.send({ type: 'RENDER' }))
  await eventually(() => gate.inside).toBe(2)
  await lost.stop({ drain: 0 })
  for (let done = 0; done < 4; done++) {
    await eventually(() => gate.inside).toBeGreaterThan(0)
    gate.letOneOut()
  }
  await Promise.all(sends)
  await eventually(valuesOf).toEqual(['idle', 'idle', 'idle'])
  expect(await rowOf(first.id)).toMatchObject({ snapshot: { value: 'idle' } })
})

test('a limit that is not there, or has no slots, is refused by name', () => {
  const machine = rendering(async () => undefined)
  const create = (given: Readonly<Record<string, LimitOptions>>) =>
    createRuntime({ database: db.url, machines: [{ machine, limit: 'gpu' }], limits: given })
  expect(() => create({})).toThrow(/machines: 'rendering' has a limit that names an unknown limit, 'gpu'/)
  expect(() => create({ gpu: { rate: 1, per: '1 second' } })).toThrow(/has no concurrency/)
})

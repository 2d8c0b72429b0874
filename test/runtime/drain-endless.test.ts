/** A node that is stopped does not wait for work that has no end of its own: callbacks, observables. */
import { expect, test } from 'vitest'
import { fromCallback, fromObservable, setup } from 'xstate'
import { eventually, openStage } from './stage.ts'
import { workbench } from './workbench.ts'

const { start, rowOf } = await openStage()

/** An observable that tells nothing. */
const never = { subscribe: () => ({ unsubscribe: () => undefined }) }

test('work that has no end is not waited for: it is stopped here, and begins elsewhere', async () => {
  const phases: string[] = []
  const listen = fromCallback(() => {
    phases.push('begun')
    return () => void phases.push('over')
  })
  const machine = setup({ actors: { listen, never: fromObservable(() => never) } }).createMachine({
    id: 'listening',
    invoke: [{ src: 'listen' }, { src: 'never' }]
  })
  const runtime = await start([machine])
  const { id } = await runtime.spawn(machine)
  await eventually(() => phases).toEqual(['begun'])
  await runtime.stop({ drain: '1 hour' })
  expect(phases).toEqual(['begun', 'over'])
  expect(await rowOf(id)).toMatchObject({ status: 'ready', owner: null })
  await start([machine])
  await eventually(() => phases).toEqual(['begun', 'over', 'begun'])
})

test('a promise beside work that has no end is waited for', async () => {
  const { runs, machine: job } = workbench()
  const machine = setup({ actors: { job, listen: fromCallback(() => undefined) } }).createMachine({
    id: 'both',
    invoke: [{ src: 'listen' }, { src: 'job' }]
  })
  const runtime = await start([machine])
  const { id } = await runtime.spawn(machine)
  await eventually(() => runs.length).toBe(1)
  const stopping = runtime.stop({ drain: '1 hour' })
  runs[0]?.finish('the one that leaves')
  await stopping
  expect(JSON.stringify((await rowOf(id)).snapshot)).toContain('the one that leaves')
  expect(runs).toHaveLength(1)
})

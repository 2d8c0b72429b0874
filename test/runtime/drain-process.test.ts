/** A process that gets SIGTERM, as services do, with the lines that docs/operating.md gives for it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { compileProgram } from '../support/program.ts'
import { errand, type ErrandRun } from './errand.ts'
import { eventually, openStage } from './stage.ts'

const { db, start } = await openStage()
const program = await compileProgram('test/runtime/drain-worker.ts', `drain-${process.pid}`)
afterAll(() => program.discard())

/** Its signals, and all that it says. */
function startWorker() {
  const worker = spawn(process.execPath, [program.path, db.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void worker.kill('SIGKILL'))
  const begun: { readonly work: string; readonly key: string }[] = []
  createInterface(worker.stdout).on('line', (line) => begun.push(JSON.parse(line)))
  return { worker, begun }
}

/** Loading a program takes its time where others load theirs. */
const loadMs = 40_000
const readBy = `select key, owner, snapshot->'context'->>'by' as by from perdure.actor where key = $1`

test('of a process that gets SIGTERM, what ends in time is committed, the rest runs elsewhere, and it ends by itself', async () => {
  const { worker, begun } = startWorker()
  await expect.poll(() => begun.map(({ work }) => work).toSorted(), { timeout: loadMs }).toEqual(['quick', 'slow'])
  const taken: ErrandRun[] = []
  const { machine } = errand('the heir', (run) => taken.push(run))
  await start([machine], { poll: '1 hour', reaper: false })

  const ended = once(worker, 'exit')
  worker.kill('SIGTERM')
  await eventually(() => db.sql(readBy, ['quick'])).toEqual([{ key: 'quick', owner: null, by: 'the worker' }])
  expect(taken).toEqual([])
  // The end of its limit.
  worker.kill('SIGINT')
  await eventually(() => taken.map(({ work, key }) => ({ work, key }))).toEqual(
    begun.filter(({ work }) => work === 'slow')
  )
  taken[0]?.finish()
  expect(await ended).toEqual([0, null])

  await eventually(() => db.sql(readBy, ['slow'])).toMatchObject([{ by: 'the heir' }])
  expect(taken).toHaveLength(1)
}, 60_000)

/** Events that kill the process which takes them: real processes that die of them, one after the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { compileProgram } from '../support/program.ts'
import { deadly, type Death } from './deadly.ts'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()
const program = await compileProgram('test/runtime/deadly-worker.ts', `deadly-${process.pid}`)
afterAll(() => program.discard())

const attempts = 1
/** What the worker needs by itself, and some. */
const heap = '--max-old-space-size=64'

/** `doomed` resolves when an event begins to kill it. */
function startWorker() {
  const worker = spawn(process.execPath, [heap, program.path, db.url, String(attempts)], {
    stdio: ['ignore', 'pipe', 'ignore']
  })
  onTestFinished(() => void worker.kill('SIGKILL'))
  return { worker, doomed: once(worker.stdout, 'data').then(() => true), ended: once(worker, 'exit') }
}

const readAttempt = async (id: string) =>
  (await db.sql('select attempt from perdure.actor where id = $1', [id]))[0]?.['attempt']

const whenParked = (id: string): Promise<false> =>
  eventually(() => rowOf(id))
    .toMatchObject({ status: 'parked', owner: null })
    .then(() => false)

test.each<[string, Death, readonly number[]]>([
  ['a transition without end', 'loop', [1]],
  // The commit of its transition has forgotten the first attempt.
  ['an action without end', 'spin', [0, 1]],
  ['a transition that takes all memory', 'hoard', [1]]
])(
  '%s is counted before it runs, and its actor parked; others notice nothing',
  async (_, death, counted) => {
    const early = await start([deadly])
    const [doomed, ...others] = await Promise.all([1, 2, 3, 4].map(() => early.spawn(deadly)))
    for (const actor of [doomed!, ...others]) await actor.waitFor(() => true)
    await early.stop()
    const leaf = await start([deadly], { queues: {} })
    await leaf.send(doomed!.id, { type: death })

    const seen: unknown[] = []
    for (;;) {
      const { worker, doomed: isDoomed, ended } = startWorker()
      if (!(await Promise.race([isDoomed, whenParked(doomed!.id)]))) break
      seen.push(await readAttempt(doomed!.id))
      if (death !== 'hoard') worker.kill('SIGKILL')
      await ended
    }
    expect(seen).toEqual(counted)
    const last_error = { message: expect.stringContaining('without progress') }
    expect(await rowOf(doomed!.id)).toMatchObject({ last_error })
    for (const other of others) await leaf.send(other.id, { type: 'ping' })
    for (const other of others) {
      await eventually(() => rowOf(other.id)).toMatchObject({ snapshot: { context: { pings: 1 } }, inbox: [] })
    }
  },
  90_000
)

/**
 * The processes that a campaign runs on: one alone would leave the Postgres that it talks to idle most of the time.
 *
 * Owns: starting and ending them, and sharing jobs out. Does not own: the jobs (job.ts), the databases.
 *
 * Invariants
 * 1. Answers come in the order of the jobs, whoever was faster.
 * 2. A worker that fails says so itself, and fails the campaign.
 * 3. Ctrl-C reaches the workers, too, and means nothing to them: who started them ends them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Job } from './job.ts'

export type XStateRelease = 'newest' | 'oldest'

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
const useOldest = new URL('use-oldest-xstate.mjs', import.meta.url).href

export class Worker {
  readonly #process: ChildProcess
  readonly #ended = new AbortController()

  /** `url`: of an empty database, for this worker alone. */
  constructor(url: string, xstate: XStateRelease) {
    this.#process = fork(program, {
      execArgv: ['--import', 'tsx', ...(xstate === 'oldest' ? ['--import', useOldest] : [])],
      env: { ...process.env, DATABASE_URL: url }
    })
    this.#process.once('exit', () => this.#ended.abort(new Error('a worker has ended')))
  }

  async run(job: Job): Promise<Answer> {
    this.#ended.signal.throwIfAborted()
    this.#process.send(job)
    const [answer] = await once(this.#process, 'message', { signal: this.#ended.signal })
    return answer as Answer
  }

  /** At once, whatever it does. */
  async end(): Promise<void> {
    if (this.#ended.signal.aborted) return
    this.#process.kill()
    await once(this.#ended.signal, 'abort')
  }
}

/** Each worker takes the next job as soon as it has done one. */
export async function shareOut(jobs: readonly Job[], workers: readonly Worker[]): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const queue = jobs.entries()
  await Promise.all(
    workers.map(async (worker) => {
      for (const [index, job] of queue) answers[index] = await worker.run(job)
    })
  )
  return answers
}

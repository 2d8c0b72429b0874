/**
 * A worker, seen from the process that starts it.
 *
 * Owns: the process, from its start to its end. Does not own: what it does (worker.ts).
 *
 * Invariant
 * 1. A worker does not outlive the process that started it: it is killed with it, and stops by itself where its channel to it
 *    breaks.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { writeWorkerSettings, type WorkerSettings } from './worker-settings.ts'

export interface Worker {
  readonly pid: number
  /** Rejects when the worker ends without having been told to. */
  readonly lost: Promise<never>
  /** `kill -9`: no chance to say goodbye. */
  kill(): Promise<void>
  /** Lets it finish what it is doing. */
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(new URL('worker.ts', import.meta.url))

/** Starts a worker; resolves when it has joined the database. */
export async function startWorker(settings: WorkerSettings): Promise<Worker> {
  const child = fork(program, { cwd: root, execArgv: ['--import', 'tsx'], env: writeWorkerSettings(settings) })
  const killAlong = (): void => void child.kill('SIGKILL')
  process.once('exit', killAlong)

  let isEnding = false
  const ended = once(child, 'exit').finally(() => process.off('exit', killAlong))
  const lost = ended.then(([code, signal]) => {
    if (!isEnding) throw new Error(`worker ${settings.worker} ended by itself (${String(signal ?? code)})`)
    return new Promise<never>(() => undefined)
  })
  lost.catch(() => undefined)

  const end = async (how: () => void): Promise<void> => {
    isEnding = true
    if (child.exitCode === null && child.signalCode === null) how()
    await ended
  }
  await Promise.race([once(child, 'message'), lost])
  return {
    pid: child.pid ?? 0,
    lost,
    kill: () => end(() => child.kill('SIGKILL')),
    stop: () => end(() => child.disconnect())
  }
}

/**
 * A worker, seen from the process that starts it.
 *
 * Owns: the process, from its start to its end. Does not own: what it does (its program).
 *
 * Invariant
 * 1. A worker does not outlive the process that started it: it is killed with it, and stops by itself where its channel to it
 *    breaks.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface WorkerOptions {
  /** File of its program, which sends a message when it is ready. */
  readonly program: string
  readonly name: string
  readonly env: NodeJS.ProcessEnv
}

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

/** Starts a worker; resolves when it is ready. */
export async function startWorker({ program, name, env }: WorkerOptions): Promise<Worker> {
  const child = fork(program, { cwd: root, execArgv: ['--import', 'tsx'], env })
  const killAlong = (): void => void child.kill('SIGKILL')
  process.once('exit', killAlong)

  let isEnding = false
  const ended = once(child, 'exit').finally(() => process.off('exit', killAlong))
  const lost = ended.then(([code, signal]) => {
    if (!isEnding) throw new Error(`${name} ended by itself (${String(signal ?? code)})`)
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

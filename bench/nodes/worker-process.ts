/**
 * A worker of the benchmark, seen from the process that starts it.
 *
 * Owns: the process, from its start to its end. Does not own: what it does (worker.ts).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './talk.ts'

export interface WorkerProcess {
  /** Has it do something; resolves to the ids of its turnstiles when that is done. */
  order(order: Order): Promise<readonly string[]>
  /** Hears of everything that it says from now on. Returns what ends that. */
  hear(listener: (report: Report) => void): () => void
  /** `kill -9`. Resolves when the signal is sent. */
  kill(): void
  /** Resolves when the process has ended. */
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('worker.ts', import.meta.url))

/** Resolves when the worker has joined. */
export async function startWorker(url: string, schema: string): Promise<WorkerProcess> {
  const child = fork(program, [url, schema])
  const killAlong = (): void => void child.kill('SIGKILL')
  process.once('exit', killAlong)
  let isEnding = false
  const ended = once(child, 'exit').finally(() => process.off('exit', killAlong))
  const lost = ended.then(([code, signal]) => {
    if (!isEnding) throw new Error(`a worker ended by itself (${String(signal ?? code)})`)
    return new Promise<never>(() => undefined)
  })
  lost.catch(() => undefined)

  const hear = (listener: (report: Report) => void): (() => void) => {
    child.on('message', listener)
    return () => void child.off('message', listener)
  }
  const awaitReport = <Kind extends Report['kind']>(kind: Kind): Promise<Extract<Report, { kind: Kind }>> => {
    const heard = new Promise<Extract<Report, { kind: Kind }>>((resolve) => {
      const stop = hear((report) => {
        if (report.kind !== kind) return
        stop()
        resolve(report as Extract<Report, { kind: Kind }>)
      })
    })
    return Promise.race([heard, lost])
  }
  await awaitReport('ready')
  return {
    hear,
    order: async (order) => {
      const done = awaitReport('done')
      child.send(order)
      return (await done).ids
    },
    kill: () => {
      isEnding = true
      child.kill('SIGKILL')
    },
    stop: async () => {
      isEnding = true
      if (child.connected) child.disconnect()
      await ended
    }
  }
}

export function startWorkers(url: string, schema: string, count: number): Promise<readonly WorkerProcess[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(url, schema)))
}

export async function stopWorkers(workers: readonly WorkerProcess[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()))
}

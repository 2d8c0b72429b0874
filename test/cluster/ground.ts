/**
 * What clusters stand on: the compiled worker, and a database that remembers every transition.
 *
 * Owns: both, until `close`. Does not own: workers (cluster.ts).
 */
import { createRuntime } from '../../src/index.ts'
import type { Row } from '../support/database.ts'
import { compileProgram } from '../support/program.ts'
import { Cluster } from './cluster.ts'
import { FORGET, FULL_DISK, REMEMBER } from './history.ts'
import { queryOnce } from './query-once.ts'
import { borrowServer, openServer } from './server.ts'

export interface Ground {
  /** A cluster without workers, over empty tables. One at a time. */
  open(): Promise<Cluster>
  close(): Promise<void>
}

/** `url`: a database; undefined: one on a server of its own, which may be restarted. */
export async function openGround(url?: string): Promise<Ground> {
  const server = url === undefined ? await openServer() : borrowServer(url)
  const ask = (text: string, params?: readonly unknown[]): Promise<readonly Row[]> =>
    queryOnce(server.url, text, params)
  const runtime = createRuntime({ database: server.url, machines: [] })
  await runtime.migrate()
  await runtime.stop()
  await ask(REMEMBER)
  await ask(FULL_DISK)
  const program = await compileProgram('test/cluster/worker.ts', `cluster-${process.pid}`)
  return {
    open: async () => {
      await ask(FORGET)
      return Cluster.open({ server, ask, program: program.path })
    },
    close: async () => {
      await program.discard()
      await server.close()
    }
  }
}

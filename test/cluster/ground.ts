/**
 * What clusters stand on: the compiled worker, and a database that remembers every transition.
 *
 * Owns: both, until `close`. Does not own: workers (cluster.ts).
 */
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { discardPostgres, startPostgres } from '../../scripts/postgres.ts'
import { createRuntime } from '../../src/index.ts'
import type { Row } from '../support/database.ts'
import { compileProgram } from '../support/program.ts'
import { Cluster } from './cluster.ts'
import { FORGET, REMEMBER } from './history.ts'

export interface Ground {
  /** A cluster without workers, over empty tables. One at a time. */
  open(): Promise<Cluster>
  close(): Promise<void>
}

interface Server {
  readonly url: string
  /** Stops it as a crash would, and starts it again. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** `url`: a database; undefined: one on a server of its own, which may be restarted. */
export async function openGround(url?: string): Promise<Ground> {
  const server = url === undefined ? await openServer() : borrowServer(url)
  const ask = (text: string, params?: readonly unknown[]): Promise<readonly Row[]> => query(server.url, text, params)
  const runtime = createRuntime({ database: server.url, machines: [] })
  await runtime.migrate()
  await runtime.stop()
  await ask(REMEMBER)
  const program = await compileProgram('test/cluster/worker.ts', `cluster-${process.pid}`)
  return {
    open: async () => {
      await ask(FORGET)
      return Cluster.open({ database: server.url, ask, restartPostgres: () => server.restart(), program: program.path })
    },
    close: async () => {
      await program.discard()
      await server.close()
    }
  }
}

const borrowServer = (url: string): Server => ({
  url,
  restart: () => Promise.reject(new Error('this server belongs to others')),
  close: () => Promise.resolve()
})

/** It crashes as a process, not as a machine: what it has handed to the system is kept, so its commits must wait for no disk. */
async function openServer(): Promise<Server> {
  const dir = fileURLToPath(new URL(`../../.perdure/test-${process.pid}`, import.meta.url))
  const settings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '64MB' }
  let server = await startPostgres({ dir, settings })
  const { url } = server
  return {
    url,
    restart: async () => {
      await server.stop('immediate')
      server = await startPostgres({ dir, port: Number(new URL(url).port), settings })
    },
    close: () => discardPostgres(dir)
  }
}

/** On a connection of its own: a restart breaks none, and those of the workers are the only others. */
async function query(url: string, text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'test harness' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text, [...params])).rows
  } finally {
    await client.end()
  }
}

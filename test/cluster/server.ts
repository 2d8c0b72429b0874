/**
 * The Postgres of a campaign, and what can be done to it.
 *
 * Owns: the server, from its start until `close`. Does not own: what is in it (ground.ts).
 *
 * Invariant
 * 1. It crashes as a process, not as a machine: what it has handed to the system is kept, so its commits need not wait for a disk;
 *    what it has not is lost.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { discardPostgres, startPostgres } from '../../scripts/postgres.ts'
import { queryOnce } from './query-once.ts'

export interface Server {
  readonly url: string
  /** Stops it as a crash would, and starts it again; `recovering`: twice, the second time before it is up. */
  restart(moment?: 'recovering'): Promise<void>
  /** From the answer on it writes to no file what it commits, for as many seconds as it can, and says of all that it is committed. */
  beginToLoseCommits(): Promise<void>
  /** It commits as ever, after the next start. */
  ceaseToLoseCommits(): Promise<void>
  turnReadOnly(isReadOnly: boolean): Promise<void>
  close(): Promise<void>
}

/** The writer of the log comes as rarely as it can, and nothing else hands over what it would. */
const LOSING = {
  synchronous_commit: 'off',
  wal_writer_delay: '10s',
  wal_writer_flush_after: '1GB',
  bgwriter_lru_maxpages: '0'
}

/** One that is not ours: only what asks nobody else may be done to it. */
export function borrowServer(url: string): Server {
  const refuse = (): Promise<never> => Promise.reject(new Error('this server belongs to others'))
  const nothing = (): Promise<void> => Promise.resolve()
  const [restart, turnReadOnly, beginToLoseCommits, ceaseToLoseCommits] = [refuse, refuse, refuse, refuse]
  return { url, restart, turnReadOnly, beginToLoseCommits, ceaseToLoseCommits, close: nothing }
}

export async function openServer(): Promise<Server> {
  const dir = fileURLToPath(new URL(`../../.perdure/test-${process.pid}`, import.meta.url))
  const settings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '64MB', wal_buffers: '16MB' }
  let server = await startPostgres({ dir, settings })
  const { url } = server
  const port = Number(new URL(url).port)
  const [{ data_directory: data } = {}] = await queryOnce(url, 'show data_directory')
  const start = async (): Promise<void> => void (server = await startPostgres({ dir, port, settings }))
  const ask = (text: string): Promise<unknown> => queryOnce(url, text)
  let restarted = Promise.resolve()
  const restart = async (moment?: 'recovering'): Promise<void> => {
    await server.stop('immediate')
    if (moment === 'recovering') {
      // Its start fails, as it should.
      const starting = start().catch(() => undefined)
      await endWhileItRecovers(String(data))
      await starting
      await server.stop('immediate')
    }
    await start()
  }

  return {
    url,
    // Of two faults at once both may be this one: the second crash comes when the first is over.
    restart: (moment) => (restarted = restarted.then(() => restart(moment))),
    beginToLoseCommits: async () => {
      for (const [name, value] of Object.entries(LOSING)) await ask(`alter system set ${name} = '${value}'`)
      await ask('select pg_reload_conf()')
    },
    ceaseToLoseCommits: async () => {
      for (const name of Object.keys(LOSING)) await ask(`alter system reset ${name}`)
    },
    turnReadOnly: async (isReadOnly) => {
      await ask(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`)
      await ask('select pg_reload_conf()')
    },
    close: () => discardPostgres(dir)
  }
}

/** Ends a server that starts as soon as it replays its log; if that is over before it is seen, right after. */
async function endWhileItRecovers(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  for (;;) {
    const [pid, , , , , , , status] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    if (pid !== undefined && (status?.startsWith('ready') || isRecovering(pid))) return endNow(Number(pid))
    await new Promise((again) => setImmediate(again))
  }
}

function isRecovering(postmaster: string): boolean {
  for (const pid of existsSync('/proc/self') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      if (parent === postmaster && /startup recovering/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return true
    } catch {
      // It is gone by now.
    }
  }
  return false
}

/** What `pg_ctl stop -m immediate` sends. */
function endNow(pid: number): void {
  process.kill(pid, 'SIGQUIT')
}

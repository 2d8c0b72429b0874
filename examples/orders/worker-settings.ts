/**
 * What a worker process is told by the one that starts it, through its environment.
 */
export interface WorkerSettings {
  readonly database: string
  /** 1, then 2 for the one that takes over. */
  readonly worker: number
  /** File that mails are appended to. */
  readonly spool: string
}

export function writeWorkerSettings({ database, worker, spool }: WorkerSettings): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: database, ORDERS_WORKER: String(worker), ORDERS_SPOOL: spool }
}

export function readWorkerSettings(): WorkerSettings {
  const { DATABASE_URL: database, ORDERS_WORKER: worker, ORDERS_SPOOL: spool } = process.env
  if (database === undefined || worker === undefined || spool === undefined) {
    throw new Error('a worker is started by examples/orders/main.ts, which tells it what it needs')
  }
  return { database, worker: Number(worker), spool }
}

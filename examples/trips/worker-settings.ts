/**
 * What a worker process is told by the one that starts it, through its environment.
 */
export interface WorkerSettings {
  readonly database: string
  readonly worker: number
  /** Of all that is left to chance. */
  readonly seed: string
}

export function writeWorkerSettings({ database, worker, seed }: WorkerSettings): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: database, TRIPS_WORKER: String(worker), TRIPS_SEED: seed }
}

export function readWorkerSettings(): WorkerSettings {
  const { DATABASE_URL: database, TRIPS_WORKER: worker, TRIPS_SEED: seed } = process.env
  if (database === undefined || worker === undefined || seed === undefined) {
    throw new Error('a worker is started by examples/trips/main.ts, which tells it what it needs')
  }
  return { database, worker: Number(worker), seed }
}

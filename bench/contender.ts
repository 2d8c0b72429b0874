/**
 * What takes part in a benchmark.
 *
 * Invariants
 * 1. A contender has a Postgres schema of its own, new whenever it is opened and dropped when it is closed.
 * 2. An event counts once the database has confirmed that it is durable, never before.
 */

/** Takes part in the measurement of throughput. */
export interface Contender {
  readonly name: string
  open(url: string): Promise<Entrant>
}

/** A contender that is open. */
export interface Entrant {
  /** Creates instances that have had no event yet: durable, and in memory where the contender keeps them there. */
  create(count: number): Promise<readonly string[]>
  /** Gives each instance its next `events` events; resolves once all of them are durable. */
  drive(ids: readonly string[], events: number): Promise<void>
  /** How many events each instance has had, as the database says. */
  readApplied(ids: readonly string[]): Promise<readonly number[]>
  /** What `drive` has written so far. */
  readonly written: Written
  close(): Promise<void>
}

export interface Written {
  readonly statements: number
  readonly rows: number
}

/** Takes part in the measurement of latency. */
export interface Prober {
  readonly name: string
  /** With so many instances, to be used in turn. */
  open(url: string, instances: number): Promise<Probe>
}

/** A prober that is open. */
export interface Probe {
  /** Makes one event durable. */
  apply(): Promise<void>
  close(): Promise<void>
}

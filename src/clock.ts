/**
 * The database's time, as far as this node can know it without asking each time.
 *
 * A sample is (monotonic time before asking, the database's answer, monotonic time after). The database read its clock
 * somewhere in between, so its present time lies between two bounds whose distance is the round trip of the sample.
 *
 * Invariants
 * 1. `earliestMs() <= the database's time <= latestMs()`, as far as the database's clock runs evenly between samples.
 * 2. A due time is set from `latestMs` and judged by `earliestMs`: a timer is never early, and late by one round trip at most.
 */
export interface Clock {
  /** Not later than the database's time. */
  earliestMs(): number
  /** Not earlier than the database's time. */
  latestMs(): number
  /** Calls back once the database's time has certainly reached `dueMs`. Returns a function that calls it off. */
  schedule(dueMs: number, callback: () => void): () => void
}

/** A clock that is told the database's time now and then. Times in milliseconds. */
export interface SyncedClock extends Clock {
  addSample(monotonicBefore: number, databaseNow: number, monotonicAfter: number): void
}

interface Sample {
  /** What must be added to the monotonic clock at least, and at most. */
  readonly low: number
  readonly high: number
}

/** Longest that one setTimeout is armed for; Node cannot arm one for more than 24.8 days. */
const MAX_TIMEOUT_MS = 3_600_000
/** Samples kept: the one with the shortest round trip counts, and a stepped database clock is believed this much later. */
const KEPT_SAMPLES = 8

export class DatabaseClock implements SyncedClock {
  #samples: Sample[] = []
  #best: Sample

  constructor() {
    const offset = Date.now() - performance.now()
    this.#best = { low: offset, high: offset }
  }

  addSample(monotonicBefore: number, databaseNow: number, monotonicAfter: number): void {
    this.#samples = [
      ...this.#samples.slice(1 - KEPT_SAMPLES),
      { low: databaseNow - monotonicAfter, high: databaseNow - monotonicBefore }
    ]
    this.#best = this.#samples.reduce((best, sample) => (width(sample) < width(best) ? sample : best))
  }

  earliestMs(): number {
    return performance.now() + this.#best.low
  }

  latestMs(): number {
    return performance.now() + this.#best.high
  }

  schedule(dueMs: number, callback: () => void): () => void {
    let handle: NodeJS.Timeout
    const arm = (): void => {
      const waitMs = Math.ceil(dueMs - this.earliestMs())
      handle = setTimeout(() => (this.earliestMs() >= dueMs ? callback() : arm()), clamp(waitMs))
    }
    arm()
    return () => clearTimeout(handle)
  }
}

const width = (sample: Sample): number => sample.high - sample.low
const clamp = (waitMs: number): number => Math.min(Math.max(waitMs, 1), MAX_TIMEOUT_MS)

/**
 * Group commit: requests of many callers go to the database in one statement.
 *
 * A lane is a statement that may be under way. While a lane is free, what was submitted goes out at the end of the present
 * microtask run; while all lanes are busy it gathers, and goes together when one comes free. There is no timer: an idle
 * batcher adds no latency, a busy one makes batches as large as the load.
 *
 * Owns: gathering, order, retries of whole batches. Does not own: what a batch does.
 *
 * Invariants
 * 1. With one lane, requests reach the database in the order of submission. With several, callers must not submit two
 *    requests that depend on each other before the first has settled.
 * 2. Every request settles exactly once, with its own result or with the error of its batch.
 * 3. A batch whose connection was lost is run again only where the operation may be repeated (`repeatable`), and its
 *    results then say `inDoubt`: the first run may have taken effect.
 */
import * as Schedule from 'effect/Schedule'
import * as Effect from 'effect/Effect'
import { OutcomeUnknownError, OverloadedError, PerdureError, StoreUnavailableError } from '../errors.ts'
import { HeldBack } from './held-back.ts'
import { describeRefusedCall } from './refusals.ts'
import { classifyError } from './transient-errors.ts'

export type Settled<Result> =
  | { readonly ok: true; readonly value: Result; readonly inDoubt: boolean }
  | { readonly ok: false; readonly error: unknown }

export interface BatcherOptions<Request, Result> {
  /** For errors and telemetry, e.g. 'commit'. */
  readonly name: string
  readonly lanes: number
  readonly maxBatch: number
  /** Characters of a request, for the bound on a batch's size. Default: requests are small. */
  readonly sizeOf?: (request: Request) => number
  /** Runs one batch; answers in the order of the requests. */
  readonly run: (batch: readonly Request[]) => Promise<readonly Result[]>
  /** May a batch be run again when it is unknown whether it took effect? */
  readonly repeatable: boolean
  /** It only reads: nothing can be in doubt. */
  readonly onlyReads?: boolean
  /** Finds out what became of a request whose batch was run again; without it, its result is given as it is. Never rejects. */
  readonly judge?: (request: Request, doubtful: Result) => Promise<Settled<Result>>
  /** The request can have no result yet: it is submitted again after a pause, and holds up no other meanwhile, but those of its key. */
  readonly mustWait?: (result: Result) => boolean
  /** Requests with the same key keep their order. Default: none has another's. */
  readonly keyOf?: (request: Request) => string
  /** Asked before every run: an error here fails the batch, nothing is sent (a node that lost its lease). */
  readonly refuse?: () => Error | null
  readonly onFlush?: (rows: number, durationMs: number) => void
  readonly onRetry?: (rows: number, reason: unknown) => void
  /** How long a batch is retried, counted from its first failure. */
  readonly retryForMs: number
}

/** Characters of JSON in one statement, beyond which no request is added. */
const MAX_BATCH_SIZE = 4_000_000

/** Between two runs of a request that must wait. */
const PAUSE_MS = 250

/** Requests that may wait for a lane. */
const MAX_GATHERED = 100_000

interface Waiting<Request, Result> {
  readonly request: Request
  readonly settle: (settled: Settled<Result>) => void
  /** Since when it must wait; an earlier run may have taken effect. */
  readonly waits: { readonly sinceMs: number; readonly inDoubt: boolean } | null
}

export class Batcher<Request, Result> {
  readonly #options: BatcherOptions<Request, Result>
  #gathered: Waiting<Request, Result>[] = []
  readonly #flying = new Set<readonly Waiting<Request, Result>[]>()
  #scheduled = false
  readonly #held = new HeldBack<Waiting<Request, Result>>()
  #idle: (() => void)[] = []
  #end: { readonly error: Error; readonly unknown: Error } | null = null

  constructor(options: BatcherOptions<Request, Result>) {
    this.#options = options
  }

  submit(request: Request, settle: (settled: Settled<Result>) => void): void {
    if (this.#gathered.length + this.#held.size >= MAX_GATHERED)
      return settle({ ok: false, error: new OverloadedError(MAX_GATHERED) })
    this.#gather({ request, settle, waits: null })
  }

  #gather(waiting: Waiting<Request, Result>): void {
    if (this.#end !== null) {
      const { error, unknown } = this.#end
      return waiting.settle({ ok: false, error: waiting.waits?.inDoubt ? unknown : error })
    }
    if (this.#held.size > 0 && this.#held.join(this.#keyOf(waiting), waiting)) return
    this.#gathered.push(waiting)
    if (this.#flying.size < this.#options.lanes) this.#schedule()
  }

  /** The same as a promise, for callers off the hot path. Rejects with the error of the batch. */
  request(request: Request): Promise<{ readonly value: Result; readonly inDoubt: boolean }> {
    return new Promise((resolve, reject) => {
      this.submit(request, (settled) => (settled.ok ? resolve(settled) : reject(settled.error)))
    })
  }

  /** Resolves when nothing is gathered and nothing under way. */
  async whenIdle(): Promise<void> {
    if (this.isIdle) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Answers all requests now, those to come as well: with `error`, or with `unknown` where something may have been sent. */
  giveUp(error: Error, unknown: Error): void {
    this.#end = { error, unknown }
    for (const batch of this.#flying) for (const { settle } of batch) settle({ ok: false, error: unknown })
    for (const waiting of [...this.#held.endAll(), ...this.#gathered.splice(0)]) this.#gather(waiting)
  }

  // One microtask later, so that all that is submitted in one go leaves in one statement.
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#flying.size < this.#options.lanes && this.#gathered.length > 0) void this.#fly(this.#takeBatch())
    if (this.isIdle) for (const resolve of this.#idle.splice(0)) resolve()
  }

  get isIdle(): boolean {
    return this.#flying.size === 0 && this.#gathered.length === 0 && this.#held.size === 0
  }

  /** The longest-waiting requests, as many as one statement may carry; at least one. */
  #takeBatch(): readonly Waiting<Request, Result>[] {
    const { maxBatch, sizeOf = () => 0 } = this.#options
    const gathered = this.#gathered
    let count = 0
    for (let size = 0; count < Math.min(gathered.length, maxBatch); count++) {
      size += sizeOf((gathered[count] as Waiting<Request, Result>).request)
      if (size > MAX_BATCH_SIZE && count > 0) break
    }
    this.#gathered = gathered.slice(count)
    return count === gathered.length ? gathered : gathered.slice(0, count)
  }

  // Never rejects: every failure settles the requests of the batch.
  async #fly(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    this.#flying.add(batch)
    const settled = await this.#settle(batch.map((waiting) => waiting.request))
    this.#flying.delete(batch)
    if (this.#end === null) this.#holdBack(batch, settled)
    // The lane flies again before callers are told, so that the database works while they do.
    this.#flush()
    if (this.#end !== null) return
    for (let index = 0; index < batch.length; index++)
      this.#tell(batch[index] as Waiting<Request, Result>, settled(index))
  }

  #tell(waiting: Waiting<Request, Result>, settled: Settled<Result>): void {
    const { request, settle, waits } = waiting
    // A run before this one may have taken effect, whatever became of this one.
    if (!settled.ok && waits?.inDoubt) return settle({ ok: false, error: toUnknown(this.#options.name, settled.error) })
    if (!settled.ok) return settle(settled)
    const { judge, mustWait } = this.#options
    if (mustWait?.(settled.value)) return
    const inDoubt = settled.inDoubt || waits?.inDoubt === true
    if (inDoubt && judge) void judge(request, settled.value).then(settle)
    else settle(inDoubt === settled.inDoubt ? settled : { ...settled, inDoubt })
  }

  /** Those of a batch that must wait, before any that comes after them goes out. */
  #holdBack(batch: readonly Waiting<Request, Result>[], settledAt: (index: number) => Settled<Result>): void {
    const { mustWait } = this.#options
    if (mustWait === undefined) return
    for (const [index, { request, settle, waits }] of batch.entries()) {
      const settled = settledAt(index)
      if (!settled.ok || !mustWait(settled.value)) continue
      const inDoubt = settled.inDoubt || waits?.inDoubt === true
      this.#wait({ request, settle, waits: { sinceMs: performance.now(), ...waits, inDoubt } })
    }
    if (this.#held.size > 0)
      this.#gathered = this.#gathered.filter((waiting) => !this.#held.join(this.#keyOf(waiting), waiting))
  }

  #wait(waiting: Waiting<Request, Result> & { readonly waits: object }): void {
    const { settle, waits } = waiting
    const { name, retryForMs } = this.#options
    if (performance.now() - waits.sinceMs > retryForMs) {
      const locked = new Error('the row is locked by somebody else')
      return settle({ ok: false, error: this.#describe(name, Object.assign(locked, { code: '55P03' }), waits.inDoubt) })
    }
    const key = this.#keyOf(waiting)
    if (this.#held.join(key, waiting)) return
    this.#held.begin(key, waiting)
    setTimeout(() => {
      for (const each of this.#held.end(key)) this.#gather(each)
    }, PAUSE_MS)
  }

  #keyOf({ request }: Waiting<Request, Result>): unknown {
    return this.#options.keyOf?.(request) ?? request
  }

  async #settle(requests: readonly Request[]): Promise<(index: number) => Settled<Result>> {
    try {
      const { results, inDoubt } = await this.#runWithRetries(requests)
      return (index) => ({ ok: true, value: results[index] as Result, inDoubt })
    } catch (error) {
      if (requests.length === 1 || !isRefusedByDatabase(error)) return () => ({ ok: false, error })
      // Nothing of the batch took effect, because of something in it: each request for itself, only the culprit fails.
      const each: Settled<Result>[] = []
      for (const request of requests) each.push((await this.#settle([request]))(0))
      return (index) => each[index] as Settled<Result>
    }
  }

  async #runWithRetries(
    requests: readonly Request[]
  ): Promise<{ readonly results: readonly Result[]; readonly inDoubt: boolean }> {
    const { name, refuse, run, repeatable, onFlush, onRetry, retryForMs } = this.#options
    let inDoubt = false
    const attempt = async (): Promise<readonly Result[]> => {
      const refusal = this.#end?.error ?? refuse?.() ?? null
      if (refusal) {
        // One macrotask: a caller that tries again at once must not keep the node from joining again.
        await new Promise((resolve) => setImmediate(resolve))
        throw refusal
      }
      const startedAt = performance.now()
      const results = await run(requests)
      onFlush?.(requests.length, performance.now() - startedAt)
      return results
    }
    let firstFailedAt: number | null = null
    const mayRetry = (error: unknown): boolean => {
      const kind = classifyError(error)
      if (kind === 'lost') inDoubt = true
      firstFailedAt ??= performance.now()
      // By a clock that nobody can set back: that of a schedule is the machine's.
      if (performance.now() - firstFailedAt >= retryForMs) return false
      const retry = kind === 'aborted' || kind === 'unavailable' || (kind === 'lost' && repeatable)
      if (retry) onRetry?.(requests.length, error)
      return retry
    }
    try {
      return { results: await attempt(), inDoubt }
    } catch (first) {
      if (!mayRetry(first)) throw this.#describe(name, first, inDoubt)
      try {
        const results = await Effect.runPromise(
          Effect.tryPromise({ try: attempt, catch: (error) => error }).pipe(
            Effect.retry({ schedule: RETRY_BACK_OFF, while: mayRetry })
          )
        )
        return { results, inDoubt }
      } catch (last) {
        throw this.#describe(name, last, inDoubt)
      }
    }
  }

  #describe(name: string, error: unknown, inDoubt: boolean): unknown {
    const { onlyReads = false } = this.#options
    if (inDoubt && !onlyReads) return new OutcomeUnknownError(name, error)
    if (error instanceof PerdureError) return error
    return classifyError(error) === 'fatal' ? describeRefusedCall(name, error) : new StoreUnavailableError(name, error)
  }
}

const toUnknown = (name: string, error: unknown): OutcomeUnknownError =>
  error instanceof OutcomeUnknownError ? error : new OutcomeUnknownError(name, error)

const isRefusedByDatabase = (error: unknown): boolean =>
  !(error instanceof PerdureError) && classifyError(error) === 'fatal'

/** 20 ms, doubling to 1 s, with jitter. */
const RETRY_BACK_OFF = Schedule.min([Schedule.exponential('20 millis'), Schedule.spaced('1 second')]).pipe(
  Schedule.jittered
)

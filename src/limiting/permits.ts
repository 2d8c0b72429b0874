/**
 * Permits of named limits, as the work of one node takes them. Which are there, the database decides.
 *
 * Owns: who of this node waits for which limit (a line each), and which slots it holds. Lives as long as one engine.
 * Does not own: order and pauses within a line (line.ts), SQL.
 *
 * Invariants
 * 1. Work that takes no limit costs nothing here. All that is asked for in one go, whatever the limits, is one statement.
 * 2. A slot that was granted, or may have been, is released: at once where nobody wants it any more, else with its work, and again
 *    until the database has heard of it. Should this node die before, the slot is free with the node's row.
 * 3. Work that runs twice at once on this node, under one name, has one slot until both runs are over. It is not asked for while it is
 *    being released.
 * 4. Slots are taken before tokens, which nobody gives back.
 * 5. Where the database cannot be asked, work is throttled: it has not begun, so that is no attempt.
 */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { PerdureError } from '../errors.ts'
import type { Permits } from '../logics/current-work.ts'
import type { PermitUse } from '../logics/definitions.ts'
import { NonRetryableError } from '../logics/errors.ts'
import { Throttled } from '../logics/throttled.ts'
import { Batcher } from '../persistence/group-commit.ts'
import type { PermitRequest, PermitResult, Slot, Store } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { findMisuse, type Limits } from './limits.ts'
import { Line } from './line.ts'

export interface NodePermitsOptions {
  readonly store: Pick<Store, 'permits'>
  readonly node: string
  readonly limits: Limits
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Why this node may not write now; null while its lease holds. */
  readonly refuse: () => Error | null
  readonly retryForMs: number
}

const MAX_BATCH = 500
/** After a failure of the database. */
const RETRY_MS = 1_000

export class NodePermits implements Permits {
  readonly #options: NodePermitsOptions
  readonly #takes: Batcher<PermitRequest, PermitResult>
  readonly #releases: Batcher<Slot, null>
  readonly #lines = new Map<string, Line>()
  /** How many runs hold each slot of this node. */
  readonly #held = new Map<string, number>()
  readonly #beingReleased = new Map<string, Promise<void>>()
  #isOver = false

  constructor(options: NodePermitsOptions) {
    this.#options = options
    const { store, node, telemetry, refuse, retryForMs } = options
    const common = {
      lanes: 1,
      maxBatch: MAX_BATCH,
      repeatable: true,
      retryForMs,
      onRetry: (rows: number, reason: unknown) => telemetry.emit('commit.retried', { rows, reason })
    }
    this.#takes = new Batcher({ ...common, name: 'permit', refuse, run: (batch) => store.permits.take(node, batch) })
    this.#releases = new Batcher({
      ...common,
      name: 'release of a permit',
      run: async (batch) => {
        await store.permits.release(node, batch)
        return batch.map(() => null)
      }
    })
  }

  async take(uses: readonly PermitUse[], holder: string, signal: AbortSignal): Promise<() => void> {
    const releases: (() => void)[] = []
    const releaseAll = (): void => {
      for (const release of releases.splice(0)) release()
    }
    try {
      for (const request of this.#toRequests(uses, holder)) releases.push(await this.#takeOne(request, signal))
      return releaseAll
    } catch (error) {
      releaseAll()
      const isOurs = error instanceof PerdureError && !(error instanceof NonRetryableError)
      throw isOurs ? new Throttled(RETRY_MS) : error
    }
  }

  /** Nobody is granted anything any more. What is held is free with the node's row. */
  giveUp(error: Error): void {
    this.#isOver = true
    this.#takes.giveUp(error, error)
    this.#releases.giveUp(error, error)
    for (const line of this.#lines.values()) line.refuseAll(error)
  }

  #toRequests(uses: readonly PermitUse[], holder: string): readonly PermitRequest[] {
    const requests = new Map<string, PermitRequest>()
    for (const use of uses) {
      const misuse = findMisuse({ ...use, isPartitioned: use.partition !== null }, use.weight, this.#options.limits)
      if (misuse) throw new NonRetryableError(`the ${use.option} of an activity ${misuse.what}. ${misuse.remedy}.`)
      const { rate, concurrency } = this.#options.limits.get(use.limit) as PermitRequest & { isPartitioned: boolean }
      const { limit, weight } = use
      const request = { limit, partition: use.partition ?? '', weight, holder, rate, concurrency }
      requests.set(nameOf(request), request)
    }
    const rank = ({ concurrency, limit }: PermitRequest): string => `${concurrency === null ? 1 : 0}${limit}`
    return [...requests.values()].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
  }

  async #takeOne(request: PermitRequest, signal: AbortSignal): Promise<() => void> {
    const slot = slotOf(request)
    do {
      await this.#beingReleased.get(slot)
      signal.throwIfAborted()
      if (!this.#held.has(slot)) await this.#wait(request, signal)
    } while (this.#beingReleased.has(slot))
    if (request.concurrency === null) return () => undefined
    this.#held.set(slot, (this.#held.get(slot) ?? 0) + 1)
    return () => this.#letGo(request)
  }

  #wait(request: PermitRequest, signal: AbortSignal): Promise<void> {
    const line = this.#lineOf(request)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        line.remove(request)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      line.add({
        request,
        grant: () => {
          signal.removeEventListener('abort', leave)
          if (signal.aborted) this.#release(request)
          else resolve()
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave)
          // It may have been granted by a statement whose answer was lost.
          if (!(error instanceof Throttled)) this.#release(request)
          reject(error)
        }
      })
    })
  }

  #lineOf(request: PermitRequest): Line {
    const name = nameOf(request)
    const present = this.#lines.get(name)
    if (present) return present
    const { clock, telemetry } = this.#options
    const { limit } = request
    const line = new Line({
      clock,
      ask: (asked, settle) => this.#takes.submit(asked, settle),
      tellThrottled: (by, count, retryInMs) =>
        by === 'rate'
          ? telemetry.emit('rate_limit.throttled', { limit, count, retryInMs })
          : telemetry.emit('concurrency.throttled', { limit, count, retryInMs }),
      leave: () => this.#lines.delete(name)
    })
    this.#lines.set(name, line)
    return line
  }

  #letGo(request: PermitRequest): void {
    const slot = slotOf(request)
    const left = (this.#held.get(slot) ?? 1) - 1
    if (left > 0) this.#held.set(slot, left)
    else {
      this.#held.delete(slot)
      this.#release(request)
    }
  }

  #release(request: PermitRequest): void {
    const slot = slotOf(request)
    if (request.concurrency === null || this.#held.has(slot) || this.#beingReleased.has(slot)) return
    const released = this.#releaseUntilDone(request).then(() => {
      this.#beingReleased.delete(slot)
      this.#lines.get(nameOf(request))?.poke()
    })
    this.#beingReleased.set(slot, released)
  }

  // Never rejects.
  async #releaseUntilDone({ limit, partition, holder }: PermitRequest): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#releases.request({ limit, partition, holder })
        return
      } catch {
        await setTimeout(RETRY_MS, undefined, { ref: false })
      }
    }
  }
}

const nameOf = ({ limit, partition }: PermitRequest): string => JSON.stringify([limit, partition])
const slotOf = ({ limit, partition, holder }: PermitRequest): string => JSON.stringify([limit, partition, holder])

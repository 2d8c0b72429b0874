/**
 * Those of one node who wait for a permit of one limit and partition.
 *
 * Owns: their order, when the database is asked for them again, and who has waited long enough to be given back.
 * Does not own: the permits (persistence/permits.ts), batches (permits.ts).
 *
 * Invariants
 * 1. First come, first served: who comes while others wait is asked for after them. Between nodes there is no order.
 * 2. While one question is under way, or a pause, no other goes out: an idle line asks nothing, a full one once in a pause.
 * 3. Who is granted tokens ahead of their time begins when that has come, and is no part of the line any more.
 * 4. Nobody waits here for longer than MAX_WAIT_MS and one pause: who must is given back, to rest in its row, and told when to
 *    come again: at a time that goes by its place, so that those who were given back together do not come back together.
 */
import type { Clock } from '../clock.ts'
import { Throttled } from '../logics/throttled.ts'
import type { Settled } from '../persistence/group-commit.ts'
import type { PermitRequest, PermitResult } from '../persistence/store.ts'
import { backOffMs } from '../retry-policy.ts'

export interface Waiter {
  readonly request: PermitRequest
  grant(): void
  refuse(error: Error): void
}

export interface LineOptions {
  readonly clock: Clock
  ask(request: PermitRequest, settle: (settled: Settled<PermitResult>) => void): void
  tellThrottled(by: 'rate' | 'concurrency', count: number, retryInMs: number): void
  /** Nobody waits any more. */
  leave(): void
}

interface Waiting extends Waiter {
  readonly sinceMs: number
}

type Answers = ReadonlyMap<Waiting, Settled<PermitResult>>
type Refusal = Extract<PermitResult, { kind: 'refused' }>

const MAX_WAIT_MS = 2_000
/** Who waits for a slot that nobody here releases comes again after this at the latest. */
const MAX_REST_MS = 60_000
const MIN_REST_MS = 1_000
/** Of those that wait so many are asked for at once. */
const MAX_ASKED = 100
/** Between questions for slots, which may be released elsewhere. */
const BACK_OFF = { maxAttempts: Infinity, initialMs: 50, factor: 2, maxMs: 1_000, jitter: 0.2 }

export class Line {
  readonly #options: LineOptions
  readonly #openedMs: number
  #waiting: Waiting[] = []
  #phase: 'idle' | 'soon' | 'asking' | 'pausing' = 'idle'
  #endPause: () => void = () => undefined
  /** Slots were released while a question was under way: its answer may be older. */
  #isPoked = false
  /** Left while a question was under way. */
  readonly #gone = new Set<PermitRequest>()
  /** Those whose tokens are on their way, each with what calls its beginning off. */
  readonly #coming = new Map<Waiting, () => void>()
  #granted = 0
  /** Questions in a row by which nobody got a slot. */
  #failures = 0

  constructor(options: LineOptions) {
    this.#options = options
    this.#openedMs = options.clock.earliestMs()
  }

  add(waiter: Waiter): void {
    this.#waiting.push({ ...waiter, sinceMs: this.#options.clock.earliestMs() })
    if (this.#phase === 'idle') this.#askSoon()
  }

  /** The waiter does not want it any more. One that is asked for just now is answered all the same. */
  remove(request: PermitRequest): void {
    this.#gone.add(request)
    if (this.#phase !== 'asking') this.#dropGone()
    if (this.#waiting.length === 0 && this.#phase === 'pausing') this.#end()
  }

  /** Somebody here has released a slot. */
  poke(): void {
    if (this.#phase === 'pausing') this.#askSoon()
    else this.#isPoked = true
  }

  refuseAll(error: Error): void {
    this.#endPause()
    for (const callOff of this.#coming.values()) callOff()
    for (const waiter of [...this.#coming.keys(), ...this.#waiting.splice(0)]) waiter.refuse(error)
    this.#coming.clear()
  }

  #dropGone(): void {
    if (this.#gone.size > 0) this.#waiting = this.#waiting.filter(({ request }) => !this.#gone.has(request))
    this.#gone.clear()
  }

  // One microtask later, so that all that come in one go are asked for in one statement.
  #askSoon(): void {
    this.#endPause()
    this.#phase = 'soon'
    queueMicrotask(() => this.#ask())
  }

  #ask(): void {
    const asked = this.#waiting.slice(0, MAX_ASKED)
    if (asked.length === 0) return this.#end()
    this.#phase = 'asking'
    this.#isPoked = false
    const answers = new Map<Waiting, Settled<PermitResult>>()
    for (const waiter of asked) {
      this.#options.ask(waiter.request, (settled) => {
        answers.set(waiter, settled)
        if (answers.size === asked.length) this.#heed(answers)
      })
    }
  }

  #heed(answers: Answers): void {
    const refused = new Map<Waiting, Refusal>()
    for (const [waiter, settled] of answers) {
      if (settled.ok && settled.value.kind === 'refused') refused.set(waiter, settled.value)
    }
    this.#waiting = this.#waiting.filter((waiter) => !answers.has(waiter) || refused.has(waiter))
    this.#dropGone()
    for (const [waiter, settled] of answers) {
      if (!settled.ok) waiter.refuse(settled.error as Error)
      else if (settled.value.kind === 'granted') this.#grant(waiter, settled.value.inMs)
    }
    this.#failures = refused.size === answers.size ? this.#failures + 1 : 1
    if (refused.size > 0) this.#giveBack(refused)
    if (this.#waiting.length === 0) this.#end()
    else if (refused.size === 0 || this.#isPoked) this.#askSoon()
    else this.#pause(refused.get(this.#waiting[0] as Waiting))
  }

  #grant(waiter: Waiting, inMs: number): void {
    this.#granted++
    if (inMs === 0) return waiter.grant()
    const { clock } = this.#options
    const begin = (): void => {
      this.#coming.delete(waiter)
      waiter.grant()
      if (this.#phase === 'idle') this.#end()
    }
    this.#coming.set(waiter, clock.schedule(clock.latestMs() + inMs, begin))
  }

  /** Lets go of those whose turn is too far off. */
  #giveBack(refused: ReadonlyMap<Waiting, Refusal>): void {
    const now = this.#options.clock.earliestMs()
    const last = [...refused.values()].at(-1) as Refusal
    if (last.by !== 'death') {
      this.#options.tellThrottled(last.by, this.#waiting.length, last.retryInMs ?? this.#backOffMs)
    }
    const msPerGrant = (now - this.#openedMs) / Math.max(this.#granted, 1)
    let tokensBehind = 0
    const turns = this.#waiting.map((waiter, place) => {
      const refusal = refused.get(waiter)
      const { by, retryInMs } = refusal ?? last
      const waitedMs = now - waiter.sinceMs
      if (by !== 'rate') {
        const inMs = Math.min(Math.max((place + 1) * msPerGrant, MIN_REST_MS), MAX_REST_MS)
        return { waiter, inMs, isFar: waitedMs >= MAX_WAIT_MS }
      }
      // Those that were not asked for come after the last one that was.
      if (refusal === undefined) tokensBehind += waiter.request.weight
      const inMs = retryInMs + tokensBehind / (waiter.request.rate?.tokensPerMs ?? Infinity)
      return { waiter, inMs, isFar: waitedMs + inMs > MAX_WAIT_MS }
    })
    this.#waiting = turns.filter(({ isFar }) => !isFar).map(({ waiter }) => waiter)
    for (const { waiter, inMs, isFar } of turns) if (isFar) waiter.refuse(new Throttled(Math.ceil(inMs)))
  }

  #pause(first: Refusal | undefined): void {
    const { clock } = this.#options
    this.#phase = 'pausing'
    const dueMs = clock.latestMs() + (first?.retryInMs ?? this.#backOffMs)
    this.#endPause = clock.schedule(dueMs, () => this.#askSoon())
  }

  #end(): void {
    this.#endPause()
    this.#phase = 'idle'
    if (this.#coming.size === 0) this.#options.leave()
  }

  get #backOffMs(): number {
    return backOffMs(BACK_OFF, this.#failures, Math.random())
  }
}

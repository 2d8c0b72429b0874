/**
 * The contract of permits.ts in maps.
 *
 * Owns: buckets and slots. Does not own: the clock and the life of nodes, which are given.
 */
import { AHEAD_MS, type PermitRequest, type PermitResult, type PermitStore, type Slot } from './permits.ts'

export interface PermitWorld {
  now(): number
  isAlive(node: string): boolean
}

interface Bucket {
  readonly level: number
  readonly filledAt: number
  readonly fullAt: number
}

const GRANTED: PermitResult = { kind: 'granted', inMs: 0 }

export class MemoryPermits implements PermitStore {
  readonly #world: PermitWorld
  readonly #buckets = new Map<string, Bucket>()
  /** The node of each holder, by limit and partition. */
  readonly #slots = new Map<string, Map<string, string>>()

  constructor(world: PermitWorld) {
    this.#world = world
  }

  async take(node: string, requests: readonly PermitRequest[]): Promise<readonly PermitResult[]> {
    if (!this.#world.isAlive(node)) return requests.map(() => ({ kind: 'refused', by: 'death', retryInMs: null }))
    /** Tokens that requests of this batch wait for, by limit and partition: none overtakes them. */
    const waiting = new Map<string, number>()
    return requests.map((request) => {
      const name = nameOf(request)
      const slots = this.#slotsOf(name)
      if (request.concurrency !== null && slots.has(request.holder)) {
        slots.set(request.holder, node)
        return GRANTED
      }
      const before = waiting.get(name)
      const result = this.#judge(request, slots, before)
      if (result.kind === 'refused') waiting.set(name, (before ?? 0) + request.weight)
      else if (request.concurrency !== null) slots.set(request.holder, node)
      return result
    })
  }

  /** `before`: tokens for those of its batch that were refused; undefined: none was. */
  #judge(request: PermitRequest, slots: ReadonlyMap<string, string>, before: number | undefined): PermitResult {
    const { rate, concurrency, weight } = request
    const bucket = rate && this.#fill(nameOf(request), rate)
    const short = bucket ? (before ?? 0) + weight - bucket.level : 0
    // Levels are sums of fractions.
    const inMs = rate && short > 1e-6 ? short / rate.tokensPerMs : 0
    if (inMs > AHEAD_MS) return { kind: 'refused', by: 'rate', retryInMs: Math.ceil(inMs - AHEAD_MS) }
    if (before !== undefined || (concurrency !== null && slots.size >= concurrency)) {
      return { kind: 'refused', by: 'concurrency', retryInMs: null }
    }
    if (rate && bucket) this.#store(nameOf(request), rate, bucket.level - weight)
    return { kind: 'granted', inMs }
  }

  async release(node: string, slots: readonly Slot[]): Promise<void> {
    for (const slot of slots) {
      const holders = this.#slotsOf(nameOf(slot))
      if (holders.get(slot.holder) === node) holders.delete(slot.holder)
      if (holders.size === 0) this.#slots.delete(nameOf(slot))
    }
  }

  async forget(olderThanMs: number, limit: number): Promise<number> {
    const before = this.#world.now() - olderThanMs
    const old = [...this.#buckets].filter(([, { fullAt }]) => fullAt < before).slice(0, limit)
    for (const [name] of old) this.#buckets.delete(name)
    return old.length
  }

  /** The node is forgotten: its slots are free. */
  forgetNode(node: string): void {
    for (const holders of this.#slots.values()) {
      for (const [holder, owner] of holders) if (owner === node) holders.delete(holder)
    }
  }

  #fill(name: string, { tokensPerMs, burst }: NonNullable<PermitRequest['rate']>): Bucket {
    const now = this.#world.now()
    const { level, filledAt, fullAt } = this.#buckets.get(name) ?? { level: burst, filledAt: now, fullAt: now }
    return { level: Math.min(burst, level + Math.max(now - filledAt, 0) * tokensPerMs), filledAt: now, fullAt }
  }

  #store(name: string, { tokensPerMs, burst }: NonNullable<PermitRequest['rate']>, level: number): void {
    const now = this.#world.now()
    this.#buckets.set(name, { level, filledAt: now, fullAt: now + (burst - level) / tokensPerMs })
  }

  #slotsOf(name: string): Map<string, string> {
    const slots = this.#slots.get(name) ?? new Map<string, string>()
    this.#slots.set(name, slots)
    return slots
  }
}

const nameOf = ({ limit, partition }: Slot | PermitRequest): string => JSON.stringify([limit, partition])

/**
 * Every bound that a runtime keeps on what it takes and holds, as an option, and the check of sizes.
 */
import { TooLargeError } from './errors.ts'
import { readCount, readFields } from './plain-arguments.ts'
import type { Json } from './persistence/store.ts'

/** Every bound that a runtime keeps, with its default. Sizes are bytes of JSON text. */
export interface Bounds {
  /** Bytes of one event. */
  readonly event: number
  /** Bytes of one actor's snapshot: context, children, timers. */
  readonly snapshot: number
  /** Bytes of a spawn's input. */
  readonly input: number
  /** Events of one actor that wait in memory for their turn. */
  readonly mailbox: number
  /** Events of one actor that wait in its durable inbox for a state that takes them. */
  readonly inbox: number
  /** Claims of one actor without progress, after which it is parked. */
  readonly attempts: number
}

export const DEFAULT_BOUNDS: Bounds = {
  event: 1_048_576,
  snapshot: 8_388_608,
  input: 1_048_576,
  mailbox: 1_000,
  inbox: 1_000,
  attempts: 5
}

/** Throws InvalidArgumentError. */
export function readBounds(bounds: Partial<Bounds> = {}): Bounds {
  const read = readFields('bounds', bounds, Object.keys(DEFAULT_BOUNDS) as (keyof Bounds)[])
  for (const [name, value] of Object.entries(read)) readCount(`bounds: '${name}'`, value)
  return { ...DEFAULT_BOUNDS, ...read }
}

/** Of one `spawnMany`, which is one statement: actors, and bytes of JSON that their inputs take together. */
export const SPAWN_MANY = { entries: 100_000, inputs: 67_108_864 } as const

/** Throws TooLargeError. */
export function checkSize(what: 'event' | 'snapshot' | 'input', json: Json, bounds: Bounds): void {
  const limit = bounds[what]
  // UTF-8 takes at most three bytes for each UTF-16 unit: only what may be too large is measured.
  if (json.length * 3 <= limit) return
  const sizeBytes = Buffer.byteLength(json)
  if (sizeBytes > limit) throw new TooLargeError(what, sizeBytes, limit, what)
}

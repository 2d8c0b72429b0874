/**
 * Every bound that a runtime keeps on what it takes and holds, and the check of sizes.
 */
import { TooLargeError } from './errors.ts'
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

/** Throws TooLargeError. */
export function checkSize(what: 'event' | 'snapshot' | 'input', json: Json, bounds: Bounds): void {
  const limit = bounds[what]
  // UTF-8 takes at most three bytes for each UTF-16 unit: only what may be too large is measured.
  if (json.length * 3 <= limit) return
  const sizeBytes = Buffer.byteLength(json)
  if (sizeBytes > limit) throw new TooLargeError(what, sizeBytes, limit, what)
}

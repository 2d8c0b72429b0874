/**
 * The janitor: forgets dedup keys and actors that are past their retention, and what named limits need not remember, and tells of
 * rows that nobody takes.
 *
 * Owns: when, and how much at once. Does not own: what may go (sql/queries/collect.sql, purge_dedup.sql, forget_permits.sql).
 *
 * Invariants
 * 1. No statement deletes more than a batch: what is much goes in many, one after the other.
 * 2. A node collects actors of the machines that it knows, by their retention, and no others.
 */
import type { Engine } from '../actors/engine.ts'
import type { Registrations } from '../actors/registration.ts'
import type { Limits } from '../limiting/limits.ts'
import type { Retention, Store } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { makeLoop, type Loop } from './loop.ts'

export interface JanitorOptions {
  readonly store: Store
  readonly telemetry: Telemetry
  readonly registrations: Registrations
  readonly queues: Readonly<Record<string, number>>
  readonly limits: Limits
  readonly dedupRetentionMs: number
  /** Of machines that have none of their own; null: for ever. */
  readonly retentionMs: number | null
  readonly engine: () => Engine | undefined
}

const PAUSE_MS = 60_000
/** Between two batches where there is more: others want the database, too. */
const NEXT_BATCH_MS = 50
const DEDUP_BATCH = 5_000
/** With an actor go its inbox and its dedup keys. */
const ACTOR_BATCH = 500
/** What is left of named limits is forgotten when it has said nothing for so long. */
const PERMITS_AFTER_MS = 3_600_000
const PERMIT_BATCH = 5_000
/** What waits longer than this for a node that knows it is reported. */
const UNKNOWN_AFTER_MS = 60_000
const UNKNOWN_LOOK = 1_000

export function makeJanitor({ store, telemetry, engine, ...options }: JanitorOptions): Loop {
  const { registrations, queues, limits, dedupRetentionMs } = options
  const retentions = listRetentions(registrations, options.retentionMs)
  const search = {
    machines: registrations.runnable,
    queues: Object.keys(queues),
    waitedMs: UNKNOWN_AFTER_MS,
    limit: UNKNOWN_LOOK
  }
  return makeLoop({
    name: 'janitor',
    step: async () => {
      const keys = await store.purgeDedup(dedupRetentionMs, DEDUP_BATCH)
      const actors = retentions.length > 0 ? await store.collect(retentions, ACTOR_BATCH) : 0
      if (actors > 0) telemetry.emit('gc.swept', { count: actors })
      const permits = limits.size > 0 ? await store.permits.forget(PERMITS_AFTER_MS, PERMIT_BATCH) : 0
      if (keys === DEDUP_BATCH || actors === ACTOR_BATCH || permits >= PERMIT_BATCH) return NEXT_BATCH_MS
      for (const unknown of await store.findUnknown(search)) engine()?.strangers.tell(unknown)
      return PAUSE_MS
    }
  })
}

/** By machine: of several versions the longest holds. Machines that are kept for ever are left out. */
function listRetentions(registrations: Registrations, defaultMs: number | null): readonly Retention[] {
  const longest = new Map<string, number>()
  for (const { name, retentionMs = defaultMs } of registrations) {
    longest.set(name, Math.max(longest.get(name) ?? 0, retentionMs ?? Infinity))
  }
  return [...longest].flatMap(([machine, retentionMs]) =>
    Number.isFinite(retentionMs) ? [{ machine, retentionMs }] : []
  )
}

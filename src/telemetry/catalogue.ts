/**
 * Everything that can be heard of a runtime: the name of each event, what it tells and in which units.
 *
 * Owns: names, payloads, and one sentence of description each.
 * Does not own: who emits, who listens (telemetry.ts).
 *
 * Invariants
 * 1. No payload holds what users entrust to their actors: no event, no context, no key, no connection string. An
 *    `error` is what was thrown, as it was thrown: what its message says is up to the code that threw it.
 * 2. `id` is an actor's id, `machine` the name of its machine, `node` a node's id. Durations are milliseconds.
 * 3. Names and payloads are public: a field may be added; none is renamed or taken away within a major version.
 */
interface OfActor {
  readonly id: string
  readonly machine: string
}

/** An actor by its id, or the live one that has a key. */
export type Addressee = { readonly id: string } | { readonly key: string }

export interface TelemetryEvents {
  /** A turn of an actor was committed, after `durationMs`; `events` is how many inputs it applied. */
  'step.stop': OfActor & {
    readonly kind: 'transition' | 'retry' | 'done' | 'failed' | 'stopped'
    readonly durationMs: number
    readonly events: number
  }
  /** A picker asked the database for `demand` actors of its queue and leased `count`. */
  'pick.stop': { readonly queue: string; readonly count: number; readonly demand: number }
  /** How many of the actors that a queue may execute at once on this node are executing. */
  'scheduler.saturation': { readonly queue: string; readonly inFlight: number; readonly concurrency: number }
  /** A queue has drained as its node left: `inFlight` of its actors executed when the drain began, `released` were handed over while they still did. */
  'scheduler.drain': { readonly queue: string; readonly released: number; readonly inFlight: number }
  /** An actor has to wait because `count` others of its partition are executing. */
  'partition.contended': OfActor & { readonly count: number }
  /** So many attempts (`count`) wait here for the rate of a named limit; the next may begin in `retryInMs`. */
  'rate_limit.throttled': { readonly limit: string; readonly count: number; readonly retryInMs: number }
  /** So many attempts (`count`) wait here for a slot of a named limit; it is asked for again in `retryInMs`. */
  'concurrency.throttled': { readonly limit: string; readonly count: number; readonly retryInMs: number }
  /** Nodes were found dead, and the actors that they owned were freed. */
  'reaper.reaped': { readonly nodes: readonly string[]; readonly actors: number }

  /** Actors that ended longer ago than their retention were deleted: `count` of them. */
  'gc.swept': { readonly count: number }

  /** This node has joined: it may own actors from now on. */
  'node.joined': { readonly node: string }
  /** This node has left of its own accord and owns nothing any more. */
  'node.left': { readonly node: string }
  /** This node lost its lease, or cannot know that it holds it, and has dropped its actors. */
  'node.fenced': { readonly node: string; readonly reason: string }

  /** A pooler was found that keeps no sessions; each of `missing` tells what is done without. Not told where the option `pooler` says so. */
  'pooler.found': { readonly missing: readonly string[] }

  /** A batch of commits was answered by the database. */
  'commit.flush': { readonly rows: number; readonly durationMs: number }
  /** A commit changed nothing because its actor moved on elsewhere; `version` is the one it started from. */
  'commit.stale': OfActor & { readonly version: number }
  /** A batch of calls to the database failed for a passing reason and is sent again. */
  'commit.retried': { readonly rows: number; readonly reason: unknown }

  /** An actor was brought into memory from its row. */
  'actor.hydrated': OfActor
  /** An actor at rest has left memory; its row waits. */
  'actor.passivated': OfActor
  /** An actor in memory was dropped because of a defect; its row is as it was last committed. */
  'actor.crashed': OfActor & { readonly error: unknown }
  /** An actor was parked: it does nothing more until an operator has looked. */
  'actor.parked': OfActor & { readonly reason: unknown }
  /** An actor was moved from version `from` of its machine to version `to`. */
  'actor.migrated': OfActor & { readonly from: string | null; readonly to: string }
  /** The database has lost commits: an actor's row is at `version` (null: gone), and this node had known it to be at `seen`. It goes on from there. */
  'actor.regressed': OfActor & { readonly version: number | null; readonly seen: number }
  /** An attempt failed, and the next one is in `retryInMs`; `attempt` counts from 1. */
  'actor.retry': OfActor & { readonly attempt: number; readonly retryInMs: number; readonly error: unknown }

  /** An effect of a committed transition threw; `effect` is its kind. */
  'effect.failed': OfActor & { readonly effect: string; readonly error: unknown }
  /** An attempt of an activity has failed; the next begins `retryInMs` later. `work`: the session of the activity. */
  'activity.retrying': OfActor & {
    readonly work: string
    readonly attempt: number
    readonly error: unknown
    readonly retryInMs: number
  }
  /** An event for a durable actor went nowhere: it is missing, or has ended. */
  'message.undelivered': OfActor & {
    readonly to: Addressee
    readonly reason: 'missing' | 'terminated' | 'full'
  }
  /** Effects run again that were committed, but not acknowledged before a crash. */
  'effect.rerun': OfActor & { readonly count: number }
  /** Some unacknowledged effects cannot run again as they were; each of `problems` tells one and why. */
  'journal.diverged': OfActor & { readonly problems: readonly string[] }

  /** Events were put aside for a later state: `count` by this commit, `waiting` of them in all. */
  'signal.deferred': OfActor & { readonly count: number; readonly waiting: number }
  /** An actor has ended with events in its inbox that none of its states took. */
  'signal.unconsumed': OfActor & { readonly count: number }

  /** Occurrences of a schedule were due: `ids` are the actors that came of them. */
  'schedule.fired': { readonly schedule: string; readonly ids: readonly string[] }
  /** A schedule is due but cannot be read on this node; it is left to a node that can. */
  'schedule.failed': { readonly schedule: string; readonly error: unknown }

  /** A machine was registered that is durable, but perhaps not as its author means it. */
  'machine.warning': {
    readonly machine: string
    readonly place: string
    readonly problem: string
    readonly remedy: string
  }
  /** So many rows (`count`) name a machine, or a version of one, that this node does not know; they are left for a node that does. */
  'machine.unknown': { readonly machine: string; readonly version: string | null; readonly count: number }

  /** A part of the supervision tree failed and is started again; `restarts` counts those within the window. */
  'child.crashed': { readonly child: string; readonly error: unknown; readonly restarts: number }
  /** A listener, an observer or an inspector threw; of an observer this tells each time. */
  'listener.failed': { readonly event: string; readonly error: unknown }
}

export type TelemetryEventName = keyof TelemetryEvents

/** What each event tells, for people: word for word the docstring above. */
export const isTelemetryEvent = (name: unknown): name is TelemetryEventName =>
  typeof name === 'string' && Object.hasOwn(telemetryEvents, name)

export const telemetryEvents: { readonly [Name in TelemetryEventName]: string } = {
  'step.stop': 'A turn of an actor was committed, after `durationMs`; `events` is how many inputs it applied.',
  'pick.stop': 'A picker asked the database for `demand` actors of its queue and leased `count`.',
  'scheduler.saturation': 'How many of the actors that a queue may execute at once on this node are executing.',
  'scheduler.drain':
    'A queue has drained as its node left: `inFlight` of its actors executed when the drain began, `released` were handed over while they still did.',
  'partition.contended': 'An actor has to wait because `count` others of its partition are executing.',
  'rate_limit.throttled':
    'So many attempts (`count`) wait here for the rate of a named limit; the next may begin in `retryInMs`.',
  'concurrency.throttled':
    'So many attempts (`count`) wait here for a slot of a named limit; it is asked for again in `retryInMs`.',
  'reaper.reaped': 'Nodes were found dead, and the actors that they owned were freed.',
  'gc.swept': 'Actors that ended longer ago than their retention were deleted: `count` of them.',
  'node.joined': 'This node has joined: it may own actors from now on.',
  'node.left': 'This node has left of its own accord and owns nothing any more.',
  'node.fenced': 'This node lost its lease, or cannot know that it holds it, and has dropped its actors.',
  'pooler.found':
    'A pooler was found that keeps no sessions; each of `missing` tells what is done without. Not told where the option `pooler` says so.',
  'commit.flush': 'A batch of commits was answered by the database.',
  'commit.stale':
    'A commit changed nothing because its actor moved on elsewhere; `version` is the one it started from.',
  'commit.retried': 'A batch of calls to the database failed for a passing reason and is sent again.',
  'actor.hydrated': 'An actor was brought into memory from its row.',
  'actor.passivated': 'An actor at rest has left memory; its row waits.',
  'actor.crashed': 'An actor in memory was dropped because of a defect; its row is as it was last committed.',
  'actor.parked': 'An actor was parked: it does nothing more until an operator has looked.',
  'actor.migrated': 'An actor was moved from version `from` of its machine to version `to`.',
  'actor.regressed':
    "The database has lost commits: an actor's row is at `version` (null: gone), and this node had known it to be at `seen`. It goes on from there.",
  'actor.retry': 'An attempt failed, and the next one is in `retryInMs`; `attempt` counts from 1.',
  'effect.failed': 'An effect of a committed transition threw; `effect` is its kind.',
  'activity.retrying':
    'An attempt of an activity has failed; the next begins `retryInMs` later. `work`: the session of the activity.',
  'message.undelivered': 'An event for a durable actor went nowhere: it is missing, or has ended.',
  'effect.rerun': 'Effects run again that were committed, but not acknowledged before a crash.',
  'journal.diverged':
    'Some unacknowledged effects cannot run again as they were; each of `problems` tells one and why.',
  'signal.deferred': 'Events were put aside for a later state: `count` by this commit, `waiting` of them in all.',
  'signal.unconsumed': 'An actor has ended with events in its inbox that none of its states took.',
  'schedule.fired': 'Occurrences of a schedule were due: `ids` are the actors that came of them.',
  'schedule.failed': 'A schedule is due but cannot be read on this node; it is left to a node that can.',
  'machine.warning': 'A machine was registered that is durable, but perhaps not as its author means it.',
  'machine.unknown':
    'So many rows (`count`) name a machine, or a version of one, that this node does not know; they are left for a node that does.',
  'child.crashed':
    'A part of the supervision tree failed and is started again; `restarts` counts those within the window.',
  'listener.failed': 'A listener, an observer or an inspector threw; of an observer this tells each time.'
}

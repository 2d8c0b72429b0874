/**
 * This node's membership: a lease in the database, and knowing at every moment whether it still holds.
 *
 * A node has a fresh id with every start. Its lease is renewed every third of its length, on a session of its own. The
 * database counts the lease by its clock; this node counts it by its own monotonic clock, from before the last renewal that
 * succeeded was sent: so it stops before the database lets others take its actors.
 *
 * Owns: the node id, the lease, the samples for the clock. Does not own: what is done under the lease (engine.ts).
 *
 * Invariants
 * 1. `holdsLease` is true only while no other node can have taken this one's actors, whatever hangs or sleeps.
 * 2. A lease that could not be renewed in time ends the membership as a crash; the supervisor then begins anew, with another id.
 * 3. A lease that has run out by the node's clock is never taken up again, even where the database would renew it: actors that
 *    were dropped meanwhile would be missed by nobody.
 * 4. A lease does not outlive the server that gave it.
 * 5. A database that stays silent for the length of a lease, at joining or later, costs all connections: the next try has others.
 */
import * as Effect from 'effect/Effect'
import * as Schedule from 'effect/Schedule'
import { uuidV7Unsafe } from 'effect/crypto/SecureRandom'
import type { SyncedClock } from '../clock.ts'
import { LeaseLostError, StoreUnavailableError } from '../errors.ts'
import type { Lease, Store } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { ChildSpec } from './supervisor.ts'

export interface MembershipOptions {
  readonly store: Store
  /** For people who look at the node table. */
  readonly name: string
  readonly leaseMs: number
  readonly clock: SyncedClock
  readonly telemetry: Telemetry
}

/** Renewed this often per length of the lease, so that two renewals may fail. */
const RENEWALS_PER_LEASE = 3
/** The node stops this much before the database would let others in: for a commit that is on its way. */
const SAFETY = 0.1
/** How often the session is looked at, in this process, in milliseconds. */
const LOOK = 100
const RETRY = Schedule.spaced('100 millis')
/** How long joining may take, where a lease is longer. */
const JOIN_WITHIN_MS = 30_000
/** How long leaving may take; what it would have freed is freed by the reaper of another node. */
const LEAVE_WITHIN = '2 seconds'

export class Membership {
  readonly #options: MembershipOptions
  #node: string | null = null
  #lease: Lease | null = null
  #server = ''
  #validUntil = 0

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /** The node's id; null while it is no member. */
  get node(): string | null {
    return this.#node
  }

  get holdsLease(): boolean {
    return this.#lease !== null && this.#lease.isOpen && performance.now() < this.#validUntil
  }

  readonly spec: ChildSpec = {
    name: 'membership',
    restart: 'permanent',
    start: Effect.suspend(() => {
      const node = uuidV7Unsafe()
      const join = Effect.tryPromise({ try: (signal) => this.#join(node, signal), catch: (error) => error })
      // A stop need not wait for a database that is silent.
      return Effect.acquireRelease(join, (lease) => this.#leave(node, lease), { interruptible: true }).pipe(
        Effect.tap((lease) => this.#begin(node, lease)),
        this.#orSilence(
          Math.min(this.#options.leaseMs, JOIN_WITHIN_MS),
          (silence) => new StoreUnavailableError('joining', silence)
        ),
        Effect.map((lease) => ({ run: this.#renewForever(node, lease) }))
      )
    })
  }

  async #join(node: string, signal: AbortSignal): Promise<Lease> {
    const { store, name, leaseMs } = this.#options
    const lease = await store.join(node, name, leaseMs)
    if (signal.aborted) await lease.leave(false).catch(() => undefined)
    return lease
  }

  /** The first renewal tells the time. */
  #begin(node: string, lease: Lease): Effect.Effect<void, unknown> {
    return Effect.tryPromise({ try: () => this.#renew(lease), catch: (error) => error }).pipe(
      Effect.tap(
        Effect.sync(() => {
          this.#node = node
          this.#lease = lease
          this.#options.telemetry.emit('node.joined', { node })
        })
      )
    )
  }

  #leave(node: string, lease: Lease): Effect.Effect<void> {
    const inOrder = this.holdsLease
    const wasMember = this.#lease === lease
    this.#node = null
    this.#lease = null
    return Effect.promise(() => lease.leave(inOrder).catch(() => undefined)).pipe(
      Effect.timeout(LEAVE_WITHIN),
      Effect.ignore,
      Effect.tap(
        Effect.sync(() => {
          if (wasMember) this.#options.telemetry.emit('node.left', { node })
        })
      )
    )
  }

  async #renew(lease: Lease): Promise<void> {
    const before = performance.now()
    const { held, now, server } = await lease.renew()
    if (!held) throw new LeaseLostError('the node was taken for dead: its row is gone')
    const isTooLate = this.#lease !== null && (this.#lease !== lease || !this.holdsLease)
    if (isTooLate) throw new LeaseLostError('it ran out before it was renewed')
    // Rows that it has lost may say of actors that they are this node's, which has let them go: it begins anew, and frees them.
    if (this.#lease === lease && server !== this.#server) throw new LeaseLostError('the database was started anew')
    this.#server = server
    this.#options.clock.addSample(before, now, performance.now())
    this.#validUntil = before + this.#options.leaseMs * (1 - SAFETY)
  }

  /** A database that does not answer for so long may be gone with all connections that it had, and nobody has told them. */
  #orSilence<Failure>(withinMs: number, toFailure: (silence: Error) => Failure) {
    const ms = Math.ceil(Math.max(withinMs, 1))
    return Effect.timeoutOrElse({
      duration: ms,
      orElse: () => {
        this.#options.store.dropConnections()
        return Effect.fail(toFailure(new Error(`the database did not answer within ${ms} ms`)))
      }
    })
  }

  /** Ends only by failing: when the lease is lost, or ran out while every renewal failed. */
  #renewForever(node: string, lease: Lease): Effect.Effect<never, LeaseLostError> {
    const { leaseMs, telemetry } = this.#options
    const renewal = Effect.tryPromise({ try: () => this.#renew(lease), catch: (error) => error })
    const renewInTime = Effect.suspend(() =>
      renewal.pipe(
        Effect.retry({ while: (error) => !(error instanceof LeaseLostError), schedule: RETRY }),
        Effect.mapError((error) => (error instanceof LeaseLostError ? error : new LeaseLostError(String(error)))),
        this.#orSilence(this.#validUntil - performance.now(), ({ message }) => new LeaseLostError(message))
      )
    )
    const session = Effect.suspend(() =>
      lease.isOpen ? Effect.void : Effect.fail(new LeaseLostError('its session with the database ended'))
    )
    const pause = Effect.sleep(LOOK).pipe(
      Effect.andThen(session),
      Effect.repeat({ times: Math.max(0, Math.ceil(leaseMs / RENEWALS_PER_LEASE / LOOK) - 1) })
    )
    return pause.pipe(
      Effect.andThen(renewInTime),
      Effect.forever,
      Effect.tapError((error) =>
        Effect.sync(() => {
          this.#validUntil = 0
          telemetry.emit('node.fenced', { node, reason: error.message })
        })
      )
    )
  }
}

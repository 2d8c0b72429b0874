/**
 * The bus that carries telemetry from the runtime to whoever listens.
 *
 * Owns: listeners, and what becomes of one that fails.
 * Does not own: what there is to tell (catalogue.ts), exporters.
 *
 * Invariants
 * 1. A listener's fault never reaches the emitter. It is told once for each listener, as `listener.failed`; the
 *    listener is still called afterwards.
 * 2. An event that nobody listens to costs one look-up. Where a payload is dear to make, ask `has` before.
 * 3. Listeners run at once, in the order in which they came, and hold up the emitter: they should hand slow work on.
 *    Who comes or goes during an event counts from the next one.
 */
import type { TelemetryEventName, TelemetryEvents } from './catalogue.ts'
import { telemetryEvents } from './catalogue.ts'

/** May return a promise; a rejection counts as a fault. */
export type TelemetryListener<Name extends TelemetryEventName> = (payload: TelemetryEvents[Name]) => unknown

interface Subscription {
  readonly listener: (payload: never) => unknown
  hasFailed: boolean
}

const NOBODY: readonly Subscription[] = []

export class Telemetry {
  /** The name of every event, and what it tells. */
  readonly events = telemetryEvents
  readonly #subscriptions = new Map<TelemetryEventName, readonly Subscription[]>()

  /** Calls `listener` at every such event from now on. Returns what ends that; ending it twice does no harm. */
  on<Name extends TelemetryEventName>(event: Name, listener: TelemetryListener<Name>): () => void {
    const subscription: Subscription = { listener, hasFailed: false }
    this.#subscriptions.set(event, [...this.#listeningTo(event), subscription])
    return () => {
      const others = this.#listeningTo(event).filter((other) => other !== subscription)
      this.#subscriptions.set(event, others)
    }
  }

  /** Whether anybody listens. */
  has(event: TelemetryEventName): boolean {
    return this.#listeningTo(event).length > 0
  }

  /** Tells all who listen. Never throws. */
  emit<Name extends TelemetryEventName>(event: Name, payload: TelemetryEvents[Name]): void {
    for (const subscription of this.#listeningTo(event)) {
      const listener = subscription.listener as TelemetryListener<Name>
      try {
        const answer = listener(payload)
        if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#report(event, subscription, error))
      } catch (error) {
        this.#report(event, subscription, error)
      }
    }
  }

  #report(event: TelemetryEventName, subscription: Subscription, error: unknown): void {
    if (subscription.hasFailed) return
    subscription.hasFailed = true
    this.emit('listener.failed', { event, error })
  }

  #listeningTo(event: TelemetryEventName): readonly Subscription[] {
    return this.#subscriptions.get(event) ?? NOBODY
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}

/**
 * Who watches which actor in this process.
 *
 * Owns: subscriptions by actor id; they outlive the actor's stay in memory. Does not own: when a notice is due: that is an
 * effect of a committed turn, in its place among the others.
 *
 * Invariants
 * 1. An observer that throws is reported and harms nobody else.
 * 2. `error` and `complete` are the last notice of a subscription.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Telemetry } from '../telemetry/telemetry.ts'

export interface SnapshotObserver {
  next?(snapshot: AnyMachineSnapshot): void
  error?(error: unknown): void
  complete?(): void
}

export interface Subscription {
  unsubscribe(): void
}

interface Listener {
  readonly type: string
  readonly handler: (event: AnyEventObject) => void
}

export class Observers {
  readonly #telemetry: Telemetry
  readonly #snapshots = new Map<string, Set<SnapshotObserver>>()
  readonly #emitted = new Map<string, Set<Listener>>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  subscribe(id: string, observer: SnapshotObserver): Subscription {
    return addTo(this.#snapshots, id, observer)
  }

  /** `type` is an emitted event's type, or '*'. */
  on(id: string, type: string, handler: (event: AnyEventObject) => void): Subscription {
    return addTo(this.#emitted, id, { type, handler })
  }

  /** Ids of actors that somebody subscribes to. */
  get watched(): Iterable<string> {
    return this.#snapshots.keys()
  }

  observe(id: string, notice: 'next' | 'error' | 'complete', value: unknown): void {
    const observers = this.#snapshots.get(id)
    if (observers === undefined) return
    if (notice !== 'next') this.#snapshots.delete(id)
    for (const observer of [...observers]) {
      this.#guard(() => {
        if (notice === 'next') observer.next?.(value as AnyMachineSnapshot)
        else if (notice === 'error') observer.error?.(value)
        else observer.complete?.()
      })
    }
  }

  emit(id: string, event: AnyEventObject): void {
    for (const { type, handler } of this.#emitted.get(id) ?? []) {
      if (type === event.type || type === '*') this.#guard(() => handler(event))
    }
  }

  #guard(notify: () => void): void {
    try {
      notify()
    } catch (error) {
      this.#telemetry.emit('listener.failed', { event: 'observer', error })
    }
  }
}

function addTo<Value>(map: Map<string, Set<Value>>, id: string, value: Value): Subscription {
  const values = map.get(id) ?? new Set<Value>()
  map.set(id, values.add(value))
  return {
    unsubscribe: () => {
      values.delete(value)
      if (values.size === 0 && map.get(id) === values) map.delete(id)
    }
  }
}

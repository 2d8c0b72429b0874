/**
 * Who watches which actor in this process.
 *
 * Owns: subscriptions by actor id, which outlive the actor's stay in memory, and what their observers have been told. Who
 * watches all of them is kept beside (inspectors.ts).
 * Does not own: when a notice is due: that is an effect of a committed turn, in its place among the others, or of a look at
 * the row of an actor that is awake elsewhere (watcher.ts).
 *
 * Invariants
 * 1. An observer that throws, or whose promise rejects, is reported and harms nobody else.
 * 2. `error` and `complete` are the last notice of a subscription.
 * 3. A version that was seen stays seen: a look that comes late, with a row of before, takes nothing back. The next look
 *    would tell the newest snapshot a second time. Only a row that has gone back in the database takes it back (`goBack`).
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { Inspectors } from './inspectors.ts'
import { LastVersions, type Last } from './last-versions.ts'

export interface SnapshotObserver {
  next?(snapshot: AnyMachineSnapshot): void
  error?(error: unknown): void
  complete?(): void
}

export interface Subscription {
  unsubscribe(): void
}

interface Watch {
  readonly observers: Set<SnapshotObserver>
  /** The version that they last heard of, or begin from; undefined until somebody has looked. */
  seenVersion: number | undefined
}

interface Listener {
  readonly type: string
  readonly handler: (event: AnyEventObject) => void
}

export class Observers {
  readonly inspectors: Inspectors
  readonly lastVersions = new LastVersions()
  readonly #telemetry: Telemetry
  readonly #watches = new Map<string, Watch>()
  readonly #emitted = new Map<string, Set<Listener>>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
    this.inspectors = new Inspectors(telemetry)
  }

  subscribe(id: string, observer: SnapshotObserver): Subscription {
    const watch = this.#watches.get(id) ?? { observers: new Set(), seenVersion: undefined }
    watch.observers.add(observer)
    this.#watches.set(id, watch)
    return {
      unsubscribe: () => {
        watch.observers.delete(observer)
        if (watch.observers.size === 0 && this.#watches.get(id) === watch) this.#watches.delete(id)
      }
    }
  }

  /** The version that the observers of an actor last heard of, or begin from; undefined until somebody has looked. */
  seenVersion(id: string): number | undefined {
    return this.#watches.get(id)?.seenVersion
  }

  setSeenVersion(id: string, version: number): void {
    const watch = this.#watches.get(id)
    if (watch) watch.seenVersion = Math.max(version, watch.seenVersion ?? version)
  }

  /** An actor has left memory at `last`, which was committed. `isOver`: it does nothing more, and may be deleted. */
  left(last: Last, isOver: boolean): void {
    this.setSeenVersion(last.id, last.version)
    if (isOver) this.lastVersions.forget(last.id)
    else this.lastVersions.note(last)
  }

  /** A row is behind `seen`, or gone: the database has lost commits. What the row says is believed, and is news to observers. */
  goBack(
    actor: { readonly id: string; readonly machine: string; readonly version: number | null },
    seen: number
  ): void {
    const { id, machine, version } = actor
    const watch = this.#watches.get(id)
    if (watch && version !== null) watch.seenVersion = version - 1
    this.lastVersions.forget(id)
    this.#telemetry.emit('actor.regressed', { id, machine, version, seen })
  }

  /** An actor has come into memory as its row was: what others committed meanwhile, and no look has found, is told. */
  catchUp(id: string, version: number, snapshot: unknown): void {
    const seen = this.seenVersion(id)
    if (seen === undefined || seen >= version) return
    this.setSeenVersion(id, version)
    this.observe(id, 'next', snapshot)
  }

  /** `type` is an emitted event's type, or '*'. */
  on(id: string, type: string, handler: (event: AnyEventObject) => void): Subscription {
    const listener = { type, handler }
    const listeners = this.#emitted.get(id) ?? new Set()
    this.#emitted.set(id, listeners.add(listener))
    return {
      unsubscribe: () => {
        listeners.delete(listener)
        if (listeners.size === 0 && this.#emitted.get(id) === listeners) this.#emitted.delete(id)
      }
    }
  }

  /** Ids of actors that somebody subscribes to. */
  get watched(): Iterable<string> {
    return this.#watches.keys()
  }

  observe(id: string, notice: 'next' | 'error' | 'complete', value: unknown): void {
    const watch = this.#watches.get(id)
    if (watch === undefined) return
    if (notice !== 'next') this.#watches.delete(id)
    for (const observer of watch.observers) {
      this.#guard(() => {
        if (notice === 'next') return observer.next?.(value as AnyMachineSnapshot)
        return notice === 'error' ? observer.error?.(value) : observer.complete?.()
      })
    }
  }

  emit(id: string, event: AnyEventObject): void {
    for (const { type, handler } of this.#emitted.get(id) ?? []) {
      if (type === event.type || type === '*') this.#guard(() => handler(event))
    }
  }

  #guard(notify: () => unknown): void {
    const report = (error: unknown): void => this.#telemetry.emit('listener.failed', { event: 'observer', error })
    try {
      // An observer may be an async function: what it rejects with must not end the process.
      const answer = notify()
      if (answer instanceof Promise) answer.catch(report)
    } catch (error) {
      report(error)
    }
  }
}

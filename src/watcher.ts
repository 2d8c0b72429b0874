/**
 * Notices of actors that are watched in this process but awake elsewhere, or nowhere.
 *
 * One look for all of them: their rows are read together, and who has moved on since the last look is told to its observers
 * as a snapshot. Snapshots between two looks are not seen; the last one always is.
 *
 * The same look, once after a lease was lost, finds rows that are behind what this process had committed: the database may have come
 * back without its last commits.
 *
 * Owns: looking. Does not own: who watches, and what they have seen (actors/observers.ts), when to look (supervisor/node.ts).
 */
import type { AnyMachineSnapshot } from 'xstate'
import type { Last } from './actors/last-versions.ts'
import type { Observers } from './actors/observers.ts'
import type { Registration, Registrations } from './actors/registration.ts'
import { readColumn, reviveSnapshot } from './actors/revive.ts'
import { ActorNotFoundError, MigrationFailedError, SnapshotIllegalError } from './errors.ts'
import { isTerminal, type ActorRow, type Store } from './persistence/store.ts'

export interface WatcherOptions {
  readonly store: Store
  readonly observers: Observers
  readonly registrations: Registrations
  /** Whether the actor is awake in this process: then it tells its observers itself. */
  readonly isAwakeHere: (id: string) => boolean
}

/** The pause between two looks while somebody watches an actor that is not awake here. */
const LOOK_MS = 200
const NOBODY_WATCHES_MS = 3_600_000
const MAX_LOOK = 1_000

export class Watcher {
  readonly #options: WatcherOptions

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  /** One look; resolves to the pause before the next, in milliseconds. */
  async look(): Promise<number> {
    const { store, observers, isAwakeHere } = this.#options
    await observers.lastVersions.examine((suspects) => this.#lookBack(suspects))
    const ids = [...observers.watched].filter((id) => !isAwakeHere(id))
    for (let from = 0; from < ids.length; from += MAX_LOOK) {
      const asked = ids.slice(from, from + MAX_LOOK)
      const seen = asked.map((id) => observers.seenVersion(id))
      const rows = await store.read(asked)
      for (const [index, row] of rows.entries()) {
        if (row !== null) this.#tell(row, seen[index])
        else this.#tellGone(asked[index] as string)
      }
    }
    if (ids.length > 0) return LOOK_MS
    for (const _ of observers.watched) return LOOK_MS
    return NOBODY_WATCHES_MS
  }

  async #lookBack(suspects: readonly Last[]): Promise<void> {
    const { store, observers } = this.#options
    for (let from = 0; from < suspects.length; from += MAX_LOOK) {
      const asked = suspects.slice(from, from + MAX_LOOK)
      const rows = await store.read(asked.map(({ id }) => id))
      for (const [index, row] of rows.entries()) {
        const last = asked[index]
        if (!observers.lastVersions.takeRegressed(last, row)) continue
        observers.goBack({ id: last.id, machine: last.machine, version: row?.version ?? null }, last.version)
      }
    }
  }

  /** Collected, or deleted by hand, before anybody here saw its end. One that was never seen may yet come about. */
  #tellGone(id: string): void {
    const { observers } = this.#options
    if (observers.seenVersion(id) !== undefined) observers.observe(id, 'error', new ActorNotFoundError(id))
  }

  /** `seenBefore`: what observers had seen when the row was asked for. */
  #tell(row: ActorRow, seenBefore: number | undefined): void {
    const { observers, registrations, isAwakeHere } = this.#options
    const registration = registrations.find(row.machine, row.machineVersion)
    // It may have woken here while its row was read: then it tells its observers itself.
    if (registration === undefined || isAwakeHere(row.id)) return
    const isBehind = seenBefore !== undefined && row.version < seenBefore
    if (isBehind && observers.seenVersion(row.id) === seenBefore) observers.goBack(row, seenBefore)
    // The first look only says where observers begin.
    const seen = observers.seenVersion(row.id) ?? row.version
    if (row.version > seen) {
      const snapshot = this.#revive(row, registration)
      if (snapshot === null) return
      observers.observe(row.id, 'next', snapshot)
    }
    observers.setSeenVersion(row.id, row.version)
    if (isTerminal(row.status)) {
      const error = this.#readError(row)
      observers.observe(row.id, row.status === 'failed' ? 'error' : 'complete', error)
    }
  }

  #readError({ id, lastError }: ActorRow): unknown {
    try {
      return readColumn(id, lastError && this.#options.registrations.codecs.decode(id, lastError))
    } catch (error) {
      return error
    }
  }

  /** null: this node's machine lacks what the snapshot names, as during a deploy; those who watch wait for one that it knows. */
  #revive(row: ActorRow, registration: Registration): AnyMachineSnapshot | null {
    try {
      return reviveSnapshot(this.#options.registrations.codecs.decodeRow(row), registration)
    } catch (error) {
      if (error instanceof SnapshotIllegalError || error instanceof MigrationFailedError) return null
      throw error
    }
  }
}

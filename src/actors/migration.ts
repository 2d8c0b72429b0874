/**
 * Moving an actor from one version of its machine to another, by the `migrate` of the registration.
 *
 * A move is a commit of its own, made after the claim and before the actor wakes: snapshot and version of the machine change
 * together, by compare-and-set. So nothing of the new version shows before the row is of that version; a crash leaves the row
 * either as it was or moved; and a node that does not know the new version never takes up what was moved.
 *
 * Owns: the option, asking it, and the commit of a move. Does not own: the form that it is asked in (xstate/persisted-actor.ts),
 * when rows are moved (row-fate.ts).
 */
import { InvalidArgumentError, MigrationFailedError } from '../errors.ts'
import { checkSize, type Bounds } from '../bounds.ts'
import { readFields, readList, readName } from '../plain-arguments.ts'
import type { ActorRow, ClaimedRow, Commit, Json, Outgoing } from '../persistence/store.ts'
import { NOTHING_OUT } from './outgoing.ts'
import type { Registration } from './registration.ts'
import { leaveCommit } from './row-commits.ts'
import { encodeBy, type Codecs } from './row-codec.ts'
import { keepVersion, MachineTree, type PersistedActor } from './transition.ts'

export interface MigrateOptions {
  /** The versions that are migrated; `null`: instances of a registration without one. All others are left alone. */
  readonly from: readonly (string | null)[]
  /**
   * Gives back the actor as this version would have it. Synchronous and pure: it may be called again, also for a mere look.
   * Where it throws, or gives back nothing, the actor is parked with the reason, and its row stays as it was.
   */
  readonly snapshot: (snapshot: PersistedActor, fromVersion: string | null) => PersistedActor | null | undefined
}

export type Migration = MigrateOptions

/** Throws InvalidArgumentError. */
export function readMigration(options: MigrateOptions, version: string | undefined): Migration {
  const { from, snapshot } = readFields('migrate', options, ['from', 'snapshot'])
  if (!Array.isArray(from) || typeof snapshot !== 'function') {
    throw new InvalidArgumentError(
      'migrate',
      'is not { from, snapshot }',
      "Pass { from: ['1'], snapshot: (snapshot) => snapshot }"
    )
  }
  if (version === undefined) {
    throw new InvalidArgumentError('migrate', 'is given without a version', 'Give the machine a version of its own')
  }
  const versions = readList('migrate.from', from).map((each) => (each === null ? null : readName('migrate.from', each)))
  return { from: [...new Set(versions)], snapshot }
}

/** Whether the actor has to be moved before it runs as `registration` has it. */
export const isOlder = (row: ActorRow, { version }: Registration): boolean => row.machineVersion !== version

/** The snapshot of a row as another version has it. Throws MigrationFailedError. */
export function migrateSnapshot(
  { id, machineVersion }: ActorRow,
  stored: Json,
  { blueprint, version, migration }: Registration
): ReturnType<typeof MachineTree.rewrite> {
  try {
    return MachineTree.rewrite(blueprint, id, stored, (snapshot) => {
      const moved: unknown = migration?.snapshot(snapshot, machineVersion)
      if (typeof moved !== 'object' || moved === null) throw new TypeError('migrate gave back no snapshot')
      if ('then' in moved) throw new TypeError('migrate gave back a promise; it must be synchronous')
      return moved as PersistedActor
    })
  } catch (error) {
    throw new MigrationFailedError(id, machineVersion, version, error)
  }
}

const cancelling = (sessions: readonly number[]): Outgoing => ({ ...NOTHING_OUT, cancels: sessions })

/**
 * What moves a claimed row to the version of `registration`, and the row as it then is. It is `ready` until its actor has taken it
 * up: events that have waited may be for a state of the new version. Throws MigrationFailedError, TooLargeError, and what codecs throw.
 */
export function moveRow(
  row: ClaimedRow,
  registration: Registration,
  codecs: Codecs,
  bounds: Bounds
): { readonly commit: Commit; readonly moved: ClaimedRow } {
  const machineVersion = registration.version as string
  const still = { ...leaveCommit(row), status: 'ready', release: false, machineVersion } as const
  // One that has not begun begins with this version.
  if (row.snapshot === null) return { commit: still, moved: { ...row, status: 'ready', machineVersion } }
  const { snapshot: plain, timerAt, gone } = migrateSnapshot(row, codecs.decode(row.id, row.snapshot), registration)
  checkSize('snapshot', plain, bounds)
  const snapshot = encodeBy(registration, plain, 'snapshot')
  const kept = row.journal === null ? null : keepVersion(codecs.decode(row.id, row.journal), row.version)
  const journal = kept && encodeBy(registration, kept, 'journal')
  const moved = { ...row, status: 'ready', machineVersion, snapshot, timerAt, journal, journalBefore: null } as const
  return {
    // What is left out is gone: children in rows of their own as well.
    commit: { ...still, snapshot, timerAt, journal, ...(gone.length > 0 && { outgoing: cancelling(gone) }) },
    moved: { ...moved, version: row.version + 1, attempt: 0 }
  }
}

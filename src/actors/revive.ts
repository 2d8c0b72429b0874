/**
 * The snapshot of an actor that is not awake here, from its row: read only, nothing of it runs.
 */
import type { AnyMachineSnapshot } from 'xstate'
import { SnapshotIllegalError } from '../errors.ts'
import type { ActorRow } from '../persistence/store.ts'
import type { Registration } from './registration.ts'
import { isOlder, migrateSnapshot } from './migration.ts'
import { fromJson } from './snapshot-codec.ts'
import { MachineTree } from './transition.ts'

/** What comes from a tree that is only looked at goes nowhere. */
const NOWHERE = { enqueue: () => undefined }

/**
 * The snapshot that was last committed; of an actor that has not started yet, the one that it would start with, as a plain
 * XState actor shows before `start()`. One that is of an older version is shown as `migrate` would have it; its row stays.
 */
export function reviveSnapshot(row: ActorRow, registration: Registration): AnyMachineSnapshot {
  const { blueprint, migration } = registration
  if (row.snapshot !== null) {
    const isMoved = isOlder(row, registration) && migration?.from.includes(row.machineVersion) === true
    const stored = isMoved ? migrateSnapshot(row, row.snapshot, registration).snapshot : row.snapshot
    return MachineTree.hydrate(blueprint, row.id, NOWHERE, stored).snapshot
  }
  const tree = MachineTree.create(blueprint, row.id, NOWHERE)
  tree.beginTurn(row.createdAt)
  tree.apply({ kind: 'start', input: readColumn(row.id, row.input) })
  return tree.snapshot
}

/** A stored value: input, output or error. */
export function readColumn(id: string, json: string | null): unknown {
  if (json === null) return undefined
  try {
    return fromJson(json)
  } catch (error) {
    throw new SnapshotIllegalError(id, (error as Error).message)
  }
}

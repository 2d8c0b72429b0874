/**
 * The snapshot of an actor that is not awake here, from its row: read only, nothing of it runs.
 */
import type { AnyMachineSnapshot } from 'xstate'
import { SnapshotIllegalError } from '../errors.ts'
import type { ActorRow } from '../persistence/store.ts'
import type { Registration } from './registration.ts'
import { fromJson } from './snapshot-codec.ts'
import { MachineTree } from './transition.ts'

/** What comes from a tree that is only looked at goes nowhere. */
const NOWHERE = { enqueue: () => undefined }

/**
 * The snapshot that was last committed; of an actor that has not started yet, the one that it would start with, as a plain
 * XState actor shows before `start()`.
 */
export function reviveSnapshot(row: ActorRow, { blueprint }: Registration): AnyMachineSnapshot {
  if (row.snapshot !== null) return MachineTree.hydrate(blueprint, row.id, NOWHERE, row.snapshot).snapshot
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

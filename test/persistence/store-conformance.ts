/**
 * Holds any `Store` to the contract of src/persistence/store.ts, sentence by sentence.
 *
 * Owns: the list of rule books (conformance/*.ts) and the store that they share.
 * Does not own: stores; each implementation's own test file opens one and calls `storeConformance`.
 *
 * Invariants
 * 1. Rules share one store and one node that has joined; each uses actors, keys, queues and owners of its own.
 * 2. No rule sleeps: what must be due is due in the past; a dead node never joined, or with a lease of 0 ms, or its lease
 *    is ended under it (`expire`).
 * 3. Rules that need two nodes alive at once are skipped where the store cannot be opened twice.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import type { Store } from '../../src/persistence/store.ts'
import { childRules } from './conformance/child-rules.ts'
import { joinRules } from './conformance/join-rules.ts'
import { claimRules } from './conformance/claim-rules.ts'
import { collectRules } from './conformance/collect-rules.ts'
import { commitRules } from './conformance/commit-rules.ts'
import { dedupRules } from './conformance/dedup-rules.ts'
import { insertRules } from './conformance/insert-rules.ts'
import { membershipRules } from './conformance/membership-rules.ts'
import { permitRules } from './conformance/permit-rules.ts'
import { partitionRules } from './conformance/partition-rules.ts'
import { messageRules } from './conformance/message-rules.ts'
import { operatorRules } from './conformance/operator-rules.ts'
import { pickRules } from './conformance/pick-rules.ts'
import { raceRules } from './conformance/race-rules.ts'
import { releaseRules } from './conformance/release-rules.ts'
import { scheduleRules } from './conformance/schedule-rules.ts'
import { signalRules } from './conformance/signal-rules.ts'
import { textRules } from './conformance/text-rules.ts'
import { World } from './conformance/world.ts'

export interface OpenStore {
  /** Migrated, and empty of what other tests left. */
  readonly store: Store
  /** Another store on the same rows, as another process would open it. Absent where only one can be open. */
  second?(): Promise<Store>
  /** Has the lease of a node run out, unknown to the node: its rows stay as they are. */
  expire(node: string): Promise<void>
  /** Moves the store's clock, where a test may do that. */
  advance?(ms: number): Promise<void>
  /** Frees what `open` and `second` took, the stores among it. */
  close(): Promise<void>
}

/** `more`: rules that hold for some stores only. */
export function storeConformance(
  name: string,
  open: () => Promise<OpenStore>,
  more: (world: World) => void = () => undefined
): void {
  describe(`${name} keeps the contract of Store`, () => {
    const world = new World()
    beforeAll(async () => world.open(await open()))
    afterAll(() => world.close())

    insertRules(world)
    claimRules(world)
    commitRules(world)
    releaseRules(world)
    dedupRules(world)
    collectRules(world)
    signalRules(world)
    pickRules(world)
    operatorRules(world)
    messageRules(world)
    childRules(world)
    joinRules(world)
    partitionRules(world)
    permitRules(world)
    membershipRules(world)
    scheduleRules(world)
    textRules(world)
    raceRules(world)
    more(world)
  })
}

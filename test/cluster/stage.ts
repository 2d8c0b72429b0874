/**
 * What the cluster tests share: the ground that they stand on, and clusters that end with their test.
 *
 * Owns: the end of all that. Does not own: the ground itself (ground.ts), workers (cluster.ts).
 */
import { afterAll, expect, onTestFinished } from 'vitest'
import { testDatabase } from '../support/database.ts'
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import { openGround } from './ground.ts'

/** `server: 'own'`: one that the tests may restart. Default: the one of the test run. */
export async function openClusterStage({ server = 'shared' }: { readonly server?: 'own' | 'shared' } = {}) {
  const ground = await openGround(server === 'own' ? undefined : (await testDatabase()).url)
  afterAll(() => ground.close())
  return {
    open: async (): Promise<Cluster> => {
      const cluster = await ground.open()
      onTestFinished(() => cluster.close())
      return cluster
    }
  }
}

/** It has found a node dead, and freed what that had. */
export function hasReaped(heir: Member, node: string): boolean {
  return heir.told('reaper.reaped').some(({ detail }) => (detail['nodes'] as readonly string[]).includes(node))
}

/** The run has come to rest, and the checks find nothing. */
export async function expectPeace(cluster: Cluster): Promise<void> {
  expect(await cluster.judge()).toEqual([])
}

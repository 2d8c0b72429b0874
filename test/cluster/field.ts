/**
 * Where faults happen: a cluster under load, and those of its nodes that are alive and well.
 *
 * Owns: what a fault is, choosing a node for it. Does not own: the faults (faults.ts, server-faults.ts), when they happen (campaign.ts).
 */
import type { Random } from '../support/random.ts'
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import type { WorkerOptions } from './words.ts'

export interface Field {
  readonly cluster: Cluster
  readonly random: Random
  /** Those that are alive and well. */
  readonly nodes: Member[]
}

export interface Fault {
  readonly name: string
  /** Between its coming and its being undone. */
  readonly lastsMs: number
  /** Resolves, once it is there, to what undoes it; that resolves when all is well again. */
  inject(field: Field): Promise<() => Promise<unknown>>
}

/** Short, so that a fault which outlasts a lease need not last long. */
export const NODE_OPTIONS: WorkerOptions = { lease: 1_200, poll: 500, bounds: { attempts: 100_000 } }
export const PAST_THE_LEASE_MS = 2_000
/** Long enough for the rest to notice. */
export const A_WHILE_MS = 600

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export const nothing = (): Promise<void> => Promise.resolve()

/** While it has a fault no other fault chooses it. */
export function take({ nodes, random }: Field): Member {
  const [node] = nodes.splice(random.below(nodes.length), 1)
  if (node === undefined) throw new Error('no node is alive and well')
  return node
}

export async function startNode({ cluster, nodes }: Field): Promise<void> {
  nodes.push(await cluster.start(`node ${cluster.members.length}`, NODE_OPTIONS))
}

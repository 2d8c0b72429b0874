/**
 * The faults of a campaign, as values: each is done to a cluster under load, lasts a while, and is undone.
 *
 * Owns: what each fault is. Does not own: when it happens (campaign.ts), what must be so afterwards (checks.ts).
 *
 * Invariants
 * 1. Once a fault is healed, as many nodes live as before, and all of them reach the database.
 * 2. While a node has a fault it is out of the field: no other fault chooses it.
 */
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import type { Random } from '../support/random.ts'
import type { WorkerOptions } from './words.ts'

/** Where a fault happens. */
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
  inject(field: Field): Promise<() => Promise<void>>
}

/** Short, so that a fault which outlasts a lease need not last long. */
export const NODE_OPTIONS: WorkerOptions = { lease: 1_200, poll: 500, bounds: { attempts: 100_000 } }
const PAST_THE_LEASE_MS = 2_000
/** Long enough for the rest to notice. */
const A_WHILE_MS = 600

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

const nothing = (): Promise<void> => Promise.resolve()

function take({ nodes, random }: Field): Member {
  const [node] = nodes.splice(random.below(nodes.length), 1)
  if (node === undefined) throw new Error('no node is alive and well')
  return node
}

export async function startNode({ cluster, nodes }: Field): Promise<void> {
  nodes.push(await cluster.start(`node ${cluster.members.length}`, NODE_OPTIONS))
}

/** The node does not survive it: another is started in its place. */
const ofItsEnd = (name: string, end: (node: Member) => Promise<void>): Fault => ({
  name,
  lastsMs: A_WHILE_MS,
  inject: async (field) => {
    await end(take(field))
    return () => startNode(field)
  }
})

/** The node survives it. */
const ofItsLife = (
  name: string,
  lastsMs: number,
  begin: (node: Member) => unknown,
  end: (node: Member) => void = (node) => node.healConnection()
): Fault => ({
  name,
  lastsMs,
  inject: async (field) => {
    const node = take(field)
    await begin(node)
    return async () => {
      end(node)
      field.nodes.push(node)
    }
  }
})

const ofTheServer = (name: string, happen: (field: Field) => Promise<unknown>): Fault => ({
  name,
  lastsMs: A_WHILE_MS,
  inject: async (field) => {
    await happen(field)
    return nothing
  }
})

/** The actor that blocks is spawned and sent to as all are: where nobody can say what became of that, it is tried again. */
async function block(field: Field): Promise<() => Promise<void>> {
  const { cluster, random } = field
  const node = take(field)
  const actor = await cluster.spawn(node)
  const event = { type: 'block', n: `block ${actor}`, ms: PAST_THE_LEASE_MS, worker: node.name } as const
  const sending = cluster.send(node, actor, event)
  return async () => {
    let { kind } = await sending
    field.nodes.push(node)
    while (kind === 'unknown') {
      await pause(A_WHILE_MS)
      ;({ kind } = await cluster.send(random.of(field.nodes), actor, event))
    }
  }
}

const single: readonly Fault[] = [
  ofItsEnd('a node is killed', (node) => node.kill()),
  ofItsEnd('a node stops in good order', (node) => node.stop()),
  ofItsLife(
    'a node is paused past its lease',
    PAST_THE_LEASE_MS,
    (node) => node.freeze(),
    (node) => node.thaw()
  ),
  { name: 'an event loop is blocked past its lease', lastsMs: PAST_THE_LEASE_MS, inject: block },
  ofItsLife('a heartbeat hangs', PAST_THE_LEASE_MS, (node) => node.holdBack('renew')),
  ofItsLife('commits hang', PAST_THE_LEASE_MS, (node) => node.holdBack('commit')),
  ofItsLife('answers to commits are lost', A_WHILE_MS, (node) => node.loseAnswers('commit')),
  ofItsLife('answers to signals and claims are lost', A_WHILE_MS, (node) =>
    node.loseAnswers('signal', 'claim', 'pick')
  ),
  ofItsLife('a node is cut off', A_WHILE_MS, (node) => node.cutConnection()),
  ofTheServer('random sessions are ended', ({ cluster, random }) =>
    cluster.terminateSessions(`md5(pid::text || '${random.below(1_000)}') < '5'`)
  ),
  ofTheServer('the listeners are ended', ({ cluster }) => cluster.terminateSessions(LISTENERS)),
  ofTheServer('Postgres crashes', ({ cluster }) => cluster.restartPostgres())
]

/** The sessions that listen, which do nothing else. */
export const LISTENERS = `query ~ 'listen "?perdure'`

const allKilled: Fault = {
  name: 'all nodes are killed',
  lastsMs: 0,
  inject: async (field) => {
    const doomed = field.nodes.splice(0)
    await Promise.all(doomed.map((node) => node.kill()))
    return async () => {
      for (const _ of doomed) await startNode(field)
    }
  }
}

const twoAtOnce: Fault = {
  name: 'two of these at once',
  lastsMs: PAST_THE_LEASE_MS,
  inject: async (field) => {
    const first = field.random.of(single)
    const second = field.random.of(single.filter((fault) => fault !== first))
    const heals = [await first.inject(field), await second.inject(field)]
    return async () => void (await Promise.all(heals.map((heal) => heal())))
  }
}

export const faults: readonly Fault[] = [...single, allKilled, twoAtOnce]

/**
 * The faults of a campaign, as values: each is done to a cluster under load, lasts a while, and is undone.
 *
 * Owns: what each fault of nodes is, and the list of all. Does not own: faults of servers and clocks (server-faults.ts), when one
 * happens (campaign.ts), what must be so afterwards (checks.ts).
 *
 * Invariants
 * 1. Once a fault is healed, as many nodes live as before, and all of them reach the database.
 * 2. While a node has a fault it is out of the field: no other fault chooses it.
 */
import { A_WHILE_MS, pause, PAST_THE_LEASE_MS, startNode, take, type Fault, type Field } from './field.ts'
import type { Member } from './member.ts'
import { clockFaults, serverFaults } from './server-faults.ts'

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
  ofItsLife('connections fall silent', PAST_THE_LEASE_MS, (node) => node.silenceConnections()),
  ...clockFaults
]

/** For so long that timers fall due while nobody lives. */
const allKilled: Fault = {
  name: 'all nodes are killed',
  lastsMs: A_WHILE_MS,
  inject: async (field) => {
    const doomed = field.nodes.splice(0)
    await Promise.all(doomed.map((node) => node.kill()))
    return async () => {
      for (const _ of doomed) await startNode(field)
    }
  }
}

/** While the server loses commits nothing else is done to it: what it loses is to be known. */
const OF_ITS_OWN = new Set(['a failover loses the last commits'])

/** In the order in which two of them come. That of the server comes last and goes first: no node can start while it has one. */
const any = [...single, ...serverFaults.filter(({ name }) => !OF_ITS_OWN.has(name))]

const twoAtOnce: Fault = {
  name: 'two of these at once',
  lastsMs: PAST_THE_LEASE_MS,
  inject: async (field) => {
    const first = field.random.of(any)
    const second = field.random.of(any.filter((fault) => fault !== first))
    const inOrder = any.filter((fault) => fault === first || fault === second)
    const heals: (() => Promise<unknown>)[] = []
    for (const fault of inOrder) heals.unshift(await fault.inject(field))
    return async () => {
      for (const heal of heals) await heal()
    }
  }
}

export const faults: readonly Fault[] = [...single, ...serverFaults, allKilled, twoAtOnce]

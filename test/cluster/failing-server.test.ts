/** A server that still answers and cannot write, one that crashes while it recovers, and one that comes back without its last commits. */
import { expect, test } from 'vitest'
import { seeded } from '../support/random.ts'
import type { Cluster } from './cluster.ts'
import { Load } from './load.ts'
import type { Member } from './member.ts'
import { expectPeace, openClusterStage } from './stage.ts'

const stage = await openClusterStage({ server: 'own' })
const timeout = 90_000
const options = { lease: 1_200, poll: 500 } as const

async function openLoad(
  seed: number
): Promise<{ cluster: Cluster; nodes: readonly Member[]; actors: readonly string[]; load: Load }> {
  const cluster = await stage.open()
  const nodes = [await cluster.start('one', options), await cluster.start('two', options)]
  const actors = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => cluster.spawn(nodes[n % 2] as Member)))
  const load = new Load(cluster, { random: seeded(seed), actors, lines: 4 })
  await isAcceptedAgain(cluster, load)
  return { cluster, nodes, actors, load }
}

async function isAcceptedAgain(cluster: Cluster, load: Load): Promise<void> {
  const before = load.accepted
  await cluster.waitUntil('events are accepted', () => load.accepted > before + 30)
}

/** Statements of all nodes a second, until it `isOver`. */
async function measureRate(cluster: Cluster, nodes: readonly Member[], isOver: () => boolean): Promise<number> {
  const count = (): number => nodes.reduce((sum, { statements }) => sum + statements, 0)
  const [before, since] = [count(), performance.now()]
  await cluster.waitUntil('it is over', isOver)
  return ((count() - before) * 1_000) / (performance.now() - since)
}

const refusalsOf = async (cluster: Cluster): Promise<ReadonlySet<string>> =>
  new Set((await cluster.history()).sends.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.error] : [])))

/** What a caller may be told: the one where the lease was lost meanwhile. */
const REFUSALS = ['LeaseLostError', 'StoreUnavailableError']

/** What nodes that try without a pause would exceed a hundredfold. */
const A_SECOND = 300

test(
  'while the primary is read-only callers are told, nobody hammers it, and all goes on by itself after',
  { timeout },
  async () => {
    const { cluster, nodes, load } = await openLoad(11)
    await cluster.turnReadOnly(true)
    const isFenced = (): boolean => nodes.every((node) => node.told('node.fenced').length > 0)
    expect(await measureRate(cluster, nodes, isFenced)).toBeLessThan(A_SECOND)
    const until = performance.now() + 1_000
    expect(await measureRate(cluster, nodes, () => performance.now() > until)).toBeLessThan(A_SECOND)
    await cluster.turnReadOnly(false)
    await isAcceptedAgain(cluster, load)
    await load.stop()
    expect(REFUSALS).toEqual(expect.arrayContaining([...(await refusalsOf(cluster))]))
    await expectPeace(cluster)
  }
)

test(
  'while the disk is full callers are told so, nobody hammers it, and all goes on by itself after',
  { timeout },
  async () => {
    const { cluster, nodes, actors, load } = await openLoad(12)
    await cluster.fillDisk(true)
    let isTold = false
    const event = { type: 'add', n: 'into the full disk' } as const
    const telling = cluster.send(nodes[0] as Member, actors[0] as string, event).finally(() => (isTold = true))
    expect(await measureRate(cluster, nodes, () => isTold)).toBeLessThan(A_SECOND)
    expect((await telling).kind).toBe('refused')
    await cluster.fillDisk(false)
    await isAcceptedAgain(cluster, load)
    await load.stop()
    expect(REFUSALS).toEqual(expect.arrayContaining([...(await refusalsOf(cluster))]))
    await expectPeace(cluster)
  }
)

test('a server that crashes again while it recovers has lost nothing that was acknowledged', { timeout }, async () => {
  const { cluster, load } = await openLoad(13)
  await cluster.restartPostgres('recovering')
  await isAcceptedAgain(cluster, load)
  await load.stop()
  await expectPeace(cluster)
})

test(
  'a failover that loses the last commits stops nobody: what is there is believed, and what has gone back is told',
  { timeout },
  async () => {
    const { cluster, nodes, load } = await openLoad(14)
    const [node] = nodes as [Member, Member]
    const quiet = await cluster.spawn(node)
    const readVersion = async (): Promise<unknown> =>
      (await cluster.ask('select version from perdure.actor where id = $1', [quiet]))[0]?.['version']
    // The server may just then write what it has: then it is tried again.
    let version: unknown
    let round = 0
    do {
      await cluster.beginToLoseCommits()
      await cluster.send(node, quiet, { type: 'add', n: `quiet ${round++}` })
      version = await readVersion()
      await cluster.loseCommits()
      await isAcceptedAgain(cluster, load)
    } while (version === (await readVersion()))
    await load.stop()
    const isTold = (): boolean =>
      nodes.some((one) => one.told('actor.regressed').some(({ detail }) => detail['id'] === quiet))
    await cluster.waitUntil('it is told', isTold)
    await expectPeace(cluster)
  }
)

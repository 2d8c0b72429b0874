/** A node that stands still past its lease: others take its actors, and it does not know. */
import { expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import { expectPeace, hasReaped, openClusterStage } from './stage.ts'

const stage = await openClusterStage()
const timeout = 60_000

const commitsOf = async (cluster: Cluster, node: string): Promise<number> =>
  (await cluster.history()).commits.filter(({ owner }) => owner === node).length

/** Its lease ended, it said so, and it came back by another id. */
async function expectFence(cluster: Cluster, member: Member, node: string): Promise<void> {
  await cluster.waitUntil('the node says so', () =>
    member.told('node.fenced').some(({ detail }) => detail['node'] === node)
  )
  await cluster.waitUntil('the node has come back', () => member.node !== node)
}

test('a paused node that wakes past its lease commits nothing, shows no effect, and says so', { timeout }, async () => {
  const cluster = await stage.open()
  const paused = await cluster.start('paused', { lease: 2_000 })
  const actors = await Promise.all([1, 2, 3, 4].map(() => cluster.spawn(paused)))
  await Promise.all(actors.map((actor) => cluster.send(paused, actor, { type: 'work', n: `${actor} w`, ms: 800 })))
  // Commits are under way when it stops, and more is asked of it that it can only see when it wakes.
  const asked = actors.map((actor) => cluster.send(paused, actor, { type: 'add', n: `${actor} before` }))
  await paused.freeze()
  asked.push(...actors.map((actor) => cluster.send(paused, actor, { type: 'add', n: `${actor} after` })))
  const { node } = paused
  const seen = paused.effects().length

  const heir = await cluster.start('heir', { lease: '1 hour' })
  await cluster.waitUntil('the heir has its actors', () => hasReaped(heir, node))
  const committed = await commitsOf(cluster, node)
  paused.thaw()
  await expectFence(cluster, paused, node)
  await Promise.all(asked)
  expect(
    paused
      .effects()
      .slice(seen)
      .filter((effect) => effect.node === node)
  ).toEqual([])
  expect(await commitsOf(cluster, node)).toBe(committed)
  await expectPeace(cluster)
})

test('a node whose event loop is blocked past its lease does nothing more under it', { timeout }, async () => {
  const cluster = await stage.open()
  const blocked = await cluster.start('blocked', { lease: 1_500 })
  const [blocking, ...others] = await Promise.all([1, 2, 3].map(() => cluster.spawn(blocked)))
  await Promise.all(others.map((actor) => cluster.send(blocked, actor, { type: 'nap', n: `${actor} nap`, ms: 300 })))
  const asked = [cluster.send(blocked, blocking as string, { type: 'block', n: 'block', ms: 4_000, worker: 'blocked' })]
  asked.push(...others.map((actor) => cluster.send(blocked, actor, { type: 'add', n: `${actor} add` })))
  await cluster.waitUntil('it blocks', () => blocked.effects().some(({ step }) => step === 'block'))
  const seen = blocked.effects()
  const node = seen.find(({ step }) => step === 'block')?.node ?? ''

  const heir = await cluster.start('heir', { lease: '1 hour' })
  await expectFence(cluster, blocked, node)
  await Promise.all(asked)
  expect(
    blocked
      .effects()
      .slice(seen.length)
      .filter((effect) => effect.node === node)
  ).toEqual([])
  await cluster.waitUntil('the heir has shown the rest', () =>
    heir.effects().some(({ step, effect }) => step === 'block' && effect === 'second')
  )
  await expectPeace(cluster)
})

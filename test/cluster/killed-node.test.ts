/** A node that is killed. */
import { expect, test } from 'vitest'
import { expectPeace, openClusterStage } from './stage.ts'

const stage = await openClusterStage()
const timeout = 60_000

test('the actors of a killed node run elsewhere, long before its lease of an hour ends', { timeout }, async () => {
  const cluster = await stage.open()
  const doomed = await cluster.start('doomed', { lease: '1 hour' })
  const heir = await cluster.start('heir', { lease: '1 hour' })
  const actors = await Promise.all([1, 2, 3].map(() => cluster.spawn(doomed)))
  await Promise.all(actors.map((actor) => cluster.send(doomed, actor, { type: 'work', n: `${actor} w`, ms: 4_000 })))
  expect(heir.effects()).toEqual([])
  await doomed.kill()

  await cluster.waitUntil('the heir works', () => new Set(heir.effects().map(({ actor }) => actor)).size === 3)
  await Promise.all(actors.map((actor) => cluster.send(heir, actor, { type: 'add', n: `${actor} a` })))
  await expectPeace(cluster)
})

/** Sessions that the server ends, and a server that ends. */
import { expect, test } from 'vitest'
import { LISTENERS } from './server-faults.ts'
import { Load } from './load.ts'
import { seeded } from '../support/random.ts'
import { expectPeace, openClusterStage } from './stage.ts'

const stage = await openClusterStage({ server: 'own' })
const timeout = 90_000

test(
  'sessions that are ended come back, the listener among them, and nobody waits for a poll',
  { timeout },
  async () => {
    const cluster = await stage.open()
    const options = { poll: '1 hour' } as const
    const nodes = [await cluster.start('one', options), await cluster.start('two', options)]
    const leaf = await cluster.start('leaf', { ...options, queues: {} })
    const actors = await Promise.all([1, 2, 3, 4, 5, 6].map(() => cluster.spawn(leaf)))
    const load = new Load(cluster, { random: seeded(8), actors, lines: 4 })

    let ended = 0
    for (let round = 0; round < 12; round++) {
      const before = load.accepted
      ended += await cluster.terminateSessions(`md5(pid::text || '${round}') < '4'`)
      await cluster.waitUntil('events are accepted', () => load.accepted > before + 5)
    }
    // They may have been ended just now, and not be back yet.
    await cluster.waitUntil(
      'somebody who listens is ended',
      async () => (await cluster.terminateSessions(LISTENERS)) > 0
    )
    await load.stop()
    expect(ended).toBeGreaterThan(10)

    // Messages that were lost with their session wait for a poll, of an hour, or for the next message.
    await cluster.waitUntil('all of them listen again', async () => {
      const listening = await cluster.ask(
        `select from pg_stat_activity where ${LISTENERS} and application_name = 'perdure'`
      )
      return listening.length >= nodes.length + 1
    })
    await Promise.all(actors.map((actor) => cluster.send(leaf, actor, { type: 'add', n: `${actor} last` })))
    await expectPeace(cluster)
  }
)

test('a server that crashes and comes back, twice, has lost nothing that was acknowledged', { timeout }, async () => {
  const cluster = await stage.open()
  const nodes = [await cluster.start('one'), await cluster.start('two')]
  const actors = await Promise.all([1, 2, 3, 4, 5, 6].map(() => cluster.spawn(nodes[0] as (typeof nodes)[number])))
  const load = new Load(cluster, { random: seeded(9), actors, lines: 4 })
  for (const round of [1, 2]) {
    const before = load.accepted
    await cluster.waitUntil(`events are accepted, ${round}`, () => load.accepted > before + 30)
    await cluster.restartPostgres()
  }
  const before = load.accepted
  await cluster.waitUntil('events are accepted again', () => load.accepted > before + 30)
  await load.stop()
  await expectPeace(cluster)
})

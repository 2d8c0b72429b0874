/** A node that is killed, once and again and again. */
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

test(
  'an event that ends every process which takes it up is parked after so many, and its neighbours go on',
  { timeout },
  async () => {
    const cluster = await stage.open()
    const options = { bounds: { attempts: 2 } } as const
    let node = await cluster.start('doomed', options)
    const [poisoned, neighbour] = [await cluster.spawn(node), await cluster.spawn(node)]
    await cluster.waitUntil('both have started', async () => {
      const begun = await cluster.ask('select from perdure.actor where version > 0 and journal is null')
      return begun.length === 2
    })
    // It is never heard of again: a watchdog ends such a process.
    void cluster.send(node, poisoned, { type: 'block', n: 'poison', ms: 3_600_000, worker: 'doomed' })
    const isPoisoned = (): boolean => node.effects().some(({ step }) => step === 'poison')
    const isParked = (): boolean => node.told('actor.parked').some(({ detail }) => detail['id'] === poisoned)
    let ended = 0
    for (; !isParked(); ended++) {
      await cluster.waitUntil('it is taken up, or parked', () => isPoisoned() || isParked())
      if (isParked()) break
      await node.kill()
      node = await cluster.start('doomed', options)
    }
    expect(ended).toBeLessThanOrEqual(4)
    const event = { type: 'add', n: 'to the neighbour' } as const
    expect(await cluster.send(node, neighbour, event)).toMatchObject({ kind: 'ok' })
    const [row] = await cluster.ask('select status, journal is not null as owes from perdure.actor where id = $1', [
      poisoned
    ])
    expect(row).toEqual({ status: 'parked', owes: true })
  }
)

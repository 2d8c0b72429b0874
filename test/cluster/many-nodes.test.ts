/** Nodes beside each other. */
import { expect, test } from 'vitest'
import { Load } from './load.ts'
import { seeded } from '../support/random.ts'
import { expectPeace, openClusterStage } from './stage.ts'

const stage = await openClusterStage()
const timeout = 90_000

test('of two boots by the same name neither takes what the other has', { timeout }, async () => {
  const cluster = await stage.open()
  const first = await cluster.start('same', { reaper: false })
  const kept = await cluster.spawn(first)
  await cluster.send(first, kept, { type: 'work', n: 'kept', ms: 2_000 })
  const doomed = await cluster.start('same', { reaper: false })
  const left = await cluster.spawn(doomed)
  await cluster.send(doomed, left, { type: 'work', n: 'left', ms: 2_000 })
  expect(await cluster.ownerOf(left)).toBe(doomed.node)
  await doomed.kill()

  const second = await cluster.start('same')
  await cluster.waitUntil('it has reaped', () => second.told('reaper.reaped').length > 0)
  expect(second.told('reaper.reaped').flatMap(({ detail }) => detail['nodes'])).toEqual([doomed.node])
  await expectPeace(cluster)
  expect(new Set(first.effects().map(({ step }) => step))).toContain('kept!')
  expect(second.effects().filter(({ actor }) => actor === kept)).toEqual([])
})

test('a send from one process that races a park in another loses no wake-up', { timeout }, async () => {
  const cluster = await stage.open()
  // Nothing is found by polling.
  const owner = await cluster.start('owner', { passivateAfter: 0, poll: '1 hour' })
  const sender = await cluster.start('sender', { queues: {}, poll: '1 hour' })
  const actors = await Promise.all([1, 2, 3, 4].map(() => cluster.spawn(owner)))
  const random = seeded(14)
  await Promise.all(
    actors.map(async (actor) => {
      for (let count = 0; count < 60; count++) {
        await cluster.send(sender, actor, { type: 'add', n: `${actor} ${count}` })
        await new Promise((done) => setTimeout(done, random.below(12)))
      }
    })
  )
  await expectPeace(cluster)
})

test('a process without queues spawns and sends, and its actors run elsewhere', { timeout }, async () => {
  const cluster = await stage.open()
  const leaf = await cluster.start('leaf', { queues: {} })
  const actors = await Promise.all([1, 2, 3].map(() => cluster.spawn(leaf)))
  for (const actor of actors) {
    const outcome = await cluster.send(leaf, actor, { type: 'work', n: `${actor} w`, ms: 10 })
    expect(outcome).toEqual({ kind: 'ok', answer: 'queued' })
  }
  const node = await cluster.start('node')
  await expectPeace(cluster)
  expect(leaf.effects()).toEqual([])
  expect(new Set(node.effects().map(({ actor }) => actor))).toEqual(new Set(actors))
})

test('three nodes that are killed at random, under load, lose nothing and do nothing twice', { timeout }, async () => {
  const cluster = await stage.open()
  const random = seeded(3)
  // Who is killed often with one actor in its hands is no sign that this one kills it.
  const options = { lease: '1 hour', bounds: { attempts: 1_000 } } as const
  const alive = await Promise.all([1, 2, 3].map((number) => cluster.start(`node ${number}`, options)))
  const actors = await Promise.all(Array.from({ length: 10 }, () => cluster.spawn(random.of(alive))))
  const load = new Load(cluster, { random, actors, lines: 6 })
  for (let killed = 0; killed < 4; killed++) {
    const before = load.accepted
    await cluster.waitUntil('events are accepted', () => load.accepted > before + 30)
    const [doomed] = alive.splice(random.below(alive.length), 1)
    await doomed?.kill()
    alive.push(await cluster.start(`node ${4 + killed}`, options))
  }
  await load.stop()
  await expectPeace(cluster)
})

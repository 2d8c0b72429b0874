/** A node that lives, and does not reach the database. */
import { expect, test } from 'vitest'
import { expectPeace, hasReaped, openClusterStage } from './stage.ts'
import type { Outcome } from '../support/run.ts'

const stage = await openClusterStage()
const timeout = 60_000

test('an owner whose heartbeat hangs stops before its lease ends in the database', { timeout }, async () => {
  const cluster = await stage.open()
  const owner = await cluster.start('owner', { lease: 2_000 })
  const heir = await cluster.start('heir', { lease: '1 hour' })
  const actor = await cluster.spawn(owner)
  const { node } = owner
  expect(await cluster.ownerOf(actor)).toBe(node)

  owner.holdBack('renew')
  let leaseEndsAt = 0
  let count = 0
  await cluster.waitUntil('the owner has stopped', async () => {
    await cluster.send(owner, actor, { type: 'add', n: `${count++}` })
    const [row] = await cluster.ask(
      'select (extract(epoch from expires_at) * 1000)::float8 as at from perdure.node where id = $1',
      [node]
    )
    leaseEndsAt = Math.max(leaseEndsAt, Number(row?.['at'] ?? 0))
    return owner.told('node.fenced').length > 0
  })
  await cluster.send(heir, actor, { type: 'work', n: 'later', ms: 10 })

  const { commits } = await cluster.history()
  const did = [...commits.filter(({ owner }) => owner === node), ...owner.effects().filter((one) => one.node === node)]
  expect(did.length).toBeGreaterThan(1)
  expect(did.filter(({ at }) => at >= leaseEndsAt)).toEqual([])
  owner.healConnection()
  await expectPeace(cluster)
})

test('a node that is cut off promises nothing that it cannot keep, and others take over', { timeout }, async () => {
  const cluster = await stage.open()
  const severed = await cluster.start('severed', { lease: 2_000 })
  const actors = await Promise.all([1, 2, 3].map(() => cluster.spawn(severed)))
  await Promise.all(actors.map((actor) => cluster.send(severed, actor, { type: 'work', n: `${actor} w`, ms: 500 })))
  const flying = actors.map((actor) => cluster.send(severed, actor, { type: 'add', n: `${actor} flying` }))
  const { node } = severed
  severed.cutConnection()
  await Promise.all(flying)

  const answers: Outcome[] = []
  const asked = actors.map(async (actor) => {
    answers.push(await cluster.send(severed, actor, { type: 'add', n: `${actor} cut off` }))
  })
  const heir = await cluster.start('heir', { lease: '1 hour' })
  await cluster.waitUntil('the heir has its actors', () => hasReaped(heir, node))
  const taken = actors.map((actor) => cluster.send(heir, actor, { type: 'add', n: `${actor} taken over` }))
  expect(new Set((await Promise.all(taken)).map(({ kind }) => kind))).toEqual(new Set(['ok']))
  await cluster.waitUntil('the severed node knows', () => severed.told('node.fenced').length > 0)
  expect(answers.filter(({ kind }) => kind === 'ok')).toEqual([])

  severed.healConnection()
  await Promise.all(asked)
  await cluster.waitUntil('it has come back', () => severed.told('node.joined').length > 1)
  await expectPeace(cluster)
})

test('a node whose connections all fall silent gives them up, and goes on over others', { timeout }, async () => {
  const cluster = await stage.open()
  const silenced = await cluster.start('silenced', { lease: 2_000 })
  const actors = await Promise.all([1, 2, 3].map(() => cluster.spawn(silenced)))
  const sendAll = (what: string) =>
    Promise.all(actors.map((actor) => cluster.send(silenced, actor, { type: 'add', n: `${actor} ${what}` })))
  await sendAll('before')
  silenced.silenceConnections()
  // Into the silence, and again as often as it takes.
  let tries = 0
  await cluster.waitUntil('it takes events again', async () =>
    (await sendAll(`${tries++}`)).every(({ kind }) => kind === 'ok')
  )
  expect(tries).toBeGreaterThan(1)
  expect(silenced.told('node.fenced')[0]?.detail['reason']).toContain('did not answer')
  await expectPeace(cluster)
})

test('a node whose connections have all fallen silent can be stopped, and its process ends', { timeout }, async () => {
  const cluster = await stage.open()
  const silenced = await cluster.start('silenced', { lease: '1 hour' })
  const actors = await Promise.all([1, 2, 3].map(() => cluster.spawn(silenced)))
  await Promise.all(actors.map((actor) => cluster.send(silenced, actor, { type: 'add', n: `${actor} before` })))
  silenced.silenceConnections()
  await silenced.stop(0)
  expect(silenced.hasFailed).toBe(false)
  await cluster.start('heir')
  await expectPeace(cluster)
})

/** Real webhooks of pull requests, delivered in several orders. */
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadDeliveries, shuffle } from '../../examples/webhooks/deliveries.ts'
import { deliverAll, type Outcome } from '../../examples/webhooks/post-office.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()
const sql = postgres(db.url, { onnotice: () => undefined })
afterAll(() => sql.end())

const deliveries = loadDeliveries()
const onGitHub = 'github.com/Codertocat/Hello-World#2'
let inOrder: Outcome

beforeAll(async () => {
  inOrder = await deliverAll(sql, 'in_order', deliveries)
})

test('delivered in order, they tell the story of each pull request', () => {
  const { pullRequests } = inOrder
  expect(pullRequests[onGitHub]).toMatchObject({
    title: 'Update the README with new information.',
    state: { known: { stage: 'open', readiness: 'ready', conversation: 'free' } },
    items: { 'label bug': { is: 'removed' }, 'check Octocoders-linter': { is: 'failure' } },
    waiting: 0
  })
  expect(pullRequests['octocoders.github.io/Codertocat/Hello-World#2']).toMatchObject({
    state: { known: { stage: 'closed' } }
  })
  expect(pullRequests['github.com/electron/electron#26764']).toMatchObject({ state: 'unheardOf', waiting: 1 })
})

test('shuffled and doubled, they tell the same story, and every second copy is turned away', async () => {
  const inDisorder = await deliverAll(sql, 'in_disorder', shuffle([...deliveries, ...deliveries], '1'))
  expect(inDisorder.pullRequests).toEqual(inOrder.pullRequests)
  expect(inDisorder.answers.duplicate).toBe(inOrder.answers.duplicate + deliveries.length)
  expect(inDisorder.answers.deferred).toBeGreaterThan(inOrder.answers.deferred)
})

test('without its opening a pull request learns nothing, and loses nothing', async () => {
  const ofOne = deliveries.filter(({ pullRequest }) => pullRequest === onGitHub)
  const { pullRequests, answers } = await deliverAll(
    sql,
    'unopened',
    ofOne.filter(({ event }) => event.type !== 'opened')
  )
  expect(pullRequests[onGitHub]).toMatchObject({ state: 'unheardOf', items: {}, waiting: answers.deferred })
  expect(answers).toMatchObject({ applied: 0, queued: 0 })
})

test('a shuffle keeps every delivery, and its seed decides the order', () => {
  const one = shuffle(deliveries, '1')
  expect(new Set(one)).toEqual(new Set(deliveries))
  expect(shuffle(deliveries, '1')).toEqual(one)
  expect(shuffle(deliveries, '2')).not.toEqual(one)
})

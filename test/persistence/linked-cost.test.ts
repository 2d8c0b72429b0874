/** What commits that reach other rows cost: statements, whatever the size of the batch; and what those without such reach do not pay. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openDriver } from '../../src/persistence/drivers/open.ts'
import { PostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import type { Commit, Lease, Outgoing } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { childOf, joinOf, outgoing } from './conformance/family.ts'
import { HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'
import { noting } from './noting.ts'

const { url } = await testDatabase()
const queries = loadQueries('perdure')
const node = uniqueId()
let statements: string[] = []
let store: PostgresStore
let lease: Lease

beforeAll(async () => {
  const driver = await openDriver(url, queries.pinPlans)
  store = new PostgresStore(
    noting(driver, (name) => statements.push(name)),
    queries,
    'perdure'
  )
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
})
beforeEach(() => {
  statements = []
})
afterAll(async () => {
  await lease.leave(true)
  await store.close()
})

const namesOf = (...names: (keyof typeof queries)[]) => names.map((name) => queries[name].name)

/** Owned by the node, one transition behind them. */
async function awake(count: number): Promise<string[]> {
  const actors = Array.from({ length: count }, () => newActor({ owner: node, key: uniqueId() }))
  await store.insert(actors)
  await store.commit(
    node,
    actors.map(({ id }) => transition({ id, version: 0 }))
  )
  statements = []
  return actors.map(({ id }) => id)
}

async function commit(ids: readonly string[], version: number, toOut: (id: string) => Partial<Outgoing>, fields = {}) {
  const commits = ids.map((id): Commit => {
    return transition({ id, version }, { ...fields, outgoing: outgoing(toOut(id)) })
  })
  const results = await store.commit(node, commits)
  expect(results.every(({ kind }) => kind === 'committed')).toBe(true)
}

it.each([1, 2, 100])('a batch of %i that do everything is a fixed number of statements', async (count) => {
  const parents = await awake(count)
  const [key] = [uniqueId()]
  await store.insert([newActor({ key })])
  const children = new Map(parents.map((id) => [id, childOf({ id, version: 1 }, 1, 0)]))
  statements = []
  await commit(parents, 1, (id) => ({
    births: [children.get(id) as ReturnType<typeof childOf>],
    joins: [joinOf(1)],
    messages: [
      { to: { id }, event: '1' },
      { to: { key }, event: '2' }
    ],
    cancels: [2]
  }))
  expect(statements).toEqual(
    namesOf(
      'lockJoins',
      'lockLinked',
      'commit',
      'cancelChildren',
      'insert',
      'openJoins',
      'findKeys',
      'countEnds',
      'signal'
    )
  )

  const ids = [...children.values()].map(({ id }) => id)
  await store.claim(node, ids)
  statements = []
  await commit(ids, 0, () => ({ tellsParent: true }), { status: 'done' })
  expect(statements).toEqual(namesOf('lockJoins', 'lockLinked', 'commit', 'countEnds', 'cancelChildren', 'signal'))
})

it('messages alone are three statements', async () => {
  const ids = await awake(50)
  await commit(ids, 1, (id) => ({ messages: [{ to: { id }, event: '1' }] }))
  expect(statements).toEqual(namesOf('lockLinked', 'commit', 'signal'))
})

it('plain commits go by their one statement, beside others too', async () => {
  const [linked, ...plain] = (await awake(3)) as [string, string, string]
  const message = { to: { id: linked }, event: '1' }
  const results = await store.commit(node, [
    transition({ id: plain[0], version: 1 }),
    transition({ id: linked, version: 1 }, { outgoing: outgoing({ messages: [message] }) }),
    transition({ id: plain[1], version: 9 })
  ])
  expect(results.map(({ kind }) => kind)).toEqual(['committed', 'committed', 'stale'])
  expect(statements).toEqual(namesOf('commit', 'lockLinked', 'commit', 'signal'))
  statements = []
  await store.commit(node, [transition({ id: plain[0], version: 2 })])
  expect(statements).toEqual(namesOf('commitOne'))
})

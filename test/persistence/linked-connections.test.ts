/** Connections that are lost around the COMMIT of what reaches other rows, and transactions of users' functions on a real server. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BatchedStore } from '../../src/persistence/batched-store.ts'
import type { Settled } from '../../src/persistence/group-commit.ts'
import { openPostgresStore } from '../../src/persistence/postgres-store.ts'
import type { Commit, CommitAnswer, Lease, Outgoing } from '../../src/persistence/store.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { testDatabase } from '../support/database.ts'
import { openProxy, type Passage } from '../support/proxy.ts'
import { childOf, outgoing } from './conformance/family.ts'
import { HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()
const store = await openPostgresStore(url)
const rival = new pg.Client({ connectionString: url })
const node = uniqueId()
let lease: Lease

beforeAll(async () => {
  await store.migrate()
  lease = await store.join(node, 'node', HOUR_MS)
  await rival.connect()
})
afterAll(async () => {
  await rival.end()
  await lease.leave(true)
  await store.close()
})

/** Owned by the node, one transition behind them. */
async function awake(count: number): Promise<string[]> {
  const actors = Array.from({ length: count }, () => newActor({ owner: node }))
  await store.insert(actors)
  await store.commit(
    node,
    actors.map(({ id }) => transition({ id, version: 0 }))
  )
  return actors.map(({ id }) => id)
}

const go = (id: string, version: number, out: Partial<Outgoing>): Commit =>
  transition({ id, version }, { outgoing: outgoing(out) })
const inboxOf = async (id: string) => (await store.inbox(id, 0)).map(({ event }) => JSON.parse(event) as unknown)
const statusOf = async (id: string) => (await store.read([id]))[0]?.status

describe('a connection that is lost around COMMIT', () => {
  /** What a commit that puts something into inboxes is answered, whose connection is lost as its COMMIT is asked or answered. */
  async function commitCutOff(commit: Commit, at: Passage['at']): Promise<Settled<CommitAnswer>> {
    let isCommitNext = false
    let isLost = false
    const proxy = await openProxy(url, (passage) => {
      if (passage.statement === 'signal') isCommitNext = passage.at === 'answered'
      const isNow = isCommitNext && passage.statement === 'COMMIT' && passage.at === at && !isLost
      isLost ||= isNow
      return isNow ? 'cut' : 'pass'
    })
    const cut = await openPostgresStore(proxy.url)
    const options = { telemetry: new Telemetry(), inboxLimit: 10, refuse: () => null, retryForMs: 10_000 }
    const batched = new BatchedStore({ store: cut, node, ...options })
    const settled = await new Promise<Settled<CommitAnswer>>((settle) => batched.commit(commit, settle))
    expect(isLost).toBe(true)
    await cut.close()
    await proxy.close()
    return settled
  }

  it.each<Passage['at']>(['asked', 'answered'])('when it is %s: all of it once, and it is found out', async (at) => {
    const [sender, target] = (await awake(2)) as [string, string]
    const child = childOf({ id: sender, version: 1 }, 1)
    const commit = go(sender, 1, { births: [child], messages: [{ to: { id: target }, event: '1' }] })
    const settled = await commitCutOff(commit, at)
    expect(settled).toMatchObject({ ok: true, value: { kind: 'committed', outgoing: { wakesRows: true } } })
    expect([await inboxOf(target), await statusOf(child.id)]).toEqual([[1], 'ready'])
  })

  it.each<Passage['at']>(['asked', 'answered'])(
    'when it is %s: the numbers of what is deferred are told',
    async (at) => {
      const [id] = (await awake(1)) as [string]
      const sends = go(id, 1, { messages: [1, 2].map((n) => ({ to: { id }, event: `${n}` })) })
      const deferred = [{ event: '"later"', dedupKey: null }]
      const settled = await commitCutOff({ ...sends, deferred }, at)
      expect(settled).toMatchObject({ ok: true, value: { kind: 'committed', inboxSeq: 3, deferredSeq: 1 } })
      expect(await inboxOf(id)).toEqual(['later', 1, 2])
    }
  )
})

describe('transact', () => {
  const table = `t${randomUUID().replaceAll('-', '')}`
  beforeAll(async () => void (await sql(`create table ${table} (id uuid)`)))
  const written = async (id: string) => (await sql(`select 1 from ${table} where id = $1`, [id])).length

  it.each<Passage['at']>(['asked', 'answered'])(
    'says that it does not know, where COMMIT is lost when %s',
    async (at) => {
      const [id, target] = (await awake(2)) as [string, string]
      let isOver = false
      const proxy = await openProxy(url, (passage) => (isOver && passage.at === at ? 'cut' : 'pass'))
      const cut = await openPostgresStore(proxy.url)
      const outcome = cut.transact(async (client, commit) => {
        await (client as pg.PoolClient).query(`insert into ${table} values ($1)`, [id])
        await commit(node, go(id, 1, { messages: [{ to: { id: target }, event: '1' }] }))
        isOver = true
      })
      await expect(outcome).rejects.toMatchObject({ _tag: 'OutcomeUnknownError' })
      const isThere = at === 'answered'
      expect([await written(id), await inboxOf(target)]).toEqual(isThere ? [1, [1]] : [0, []])
      await cut.close()
      await proxy.close()
    }
  )

  it('answers "locked" where somebody keeps a row, and takes back what the function did', async () => {
    const [id] = (await awake(1)) as [string]
    await rival.query('begin')
    await rival.query('select 1 from perdure.actor where id = $1 for no key update', [id])
    const answer = await store.transact(async (client, commit) => {
      await (client as pg.PoolClient).query(`insert into ${table} values ($1)`, [id])
      return commit(node, transition({ id, version: 1 }))
    })
    await rival.query('rollback')
    expect(answer).toEqual({ kind: 'locked' })
    expect(await written(id)).toBe(0)
  })
})

describe('a child whose key a transaction is taking', () => {
  it('holds up the commit that bears it, and no others', async () => {
    const ids = await awake(3)
    const key = randomUUID()
    await rival.query('begin')
    await rival.query(
      `insert into perdure.actor (id, machine, key, key_scope, queue, priority, status, wake_at)
       values ($1, 'order', $2, '{ready,running,waiting}', 'default', 0, 'ready', now())`,
      [randomUUID(), key]
    )
    const commits = ids.map((id, n) =>
      go(id, 1, { births: [{ ...childOf({ id, version: 1 }, 1), key: n === 1 ? key : null }] })
    )
    const kinds = async () => (await store.commit(node, commits)).map(({ kind }) => kind)
    const first = await kinds()
    await rival.query('rollback')
    expect(first).toEqual(['committed', 'locked', 'committed'])
    expect(await kinds()).toEqual(['stale', 'committed', 'stale'])
  })
})

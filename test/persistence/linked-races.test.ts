/**
 * Commits that reach other rows, on a real server: what races with them.
 */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPostgresStore, type PostgresStore } from '../../src/persistence/postgres-store.ts'
import { isLockTimeout } from '../../src/persistence/transient-errors.ts'
import type { Commit, CommitResult, Lease, Outgoing } from '../../src/persistence/store.ts'
import { testDatabase } from '../support/database.ts'
import { childOf, joinOf, outgoing } from './conformance/family.ts'
import { HOUR_MS, newActor, transition, uniqueId } from './conformance/world.ts'

const { url, sql } = await testDatabase()
const rival = new pg.Client({ connectionString: url })
const nodes = [uniqueId(), uniqueId()] as const
const [node] = nodes
const stores: PostgresStore[] = []
const leases: Lease[] = []
let store: PostgresStore

beforeAll(async () => {
  // Found before a wait for a lock is given up, so that a ring shows as what it is.
  const database = new URL(url).pathname.slice(1)
  await sql(`alter database ${database} set deadlock_timeout = '20ms'`)
  for (const name of nodes) {
    const opened = await openPostgresStore(url)
    if (stores.push(opened) === 1) await opened.migrate()
    leases.push(await opened.join(name, name, HOUR_MS))
  }
  store = stores[0] as PostgresStore
  await rival.connect()
})
beforeEach(async () => void (await rival.query('rollback')))
afterAll(async () => {
  await rival.end()
  for (const lease of leases) await lease.leave(true)
  for (const opened of stores) await opened.close()
})

/** Owned by a node, one transition behind them. */
async function awake(count: number, owner: string = node): Promise<string[]> {
  const actors = Array.from({ length: count }, () => newActor({ owner }))
  await store.insert(actors)
  await store.commit(
    owner,
    actors.map(({ id }) => transition({ id, version: 0 }))
  )
  return actors.map(({ id }) => id)
}

const go = (id: string, version: number, out: Partial<Outgoing>, fields: Partial<Commit> = {}): Commit =>
  transition({ id, version }, { outgoing: outgoing(out), ...fields })

/** Commits until nothing is locked by others any more, as a node does. A ring of locks is another error, and fails the test. */
async function commitAll(through: PostgresStore, owner: string, commits: readonly Commit[]): Promise<CommitResult[]> {
  const results = await through.commit(owner, commits).then(
    (answers) => [...answers],
    (error: unknown) => {
      if (isLockTimeout(error)) return commitAll(through, owner, commits)
      throw error
    }
  )
  const locked = results.flatMap(({ kind }, n) => (kind === 'locked' ? n : []))
  if (locked.length === 0) return results
  const again = await commitAll(
    through,
    owner,
    locked.map((n) => commits[n] as Commit)
  )
  for (const [place, n] of locked.entries()) results[n] = again[place] as CommitResult
  return results
}

const isThrough = ({ kind }: CommitResult): boolean => kind === 'committed'
const inboxOf = async (id: string) => (await store.inbox(id, 0)).map(({ event }) => JSON.parse(event) as unknown)
const cancel = (id: string) => store.cancel({ id, request: '{"type":"xstate.stop"}', reason: null })
const statusOf = async (id: string) => (await store.read([id]))[0]?.status

/** Runs `work` until it waits for the rival's transaction, has the rival do `more` and commit, and answers what `work` answers. */
async function overtakenBy<T>(work: () => Promise<T>, more = async (): Promise<unknown> => undefined): Promise<T> {
  const answer = work()
  const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  await expect.poll(() => sql(waiting), { timeout: 10_000 }).not.toEqual([])
  await more()
  await rival.query('commit')
  return answer
}

const insertChild = `insert into perdure.actor (id, machine, key_scope, queue, priority, status, wake_at, parent, parent_session)
  values ($1, 'order', '{}', 'default', 0, 'ready', now(), $2, 1)`

const joinsOf = (id: string) => sql(`select session from perdure.child_join where parent = '${id}'`)

describe('two nodes whose actors send to each other crosswise', () => {
  it('lose nothing, keep the order of each sender, and close no ring of locks', { timeout: 120_000 }, async () => {
    const [size, rounds, reach] = [60, 12, 5]
    const own = [await awake(size, nodes[0]), await awake(size, nodes[1])] as const
    const all = own.flat()
    const shuffled = all.toSorted(() => Math.random() - 0.5)
    const targetsOf = (sender: number, round: number) =>
      Array.from({ length: reach }, (_, n) => shuffled[(sender * 7 + round * 13 + n * 31) % all.length] as string)
    const play = async (side: 0 | 1): Promise<void> => {
      for (let round = 1; round <= rounds; round += 1) {
        const commits = own[side].map((id, n) => {
          const sender = side * size + n
          const messages = targetsOf(sender, round).map((to, place) => {
            return { to: { id: to }, event: JSON.stringify({ sender, at: round * reach + place }) }
          })
          return go(id, round, { messages })
        })
        const halves = [commits.slice(0, size / 2), commits.slice(size / 2)]
        const through = stores[side] as PostgresStore
        const results = await Promise.all(halves.map((half) => commitAll(through, nodes[side], half)))
        expect(results.flat().every(isThrough)).toBe(true)
      }
    }
    const disturb = async (): Promise<void> => {
      for (let n = 0; n < rounds * 2; n += 1) {
        const signals = shuffled.map((actorId) => ({ actorId, machine: null, event: '{"sender":-1}', dedupKey: null }))
        await store.signal(signals, 1_000_000)
      }
    }
    await Promise.all([play(0), play(1), disturb()])

    let sent = 0
    for (const id of all) {
      const events = (await inboxOf(id)) as { sender: number; at: number }[]
      for (const sender of all.keys()) {
        const places = events.filter((event) => event.sender === sender).map(({ at }) => at)
        expect(places).toEqual(places.toSorted((a, b) => a - b))
        sent += places.length
      }
    }
    expect(sent).toBe(all.length * rounds * reach)
  })
})

describe('children of one parent that end on two nodes at once', () => {
  it('are each counted once, run no more at a time than may, and release their parent once', async () => {
    const [total, concurrency] = [120, 20]
    const [parent] = (await awake(1)) as [string]
    const queue = uniqueId()
    const births = Array.from({ length: total }, (_, index) =>
      childOf({ id: parent, version: 1 }, 1, index, { queue, machine: 'child' })
    )
    await store.commit(node, [go(parent, 1, { births, joins: [joinOf(total, { concurrency })] })])
    const countRunning = `select count(*)::integer as running from perdure.actor
      where parent = $1 and ended_at is null and wake_at < 'infinity'`
    let [runningMax, ended] = [0, 0]
    const work = async (side: 0 | 1): Promise<void> => {
      const machines = [{ name: 'child', version: null }]
      while (ended < total) {
        const through = stores[side] as PostgresStore
        const { rows } = await through.pick({ node: nodes[side], queue, machines, limit: 7 })
        runningMax = Math.max(runningMax, ...(await sql(countRunning, [parent])).map(({ running }) => Number(running)))
        const ends = rows.map(({ id }) => go(id, 0, { tellsParent: true }, { status: 'done', output: '1' }))
        const results = await commitAll(through, nodes[side], ends)
        ended += results.filter(isThrough).length
      }
    }
    await Promise.all([work(0), work(1)])
    expect(runningMax).toBe(concurrency)
    const events = (await inboxOf(parent)) as { outcomes: unknown[] }[]
    expect(events).toHaveLength(1)
    expect(events[0]?.outcomes).toEqual(births.map(() => ({ status: 'done', output: 1 })))
    expect(await sql('select * from perdure.child_join where parent = $1', [parent])).toEqual([])
  })
})

describe('a cancel that waits', () => {
  it('finds the children that an actor below has brought into being meanwhile, and leaves none over', async () => {
    const [parent] = (await awake(1)) as [string]
    const child = childOf({ id: parent, version: 1 }, 1)
    await store.commit(node, [go(parent, 1, { births: [child] })])
    await store.claim(node, [child.id])
    const grandchild = uniqueId()
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = null where id = $1', [child.id])
    const result = await overtakenBy(
      () => cancel(parent),
      () => rival.query(insertChild, [grandchild, child.id])
    )
    expect(result).toMatchObject({ kind: 'asked' })
    expect(await Promise.all([child.id, grandchild].map(statusOf))).toEqual(['stopped', 'stopped'])
  })

  it('asks the owner that a child has got meanwhile', async () => {
    const [parent] = (await awake(1)) as [string]
    const child = childOf({ id: parent, version: 1 }, 1)
    await store.commit(node, [go(parent, 1, { births: [child] })])
    await rival.query('begin')
    await rival.query('update perdure.actor set owner = $2 where id = $1', [child.id, nodes[1]])
    const { reached } = (await overtakenBy(() => cancel(parent))) as { reached?: unknown }
    expect(reached).toEqual({ owners: [{ node: nodes[1], id: child.id }], wakesRows: false })
    expect(await inboxOf(child.id)).toEqual([{ type: 'xstate.stop' }])
  })

  it('of a child whose parent ends meanwhile tells nobody', async () => {
    const [parent] = (await awake(1)) as [string]
    const child = childOf({ id: parent, version: 1 }, 1)
    await store.commit(node, [go(parent, 1, { births: [child] })])
    await rival.query('begin')
    const end = `update perdure.actor set owner = null, status = 'done', ended_at = now(), wake_at = null where id = $1`
    await rival.query(end, [parent])
    expect(await overtakenBy(() => cancel(child.id))).toEqual({ kind: 'ended' })
    expect(await inboxOf(parent)).toEqual([])
  })
})

describe('a message by key that waits', () => {
  it('reaches the actor that has got the key meanwhile', async () => {
    const key = uniqueId()
    const before = newActor({ key })
    await store.insert([before])
    const [sender] = (await awake(1)) as [string]
    const next = uniqueId()
    const pass = async (): Promise<void> => {
      await rival.query(`update perdure.actor set status = 'done', ended_at = now(), wake_at = null where id = $1`, [
        before.id
      ])
      await rival.query(
        `insert into perdure.actor (id, machine, key, key_scope, queue, priority, status, wake_at)
         values ($1, 'order', $2, '{ready,running,waiting}', 'default', 0, 'ready', now())`,
        [next, key]
      )
    }
    await rival.query('begin')
    await rival.query('select 1 from perdure.actor where id = $1 for no key update', [before.id])
    const commit = go(sender, 1, { messages: [{ to: { key }, event: '"hello"' }] })
    const results = await overtakenBy(() => commitAll(store, node, [commit]), pass)
    expect(results).toMatchObject([{ kind: 'committed', outgoing: { undelivered: [] } }])
    expect([await inboxOf(before.id), await inboxOf(next)]).toEqual([[], ['hello']])
  })
})

describe('a row that somebody else keeps locked', () => {
  it('holds up the commits that need it, and no others of their batch', async () => {
    const [one, two, target] = (await awake(3)) as [string, string, string]
    await rival.query('begin')
    await rival.query('select 1 from perdure.actor where id = $1 for no key update', [target])
    const commits = [one, two].map((id, n) =>
      go(id, 1, { messages: n === 0 ? [{ to: { id: target }, event: '1' }] : [] })
    )
    expect((await store.commit(node, commits)).map(({ kind }) => kind)).toEqual(['locked', 'committed'])
    await rival.query('rollback')
    expect((await store.commit(node, commits)).map(({ kind }) => kind)).toEqual(['committed', 'stale'])
    expect(await inboxOf(target)).toEqual([1])
  })
})

describe('the joins of an actor that a cascade ends', () => {
  /** An actor, its child that nobody owns, and a grandchild that the child's join waits for. */
  async function threeGenerations() {
    const [top] = (await awake(1)) as [string]
    const middle = childOf({ id: top, version: 1 }, 1)
    const low = childOf({ id: middle.id, version: 0 }, 1, 0)
    await store.commit(node, [go(top, 1, { births: [middle] })])
    await store.claim(node, [middle.id])
    await store.commit(node, [go(middle.id, 0, { births: [low], joins: [joinOf(1)] }, { release: true })])
    expect(await joinsOf(middle.id)).toEqual([{ session: 1 }])
    return { top, middle: middle.id, low: low.id }
  }

  it('go with it', async () => {
    const { top, middle, low } = await threeGenerations()
    await store.commit(node, [go(top, 2, { cancels: [1] })])
    expect(await Promise.all([middle, low].map(statusOf))).toEqual(['stopped', 'stopped'])
    expect(await joinsOf(middle)).toEqual([])
  })

  it('go where an operator ends the first of them', async () => {
    const { top, middle } = await threeGenerations()
    await store.commit(node, [go(top, 2, {}, { release: true })])
    expect(await cancel(top)).toMatchObject({ kind: 'ended' })
    expect(await statusOf(middle)).toBe('stopped')
    expect(await joinsOf(middle)).toEqual([])
  })

  it('are left where somebody has them locked, and nobody waits for that', async () => {
    const { top, middle, low } = await threeGenerations()
    await rival.query('begin')
    await rival.query('select from perdure.child_join where parent = $1 for no key update', [middle])
    await store.commit(node, [go(top, 2, { cancels: [1] })])
    await rival.query('rollback')
    expect(await Promise.all([middle, low].map(statusOf))).toEqual(['stopped', 'stopped'])
    expect(await joinsOf(middle)).toEqual([{ session: 1 }])
  })
})

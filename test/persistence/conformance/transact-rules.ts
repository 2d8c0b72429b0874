/** A commit in the transaction of a user's function, on stores that have clients for it. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { CommitResult } from '../../../src/persistence/store.ts'
import { outgoing } from './family.ts'
import { transition, uniqueId, type World } from './world.ts'

type Client = {
  query?(text: string): Promise<{ readonly rows: readonly unknown[] }>
  unsafe?(text: string): Promise<readonly unknown[]>
}

/** Runs a statement as a user of whichever client would. */
async function run(client: unknown, text: string): Promise<readonly unknown[]> {
  const { query, unsafe } = client as Client
  return query ? (await query.call(client, text)).rows : ((await unsafe?.call(client, text)) ?? [])
}

/** For stores on a database: what is in memory has no client. */
export function transactRules(world: World): void {
  describe('transact', () => {
    // A table of the user's own; the suites that share a database share it.
    const table = 'written_by_users'
    beforeAll(() => world.store.transact((client) => run(client, `create table if not exists ${table} (id uuid)`)))
    const write = (client: unknown, id: string) => run(client, `insert into ${table} values ('${id}')`)
    const isWritten = async (id: string) =>
      (await world.store.transact((client) => run(client, `select id from ${table} where id = '${id}'`))).length > 0

    it('has the function and the commit stand together, with what goes out', async () => {
      const [actor, target, id] = [await world.awake(), await world.asleep(), uniqueId()]
      const commit = transition(actor, { outgoing: outgoing({ messages: [{ to: { id: target.id }, event: '1' }] }) })
      const result = await world.store.transact(async (client, commitWith) => {
        await write(client, id)
        return commitWith(world.node, commit)
      })
      expect(result).toMatchObject({ kind: 'committed', outgoing: { wakesRows: true } })
      expect([await isWritten(id), await world.inboxEvents(target.id)]).toEqual([true, ['1']])
    })

    it('takes back what the function did where the commit is stale', async () => {
      const [actor, id] = [await world.awake(), uniqueId()]
      const result = await world.store.transact(async (client, commit): Promise<CommitResult> => {
        await write(client, id)
        return commit(world.node, transition({ ...actor, version: 9 }))
      })
      expect(result).toEqual({ kind: 'stale' })
      expect(await isWritten(id)).toBe(false)
    })

    it('takes back all, the commit too, where the function throws, and rejects with what it throws', async () => {
      const [actor, id] = [await world.awake(), uniqueId()]
      const failure = world.store.transact(async (client, commit) => {
        await write(client, id)
        await commit(world.node, transition(actor))
        throw new Error('no money')
      })
      await expect(failure).rejects.toThrow('no money')
      expect([await isWritten(id), (await world.row(actor.id)).version]).toEqual([false, 1])
    })

    it('takes back all where a statement failed, though the function overlooks it', async () => {
      const actor = await world.awake()
      const failure = world.store.transact(async (client, commit) => {
        await run(client, 'this is no statement').catch(() => undefined)
        await commit(world.node, transition(actor)).catch(() => undefined)
      })
      await expect(failure).rejects.toThrow(/aborted|syntax/)
      expect((await world.row(actor.id)).version).toBe(1)
    })
  })
}

/**
 * A node's hold on life in Postgres: its row, and a session that keeps its lock. Behind a pooler that keeps no sessions: its row alone.
 *
 * Owns: the session. Does not own: when the lease is renewed, and what its loss means (supervisor/).
 *
 * Invariants
 * 1. The lock is held from before the row can be seen until the session ends: whoever gets the lock knows the node dead.
 * 2. A lease whose session is lost is never renewed by another one: renewing fails, and the node joins anew, by another id.
 * 3. Where there is no lock, a connection is only a way to the row: one that is lost is replaced, and the lease goes on.
 */
import type { Driver, Queryable, Session } from './drivers/driver.ts'
import { Lanes } from './drivers/lanes.ts'
import type { Queries, Statement } from './queries.ts'
import type { Lease } from './store.ts'

const rowsAtOnce = 1_000
/** A reaper that owns nothing. */
const nobody = '00000000-0000-0000-0000-000000000000'

export async function openLease(
  driver: Driver,
  queries: Queries,
  node: { readonly id: string; readonly name: string; readonly leaseMs: number }
): Promise<Lease> {
  const session = driver.keepsSessions ? await driver.reserve() : openLane(driver)
  try {
    await session.query(chooseJoin(driver, queries), [node.id, node.name, node.leaseMs])
  } catch (error) {
    await session.end().catch(() => undefined)
    throw error
  }
  return {
    get isOpen() {
      return session.isOpen
    },
    renew: async () => {
      const [row] = await session.query(queries.renew, [node.id, node.leaseMs])
      return row as { held: boolean; now: number; server: string }
    },
    leave: async (inOrder) => {
      try {
        // Over its own session, if there is one: nobody else's pool keeps it waiting.
        await freeRows(session.isOpen ? session : driver, queries, node.id, inOrder)
      } finally {
        await session.end()
      }
    }
  }
}

function chooseJoin({ isEmbedded, keepsSessions }: Driver, queries: Queries): Statement {
  if (isEmbedded) return queries.joinAlone
  return keepsSessions ? queries.join : queries.joinUnlocked
}

/** A connection of its own, and another one whenever that is lost. */
function openLane(driver: Driver): Session {
  const lane = new Lanes(driver, 1)
  let isOpen = true
  return {
    get isOpen() {
      return isOpen
    },
    query: (statement, params) => lane.query(statement, params),
    end: () => {
      isOpen = false
      return lane.end()
    }
  }
}

/** Frees up to `limit` rows of dead nodes, those of `reaper` excepted. Answers the nodes that have none left. */
export async function reapNodes(
  database: Queryable,
  queries: Queries,
  reaper: string,
  limit: number
): Promise<{ readonly nodes: readonly string[]; readonly actors: number }> {
  const [row] = await database.query(queries.reap, [reaper, limit])
  return { nodes: JSON.parse(row?.['nodes'] as string) as readonly string[], actors: row?.['actors'] as number }
}

// The node declares itself dead and reaps itself. Rows that others hold locked just now are left to their reapers.
async function freeRows(database: Queryable, queries: Queries, node: string, inOrder: boolean): Promise<void> {
  const isForgotten = (await database.query(queries.expire, [node, String(inOrder)])).length === 0
  while (!isForgotten) {
    const { nodes, actors } = await reapNodes(database, queries, nobody, rowsAtOnce)
    if (actors === 0 || nodes.includes(node)) return
  }
}

/**
 * The faults of a campaign that the server has, and those of clocks.
 *
 * Owns: what each of them is. Does not own: how they are done to a server (cluster.ts, server.ts).
 */
import { A_WHILE_MS, nothing, PAST_THE_LEASE_MS, take, type Fault, type Field } from './field.ts'

/** The sessions that listen, which do nothing else. */
export const LISTENERS = `query ~ 'listen "?perdure'`

export const AN_HOUR_MS = 3_600_000

const ofTheServer = (name: string, happen: (field: Field) => Promise<unknown>): Fault => ({
  name,
  lastsMs: A_WHILE_MS,
  inject: async (field) => {
    await happen(field)
    return nothing
  }
})

/** By what the clock goes wrong, step after step. */
const ofAClock = (name: string, ...steps: readonly number[]): Fault => ({
  name,
  lastsMs: PAST_THE_LEASE_MS,
  inject: async (field) => {
    const node = take(field)
    await node.stepClock(...steps)
    return async () => {
      await node.stepClock(0)
      field.nodes.push(node)
    }
  }
})

export const serverFaults: readonly Fault[] = [
  ofTheServer('random sessions are ended', ({ cluster, random }) =>
    cluster.terminateSessions(`md5(pid::text || '${random.below(1_000)}') < '5'`)
  ),
  ofTheServer('the listeners are ended', ({ cluster }) => cluster.terminateSessions(LISTENERS)),
  ofTheServer('Postgres crashes', ({ cluster }) => cluster.restartPostgres()),
  ofTheServer('Postgres crashes, and again while it recovers', ({ cluster }) => cluster.restartPostgres('recovering')),
  {
    name: 'the primary turns read-only',
    lastsMs: PAST_THE_LEASE_MS,
    inject: async ({ cluster }) => {
      await cluster.turnReadOnly(true)
      return () => cluster.turnReadOnly(false)
    }
  },
  {
    name: 'the disk is full',
    lastsMs: PAST_THE_LEASE_MS,
    inject: async ({ cluster }) => {
      await cluster.fillDisk(true)
      return () => cluster.fillDisk(false)
    }
  },
  {
    name: 'a failover loses the last commits',
    lastsMs: A_WHILE_MS,
    inject: async ({ cluster }) => {
      await cluster.beginToLoseCommits()
      return () => cluster.loseCommits()
    }
  }
]

export const clockFaults: readonly Fault[] = [
  ofAClock('the clock of a node is an hour ahead', AN_HOUR_MS),
  ofAClock('the clock of a node is an hour behind', -AN_HOUR_MS),
  ofAClock('the clock of a node steps back and forth', AN_HOUR_MS, -AN_HOUR_MS, 0)
]

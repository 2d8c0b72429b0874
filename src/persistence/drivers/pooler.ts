/**
 * Finds out whether a connection has a session of its own, or a pooler gives it another one for each transaction.
 *
 * A pooler tells each client some process id of its own making, and lets processes of the server answer. In session mode it is
 * always the same process, and no other client's; in transaction mode it is whichever is free.
 *
 * Owns: the question. Does not own: what is missing without sessions (postgres-store.ts, postgres-lease.ts).
 *
 * Invariants
 * 1. It leaves nothing on a session: it reads, on connections of its own, which are closed in the end.
 * 2. Without a pooler it costs one connection and one statement.
 */
import type { Listening } from '../store.ts'

/** How the database is reached, as the caller says. */
export type Pooler = 'none' | 'session' | 'transaction'

/** A connection to look at. */
export interface Probe {
  /** The server process, as told when the connection was made; null where none was told. */
  readonly toldPid: number | null
  /** The server process that answers now. */
  askPid(): Promise<number>
  end(): Promise<void>
}

/** Rejects with the client's own error where the database cannot be reached. */
export async function findSessions(connect: () => Promise<Probe>): Promise<boolean> {
  const one = await connect()
  try {
    const pid = await one.askPid()
    if (pid === one.toldPid) return true
    const other = await connect()
    try {
      return await haveSessions(one, pid, other)
    } finally {
      await other.end()
    }
  } finally {
    await one.end()
  }
}

/** Asked in no regular order, in which those who take turns would seem to stay with whom they serve. */
async function haveSessions(one: Probe, pidOfOne: number, other: Probe): Promise<boolean> {
  if ((await one.askPid()) !== pidOfOne) return false
  const pidOfOther = await other.askPid()
  if (pidOfOther === pidOfOne) return false
  for (const probe of [one, other, other, other, one]) {
    if ((await probe.askPid()) !== (probe === one ? pidOfOne : pidOfOther)) return false
  }
  return true
}

/** What there is to hear where connections have no sessions. */
export function listenToNothing(): Listening {
  let isOpen = true
  return {
    get isOpen() {
      return isOpen
    },
    end: async () => {
      isOpen = false
    }
  }
}

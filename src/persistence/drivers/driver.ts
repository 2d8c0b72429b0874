/**
 * What the store needs of a Postgres client, whichever it is.
 *
 * Owns: the interface. Does not own: clients (pg.ts, postgres.ts, pglite.ts), the choice between them (open.ts).
 *
 * Invariants, which every driver keeps
 * 1. Errors are those of the client, untouched: transient-errors.ts tells them apart.
 * 2. What belongs to the caller (a pool, an instance) is used, never ended or reconfigured.
 * 3. The death of an idle connection ends neither the process nor a promise: it shows at the next use.
 * 4. Statements cast what comes back to text, int4, float8 or boolean, which all clients read alike.
 * 5. Where no session is kept, nothing is left on one: no settings, no statements prepared by name. It may be another client's next.
 */
import type { Queries, Statement } from '../queries.ts'

export type Row = Readonly<Record<string, unknown>>

/** Documents, ids and lists travel as text; casts in the statement say what they are. */
export type Param = string | number | boolean | null

export interface Queryable {
  query(statement: Statement, params: readonly Param[]): Promise<readonly Row[]>
}

export interface Transactor {
  /**
   * Runs `work` in a transaction, with statements of ours on `tx` and whatever else on the client's own `client`. Commits where it
   * resolves; where it rejects, rolls back and rejects with that.
   */
  transact<Result>(work: (tx: Queryable, client: unknown) => Promise<Result>): Promise<Result>
}

/** One connection, kept by whoever reserved it. */
export interface Session extends Queryable {
  /** false once the connection is gone, and with it what the server kept for it. It does not come back. */
  readonly isOpen: boolean
  end(): Promise<void>
}

/** A connection that listens. It does not come back either. */
export type Listening = Omit<Session, 'query'>

/** What is asked of a session that comes back. */
export type Tidying = Pick<Queries, 'sessionState' | 'resetSession'>

export interface Driver extends Queryable, Transactor {
  /** For people. */
  readonly name: string
  /** The database runs inside this process, on one connection: there are no sessions of others. */
  readonly isEmbedded: boolean
  /** false: a pooler gives each transaction another session; locks, settings and LISTEN do not stay. */
  readonly keepsSessions: boolean
  /**
   * As `transact`, for code of the user's on `client`. Nobody meets what it leaves on the session, except where sessions are not
   * kept, or there is but one, and but for settings of its own names in a pool of the user's. Where `work` rejects with
   * AbandonedError the connection is closed at once.
   */
  lend<Result>(tidying: Tidying, work: (tx: Queryable, client: unknown) => Promise<Result>): Promise<Result>
  /** Runs a script of many statements as one transaction. */
  run(script: string): Promise<void>
  /** Opens a connection of its own, which no other code can keep busy. */
  reserve(): Promise<Session & Transactor>
  /** Opens a connection of its own that hears what is notified on a channel, for which `statement` is the LISTEN. Only where sessions are kept. */
  listen(statement: Statement, channel: string, hear: (message: string) => void): Promise<Listening>
  /**
   * Closes the connections that there are, in use or not, because the server has fallen silent: a machine that lost its power ends none of them.
   * What is under way on one rejects as lost. What is asked from now on goes over others.
   * A postgres.js instance of the caller's cannot be made to give up those in its own pool; the system does, after minutes.
   */
  dropConnections(): void
  end(): Promise<void>
}

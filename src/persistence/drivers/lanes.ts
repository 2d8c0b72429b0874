/**
 * A few connections that only one use has (commits; the lease, where it needs no session), so that nothing else can keep it waiting.
 *
 * Owns: opening them when they are first needed, and again when they are lost.
 * Does not own: retries; a statement whose connection is lost fails, and the next one opens another.
 *
 * Invariants
 * 1. A connection runs one statement, or one transaction, at a time; statements that find all of them busy go in the order in which they came.
 * 2. No more connections are open than there are lanes.
 */
import type { Statement } from '../queries.ts'
import type { Driver, Param, Queryable, Row, Session, Transactor } from './driver.ts'

type Connection = Session & Transactor

export class Lanes {
  readonly #driver: Driver
  /** Lanes that nobody uses, each with its session once it has one. */
  readonly #free: (Connection | null)[]
  readonly #sessions = new Set<Connection>()
  #isEnded = false
  readonly #waiting: ((session: Connection | null) => void)[] = []

  constructor(driver: Driver, count: number) {
    this.#driver = driver
    this.#free = Array<Connection | null>(count).fill(null)
  }

  query(statement: Statement, params: readonly Param[]): Promise<readonly Row[]> {
    return this.#use((session) => session.query(statement, params))
  }

  /** All of a transaction on one lane. */
  transact<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    return this.#use((session) => session.transact(work))
  }

  async #use<Result>(run: (session: Connection) => Promise<Result>): Promise<Result> {
    let session = await this.#take()
    try {
      if (session === null || !session.isOpen) session = await this.#replace(session)
      return await run(session)
    } finally {
      this.#giveBack(session)
    }
  }

  /** Ends the connections, for good. A statement that is under way fails, and its outcome is unknown. */
  async end(): Promise<void> {
    this.#isEnded = true
    const sessions = [...this.#sessions]
    this.#sessions.clear()
    this.#free.fill(null)
    await Promise.all(sessions.map((session) => session.end()))
  }

  async #replace(lost: Connection | null): Promise<Connection> {
    if (lost !== null) this.#sessions.delete(lost)
    const session = await this.#driver.reserve()
    if (this.#isEnded) {
      await session.end().catch(() => undefined)
      throw new Error('the store is closed')
    }
    this.#sessions.add(session)
    return session
  }

  async #take(): Promise<Connection | null> {
    // The lane used last comes first: at low load one connection does, and its caches stay warm.
    const free = this.#free.pop()
    return free !== undefined ? free : new Promise((resolve) => this.#waiting.push(resolve))
  }

  #giveBack(session: Connection | null): void {
    const next = this.#waiting.shift()
    if (next) next(session)
    else this.#free.push(session)
  }
}

/**
 * A few connections that only commits use, so that nothing else can keep commits waiting.
 *
 * Owns: opening them when they are first needed, and again when they are lost.
 * Does not own: retries; a statement whose connection is lost fails, and the next one opens another.
 *
 * Invariants
 * 1. A connection runs one statement at a time; statements that find all of them busy go in the order in which they came.
 * 2. No more connections are open than there are lanes.
 */
import type { Statement } from '../queries.ts'
import type { Driver, Param, Row, Session } from './driver.ts'

export class Lanes {
  readonly #driver: Driver
  /** Lanes that nobody uses, each with its session once it has one. */
  readonly #free: (Session | null)[]
  readonly #sessions = new Set<Session>()
  #isEnded = false
  readonly #waiting: ((session: Session | null) => void)[] = []

  constructor(driver: Driver, count: number) {
    this.#driver = driver
    this.#free = Array<Session | null>(count).fill(null)
  }

  async query(statement: Statement, params: readonly Param[]): Promise<readonly Row[]> {
    let session = await this.#take()
    try {
      if (session === null || !session.isOpen) session = await this.#replace(session)
      return await session.query(statement, params)
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

  async #replace(lost: Session | null): Promise<Session> {
    if (lost !== null) this.#sessions.delete(lost)
    const session = await this.#driver.reserve()
    if (this.#isEnded) {
      await session.end()
      throw new Error('the store is closed')
    }
    this.#sessions.add(session)
    return session
  }

  async #take(): Promise<Session | null> {
    // The lane used last comes first: at low load one connection does, and its caches stay warm.
    const free = this.#free.pop()
    return free !== undefined ? free : new Promise((resolve) => this.#waiting.push(resolve))
  }

  #giveBack(session: Session | null): void {
    const next = this.#waiting.shift()
    if (next) next(session)
    else this.#free.push(session)
  }
}

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
  readonly #onOpen: Statement
  /** Lanes that nobody uses, each with its session once it has one. */
  readonly #free: (Session | null)[]
  readonly #sessions = new Set<Session>()
  #isEnded = false
  readonly #waiting: ((session: Session | null) => void)[] = []

  /** `onOpen` runs first on each connection that is the lanes' own. */
  constructor(driver: Driver, count: number, onOpen: Statement) {
    this.#driver = driver
    this.#onOpen = onOpen
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
    try {
      if (!this.#driver.isEmbedded) await session.query(this.#onOpen, [])
      if (this.#isEnded) throw new Error('the store is closed')
    } catch (error) {
      await session.end().catch(() => undefined)
      throw error
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

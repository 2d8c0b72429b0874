/**
 * The store of a runtime: opened when it is needed first, closed without waiting for a database that does not answer.
 *
 * Owns: for how long it is open. Does not own: how it is opened, what is done with it.
 */
import { setTimeout } from 'node:timers/promises'
import type { Store } from './persistence/store.ts'
import { describeRefusal, type Opening } from './store-errors.ts'

const CLOSE_WITHIN_MS = 2_000

export class OpenedStore {
  readonly #open: () => Promise<Store>
  readonly #schema: string
  readonly #isKept: () => boolean
  #store: Promise<Store> | null = null
  #uses = 0

  /** `isKept`: it stays open though nothing uses it. */
  constructor(open: () => Promise<Store>, schema: string, isKept: () => boolean) {
    this.#open = open
    this.#schema = schema
    this.#isKept = isKept
  }

  get(): Promise<Store> {
    this.#store ??= this.#open()
    return this.#store
  }

  /** Runs `work` on it. Where the database is away, or refuses, this rejects with an error of ours. */
  async use(operation: Opening, work: (store: Store) => Promise<void>): Promise<void> {
    this.#uses++
    try {
      await work(await this.get())
    } catch (error) {
      throw describeRefusal(operation, this.#schema, error)
    } finally {
      // A process that only migrates, or could not start, must be able to end.
      if (--this.#uses === 0 && !this.#isKept()) await this.close()
    }
  }

  /** It may be opened again. */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = null
    // A statement that is never answered must not keep the process from ending.
    await Promise.race([
      store?.then(
        (opened) => opened.close(),
        () => undefined
      ),
      setTimeout(CLOSE_WITHIN_MS, undefined, { ref: false })
    ])
  }
}

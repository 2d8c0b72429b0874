/**
 * The store of a runtime: opened when it is needed first, closed without waiting for a database that does not answer.
 */
import { setTimeout } from 'node:timers/promises'
import type { Store } from './persistence/store.ts'

const CLOSE_WITHIN_MS = 2_000

export class OpenedStore {
  readonly #open: () => Promise<Store>
  #store: Promise<Store> | null = null

  constructor(open: () => Promise<Store>) {
    this.#open = open
  }

  get(): Promise<Store> {
    this.#store ??= this.#open()
    return this.#store
  }

  /** It may be opened again. */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = null
    // A statement that is never answered must not keep the process from ending.
    await Promise.race([
      store?.then((opened) => opened.close()),
      setTimeout(CLOSE_WITHIN_MS, undefined, { ref: false })
    ])
  }
}

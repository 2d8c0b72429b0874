/**
 * The store of a runtime: opened when it is needed first, closed without waiting for a database that does not answer.
 *
 * Owns: for how long it is open. Does not own: how it is opened, what is done with it.
 */
import { setTimeout } from 'node:timers/promises'
import { RuntimeNotRunningError } from './errors.ts'
import type { Store } from './persistence/store.ts'
import { describeRefusal, type Opening } from './store-errors.ts'

const CLOSE_WITHIN_MS = 2_000
const ANSWER_WITHIN_MS = 30_000

export class OpenedStore {
  readonly #open: () => Promise<Store>
  readonly #schema: string
  readonly #isKept: () => boolean
  readonly #stopped: AbortSignal
  #store: Promise<Store> | null = null
  #uses = 0

  /** `isKept`: it stays open though nothing uses it. `stopped`: nobody waits for it any more. */
  constructor(open: () => Promise<Store>, schema: string, isKept: () => boolean, stopped: AbortSignal) {
    this.#stopped = stopped
    this.#open = open
    this.#schema = schema
    this.#isKept = isKept
  }

  get(): Promise<Store> {
    this.#store ??= this.#open()
    return this.#store
  }

  /** Runs `work` on it. Where the database is away, or refuses, or all was stopped meanwhile, this rejects with an error of ours. */
  async use(operation: Opening, work: (store: Store) => Promise<void>): Promise<void> {
    this.#uses++
    const done = new AbortController()
    const stopped = new Promise<never>((_, reject) => {
      const stop = (): void => reject(new RuntimeNotRunningError(operation, 'stopped'))
      this.#stopped.addEventListener('abort', stop, { signal: done.signal })
    })
    try {
      await Promise.race([stopped, this.get().then(work)])
    } catch (error) {
      throw describeRefusal(operation, this.#schema, error)
    } finally {
      done.abort()
      // A process that only migrates, or could not start, must be able to end.
      if (--this.#uses === 0 && !this.#isKept()) await this.close()
    }
  }

  /** It may be opened again. */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = null
    // A statement that is never answered must not keep the process from ending.
    const closing = store?.then(
      async (opened) => {
        const isClosed = await Promise.race([opened.close().then(() => true), pause(false)])
        if (!isClosed) opened.dropConnections()
      },
      () => undefined
    )
    await Promise.race([closing, pause(null)])
  }
}

const pause = <Value>(value: Value): Promise<Value> => setTimeout(CLOSE_WITHIN_MS, value, { ref: false })

/** What a store answers, or an error as of a server that cannot be reached. */
export function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const done = new AbortController()
  const silence = setTimeout(ANSWER_WITHIN_MS, undefined, { signal: done.signal }).then(() => {
    const error = new Error(`the database did not answer within ${ANSWER_WITHIN_MS} ms`)
    throw Object.assign(error, { code: 'CONNECT_TIMEOUT' })
  })
  return Promise.race([answer, silence]).finally(() => done.abort())
}

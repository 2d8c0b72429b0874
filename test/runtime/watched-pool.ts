/**
 * A `pg.Pool` to hand to a runtime, that tells which statements go out, keeps some of them back and loses answers.
 *
 *     const { pool, statements, hold } = watchedPool(db.url)
 *     const release = hold('commit')     // commits wait before they are sent
 *
 * Owns: the pool; whoever makes one ends it.
 */
import { callbackify } from 'node:util'
import pg from 'pg'

/** `lost` with its connection · `late`: it does not come before `releaseAll`, or fails with its connection. */
export type SpoiltAnswer = 'lost' | 'late'

export interface WatchedPool {
  readonly pool: pg.Pool
  /** Names of the product's statements (`commit`, `claim`, …) in the order in which they were sent. */
  readonly statements: readonly string[]
  /** Those that the server has answered, whatever became of the answer. */
  readonly answered: readonly string[]
  /** From now on statements of this name wait before they are sent, until what is returned is called. */
  hold(name: string): () => void
  /** What was held back goes on, and answers that are late come. */
  releaseAll(): void
  /** What becomes of the next statement of this name, after the server has carried it out. */
  spoilAnswer(name: string, how: SpoiltAnswer): void
}

type Callback = (error: Error, result?: unknown) => void
type Query = { readonly name?: string } | string

export function watchedPool(url: string): WatchedPool {
  const statements: string[] = []
  const answered: string[] = []
  const gates = new Map<string, { readonly opened: Promise<void>; readonly open: () => void }>()
  const late: (() => void)[] = []
  const spoilt = new Map<string, SpoiltAnswer>()

  class WatchedClient extends pg.Client {
    // The overloads of `query` are many; here only what goes in and what comes out is looked at.
    override query = ((query: Query, values?: unknown, callback?: Callback): unknown => {
      const name = nameOf(query)
      if (name === null) return super.query(query as never, values as never, callback as never)
      const ask = (): Promise<unknown> => this.#ask(name, query)
      return callback ? callbackify(ask)(callback) : ask()
    }) as never

    async #ask(name: string, query: Query): Promise<unknown> {
      await gates.get(name)?.opened
      statements.push(name)
      const how = spoilt.get(name)
      spoilt.delete(name)
      const answer = await super.query(query as pg.QueryConfig)
      answered.push(name)
      if (how === 'late') {
        await new Promise<void>((resolve, reject) => {
          late.push(resolve)
          this.once('end', () => reject(new Error('Connection terminated')))
        })
      }
      if (how !== 'lost') return answer
      await this.end()
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    }
  }

  const release = (name: string): void => {
    gates.get(name)?.open()
    gates.delete(name)
  }
  return {
    pool: new pg.Pool({ connectionString: url, Client: WatchedClient }),
    statements,
    answered,
    hold: (name) => {
      let open = (): void => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      gates.set(name, { opened, open })
      return () => release(name)
    },
    releaseAll: () => {
      for (const name of gates.keys()) release(name)
      for (const answer of late.splice(0)) answer()
    },
    spoilAnswer: (name, how) => void spoilt.set(name, how)
  }
}

/** `perdure_claim_0a1b2c3d4e5f` is the statement `claim`; what has another name is not the product's, or sets up a
 * connection. Both ways to commit are one. */
function nameOf(query: Query): string | null {
  const name = typeof query === 'string' ? undefined : query.name
  const statement = /^perdure_(\w+)_[0-9a-f]+$/.exec(name ?? '')?.[1] ?? null
  return statement === 'commit_one' ? 'commit' : statement
}

/**
 * A `pg.Pool` to hand to a runtime, that tells which statements go out and can keep some of them back.
 *
 *     const watched = watchedPool(db.url)
 *     const release = watched.hold('commit')     // commits wait before they are sent
 *
 * Owns: the pool; whoever makes one ends it.
 */
import pg from 'pg'

type Query = { readonly name?: string } | string

export interface WatchedPool {
  readonly pool: pg.Pool
  /** Names of the product's statements (`commit`, `claim`, …) in the order in which they were sent. */
  readonly statements: readonly string[]
  /** From now on statements of this name wait before they are sent, until what is returned is called. */
  hold(name: string): () => void
  /** The answer of the next statement of this name is lost with its connection, after the server has given it. */
  loseAnswer(name: string): void
}

export function watchedPool(url: string): WatchedPool {
  const statements: string[] = []
  const held = new Map<string, Promise<void>>()
  const toLose = new Set<string>()

  class WatchedClient extends pg.Client {
    // The overloads of `query` are many; here only what goes in and what comes out is looked at.
    override query = ((...args: readonly [Query, ...unknown[]]): unknown => {
      const send = super.query.bind(this) as (...all: readonly unknown[]) => unknown
      const name = nameOf(args[0])
      if (name === null) return send(...args)
      const go = (): unknown => {
        statements.push(name)
        return toLose.delete(name) ? loseAnswerOf(this, send(...args)) : send(...args)
      }
      const gate = held.get(name)
      return gate ? gate.then(go) : go()
    }) as never
  }

  return {
    pool: new pg.Pool({ connectionString: url, Client: WatchedClient }),
    statements,
    hold: (name) => {
      let open = (): void => undefined
      held.set(name, new Promise((resolve) => (open = resolve)))
      return () => {
        held.delete(name)
        open()
      }
    },
    loseAnswer: (name) => void toLose.add(name)
  }
}

/** `perdure_commit_0a1b2c3d4e5f` is the statement `commit`; what has another name is not the product's. */
function nameOf(query: Query): string | null {
  const name = typeof query === 'string' ? undefined : query.name
  return /^perdure_(\w+)_[0-9a-f]+$/.exec(name ?? '')?.[1] ?? null
}

async function loseAnswerOf(client: pg.Client, answer: unknown): Promise<never> {
  await answer
  await client.end()
  throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
}

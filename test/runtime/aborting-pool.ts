/**
 * A `pg.Pool` to hand to a runtime, on which the first statement of each kind is taken back by the server, with a deadlock or, as every
 * other, with a serialization failure; those after it pass.
 *
 * The server itself says so, to a statement that is sent in the place of the refused one. So a transaction in which that happens is
 * broken as it would be in earnest.
 *
 * Owns: which statements were refused. Does not own: the end of the pool; whoever makes one ends it.
 */
import { callbackify } from 'node:util'
import pg from 'pg'
import { askPid, loadQueries } from '../../src/persistence/queries.ts'

/** Deadlock, serialization failure. */
const CODES = ['40P01', '40001']

export interface AbortingPool {
  readonly pool: pg.Pool
  /** From now on those of a start are refused, too. */
  begin(): void
  /** Those that were: the name of a statement in queries.ts, or its first word. */
  readonly refused: ReadonlySet<string>
}

type Callback = (error: Error, result?: unknown) => void
type Query = { readonly text: string } | string

/** Where one of them is refused, `start` rejects. */
const OF_A_START = new Set(['askPid', 'schemaVersion', 'join', 'renew', 'pinPlans'])
/** A server refuses no rollback. */
const NEVER_REFUSED = 'rollback'

export function abortingPool(url: string): AbortingPool {
  const refused = new Set<string>()
  let hasBegun = false

  class AbortingClient extends pg.Client {
    // The overloads of `query` are many; here only what goes in and what comes out is looked at.
    override query = ((query: Query, values?: unknown, callback?: Callback): unknown => {
      const name = nameOf(query)
      if (refused.has(name) || name === NEVER_REFUSED || (!hasBegun && OF_A_START.has(name))) {
        return super.query(query as never, values as never, callback as never)
      }
      const code = CODES[refused.size % 2] as string
      refused.add(name)
      const ask = (): Promise<unknown> => this.#refuse(name, code)
      return callback ? callbackify(ask)(callback) : ask()
    }) as never

    async #refuse(name: string, code: string): Promise<never> {
      try {
        await super.query(`do $$ begin raise exception 'refused: ${name}' using errcode = '${code}'; end $$`)
      } catch (error) {
        // A COMMIT that fails has ended its transaction.
        if (name === 'commit transaction') await super.query('rollback')
        throw error
      }
      throw new Error('the server did not refuse')
    }
  }

  return {
    pool: new pg.Pool({ connectionString: url, Client: AbortingClient }),
    begin: () => void (hasBegun = true),
    refused
  }
}

const names = new Map(Object.entries({ askPid, ...loadQueries('perdure') }).map(([name, { text }]) => [text, name]))

function nameOf(query: Query): string {
  const text = typeof query === 'string' ? query : query.text
  const name = names.get(text)
  if (name !== undefined) return name
  const [word = ''] = text.split(' ')
  return word === 'commit' ? 'commit transaction' : word
}

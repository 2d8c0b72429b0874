/**
 * The driver for PGlite: Postgres inside this process, on one connection.
 *
 * Owns: nothing; the instance is the caller's.
 *
 * Invariants: those of driver.ts. Reserved sessions share the one connection, which runs one statement at a time.
 */
import type { Driver, Param, Row } from './driver.ts'

/** The part of a `PGlite` that is used. */
export interface PGliteInstance {
  readonly closed: boolean
  query(text: string, params: Param[]): Promise<{ readonly rows: readonly Row[] }>
  exec(script: string): Promise<unknown>
  transaction<Result>(work: (tx: Pick<PGliteInstance, 'query'>) => Promise<Result>): Promise<Result>
  listen(channel: string, hear: (message: string) => void): Promise<() => Promise<void>>
}

export function createPGliteDriver(lite: PGliteInstance): Driver {
  const queryOn =
    (runner: Pick<PGliteInstance, 'query'>): Driver['query'] =>
    async (statement, params) =>
      (await runner.query(statement.text, [...params])).rows
  const query = queryOn(lite)
  // Statements of others wait until it is over.
  const transact: Driver['transact'] = (work) => lite.transaction((tx) => work({ query: queryOn(tx) }, tx))
  return {
    name: 'PGlite',
    isEmbedded: true,
    keepsSessions: true,
    query,
    transact,
    lend: (_state, work) => transact(work),
    run: async (script) => void (await lite.exec(script)),
    reserve: async () => {
      let hasEnded = false
      return {
        get isOpen() {
          return !hasEnded && !lite.closed
        },
        query,
        transact,
        end: async () => {
          hasEnded = true
        }
      }
    },
    listen: async (_statement, channel, hear) => {
      const unlisten = await lite.listen(channel, hear)
      return {
        get isOpen() {
          return !lite.closed
        },
        end: () => (lite.closed ? Promise.resolve() : unlisten())
      }
    },
    // There is nothing between this process and it that could fall silent.
    dropConnections: () => undefined,
    end: async () => undefined
  }
}

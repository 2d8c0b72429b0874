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
}

export function createPGliteDriver(lite: PGliteInstance): Driver {
  const query: Driver['query'] = async (statement, params) => (await lite.query(statement.text, [...params])).rows
  return {
    name: 'PGlite',
    isEmbedded: true,
    query,
    run: async (script) => void (await lite.exec(script)),
    reserve: async () => ({
      get isOpen() {
        return !lite.closed
      },
      query,
      end: async () => undefined
    }),
    end: async () => undefined
  }
}

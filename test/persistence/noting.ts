/** A driver that notes the name of each statement of ours that goes out, on whichever connection. */
import type { Driver, Queryable, Transactor } from '../../src/persistence/drivers/driver.ts'

export function noting(driver: Driver, note: (statement: string) => void): Driver {
  const notingQueries = ({ query }: Queryable): Queryable => ({
    query: (statement, params) => {
      note(statement.name)
      return query(statement, params)
    }
  })
  const notingTransactions = ({ transact }: Transactor): Transactor => ({
    transact: (work) => transact((tx, client) => work(notingQueries(tx), client))
  })
  return {
    ...driver,
    ...notingQueries(driver),
    ...notingTransactions(driver),
    lend: (state, work) => driver.lend(state, (tx, client) => work(notingQueries(tx), client)),
    reserve: async () => {
      const session = await driver.reserve()
      return {
        get isOpen() {
          return session.isOpen
        },
        end: () => session.end(),
        ...notingQueries(session),
        ...notingTransactions(session)
      }
    }
  }
}

/** A PostgresStore for the conformance suite: on a client that the caller brings, and a second one on a connection string. */
import { openDriver } from '../../src/persistence/drivers/open.ts'
import { openPostgresStore, PostgresStore } from '../../src/persistence/postgres-store.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import type { OpenStore } from './store-conformance.ts'

export async function openStoreOn(
  url: string,
  schema: string,
  client: unknown,
  endClient: () => Promise<void>
): Promise<OpenStore> {
  const queries = loadQueries(schema)
  const driver = await openDriver(client, queries.pinPlans)
  const store = new PostgresStore(driver, queries, schema)
  const endLease = { name: 'end_lease', text: `update ${schema}.node set expires_at = now() where id = $1::uuid` }
  const stores = [store]
  await store.migrate()
  return {
    store,
    second: async () => {
      const second = await openPostgresStore(url, schema)
      stores.push(second)
      return second
    },
    expire: async (node) => void (await driver.query(endLease, [node])),
    close: async () => {
      for (const opened of stores) await opened.close()
      await endClient()
    }
  }
}

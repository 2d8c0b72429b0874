/**
 * No XState, no batches: one prepared compare-and-set UPDATE for each event, over ten connections. What a statement costs.
 */
import pg from 'pg'
import type { Contender } from '../contender.ts'
import { shareOf } from '../drive.ts'
import { createInstanceTable, dropSchema, insertInstances, readNumbers } from '../schema.ts'
import { sampleSnapshot } from '../turnstile.ts'

const schema = 'bench_bare_updates'
const connections = 10

export const bareUpdates: Contender = {
  name: `bare UPDATE, ${connections} connections, pg`,

  async open(url) {
    await createInstanceTable(url, schema)
    const clients = Array.from({ length: connections }, () => new pg.Client(url))
    await Promise.all(clients.map((client) => client.connect()))
    let statements = 0

    /** Each connection has instances of its own, and goes round them. */
    const drive = async (client: pg.Client, ids: readonly string[], events: number): Promise<void> => {
      for (let version = 0; version < events; version++) {
        for (const id of ids) {
          await updateInstance(client, schema, id, version)
          statements++
        }
      }
    }

    return {
      create: (count) => insertInstances(url, schema, count),
      drive: async (ids, events) => {
        await Promise.all(clients.map((client, place) => drive(client, shareOf(ids, place, connections), events)))
      },
      readApplied: (ids) => readNumbers(url, { table: `${schema}.instance`, expression: 'version', ids }),
      get written() {
        return { statements, rows: statements }
      },
      close: async () => {
        await Promise.all(clients.map((client) => client.end()))
        await dropSchema(url, schema)
      }
    }
  }
}

/** Writes the event that comes after `version`. */
export async function updateInstance(client: pg.Client, schema: string, id: string, version: number): Promise<void> {
  const { rowCount } = await client.query({
    name: 'update_instance',
    text: `update ${schema}.instance set version = version + 1, snapshot = $3 where id = $1 and version = $2`,
    values: [id, version, sampleSnapshot]
  })
  if (rowCount !== 1) throw new Error(`instance ${id} is not at version ${version}`)
}

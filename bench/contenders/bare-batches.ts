/**
 * No XState: the same UPDATE for many instances at once. What the database can take, and so what perdure is held against.
 */
import pg from 'pg'
import type { Contender } from '../contender.ts'
import { shareOf } from '../drive.ts'
import { createInstanceTable, dropSchema, insertInstances, readNumbers } from '../schema.ts'
import { sampleSnapshot } from '../turnstile.ts'

const batchSize = 500

export const bareBatchesOnOne = contend(1)
export const bareBatchesOnTwo = contend(2)

function contend(connections: number): Contender {
  const schema = `bench_bare_batches_${connections}`

  return {
    name: `bare batches of ${batchSize}, ${connections} ${connections === 1 ? 'connection' : 'connections'}, pg`,

    async open(url) {
      await createInstanceTable(url, schema)
      const clients = Array.from({ length: connections }, () => new pg.Client(url))
      await Promise.all(clients.map((client) => client.connect()))
      const written = { statements: 0, rows: 0 }

      const drive = async (client: pg.Client, ids: readonly string[], events: number): Promise<void> => {
        const batches = splitIntoBatches(ids)
        for (let version = 0; version < events; version++) {
          for (const batch of batches) {
            await updateBatch(client, schema, batch, version)
            written.statements++
            written.rows += batch.length
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
          return { ...written }
        },
        close: async () => {
          await Promise.all(clients.map((client) => client.end()))
          await dropSchema(url, schema)
        }
      }
    }
  }
}

function splitIntoBatches(ids: readonly string[]): readonly (readonly string[])[] {
  const batches: (readonly string[])[] = []
  for (let from = 0; from < ids.length; from += batchSize) batches.push(ids.slice(from, from + batchSize))
  return batches
}

async function updateBatch(client: pg.Client, schema: string, ids: readonly string[], version: number): Promise<void> {
  const { rowCount } = await client.query({
    name: 'update_batch',
    text: `
      update ${schema}.instance as i set version = i.version + 1, snapshot = b.snapshot::json
      from unnest($1::uuid[], $2::bigint[], $3::text[]) as b (id, version, snapshot)
      where i.id = b.id and i.version = b.version`,
    values: [ids, ids.map(() => version), ids.map(() => sampleSnapshot)]
  })
  if (rowCount !== ids.length) throw new Error(`${rowCount} of ${ids.length} instances were at version ${version}`)
}

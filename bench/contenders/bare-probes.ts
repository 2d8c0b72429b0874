/**
 * One prepared compare-and-set UPDATE on one connection: the least that it can take to make an event durable.
 */
import pg from 'pg'
import postgres from 'postgres'
import type { Prober } from '../contender.ts'
import { createInstanceTable, dropSchema, insertInstances } from '../schema.ts'
import { sampleSnapshot } from '../turnstile.ts'
import { updateInstance } from './bare-updates.ts'

export const barePgProber: Prober = {
  name: 'bare UPDATE, pg',

  async open(url, instances) {
    const schema = 'bench_bare_pg'
    await createInstanceTable(url, schema)
    const ids = await insertInstances(url, schema, instances)
    const client = new pg.Client(url)
    await client.connect()
    return {
      apply: countUp(ids, (id, version) => updateInstance(client, schema, id, version)),
      close: async () => {
        await client.end()
        await dropSchema(url, schema)
      }
    }
  }
}

export const barePostgresProber: Prober = {
  name: 'bare UPDATE, postgres.js',

  async open(url, instances) {
    const schema = 'bench_bare_postgres_js'
    await createInstanceTable(url, schema)
    const ids = await insertInstances(url, schema, instances)
    const sql = postgres(url, { max: 1 })
    const text = `update ${schema}.instance set version = version + 1, snapshot = $3::text::json where id = $1 and version = $2`
    const update = async (id: string, version: number): Promise<void> => {
      const { count } = await sql.unsafe(text, [id, version, sampleSnapshot], { prepare: true })
      if (count !== 1) throw new Error(`instance ${id} is not at version ${version}`)
    }
    return {
      apply: countUp(ids, update),
      close: async () => {
        await sql.end()
        await dropSchema(url, schema)
      }
    }
  }
}

/** One instance after the other, round and round. */
function countUp(ids: readonly string[], update: (id: string, version: number) => Promise<void>): () => Promise<void> {
  let applied = 0
  return async () => {
    await update(ids[applied % ids.length] as string, Math.floor(applied / ids.length))
    applied++
  }
}

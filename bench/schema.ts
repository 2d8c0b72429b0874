/**
 * The Postgres schemas of the contenders, and the table of those that bring none.
 *
 * The table is as lean as it can be: what perdure's costs beyond it is perdure's to pay. It leaves the same room in its
 * pages, so that updates stay within them (HOT) for everybody.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { sampleSnapshot } from './turnstile.ts'

/** Creates an empty schema, in place of the one that has the name. */
export async function createSchema(url: string, schema: string): Promise<void> {
  await runScript(url, `drop schema if exists ${schema} cascade; create schema ${schema}`)
}

/** Creates an empty schema with a table `instance`. */
export async function createInstanceTable(url: string, schema: string): Promise<void> {
  await createSchema(url, schema)
  await runScript(
    url,
    `create table ${schema}.instance (id uuid primary key, version bigint not null, snapshot json not null)
     with (fillfactor = 50)`
  )
}

export async function dropSchema(url: string, schema: string): Promise<void> {
  await runScript(url, `drop schema ${schema} cascade`)
}

export async function insertInstances(url: string, schema: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, () => randomUUID())
  await ask(url, `insert into ${schema}.instance select id, 0, $2 from unnest($1::uuid[]) as id`, [ids, sampleSnapshot])
  return ids
}

/** A number that `expression` gives for the row of each of `ids`, in no order. */
export async function readNumbers(
  url: string,
  { table, expression, ids }: { readonly table: string; readonly expression: string; readonly ids: readonly string[] }
): Promise<readonly number[]> {
  const rows = await ask(url, `select (${expression})::float8 as number from ${table} where id = any ($1::uuid[])`, [
    ids
  ])
  return rows.map(({ number }) => number as number)
}

/** Answers of a connection of its own, so that no contender's connections have more to do than its work. */
export async function ask(
  url: string,
  text: string,
  values: readonly unknown[]
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows
  } finally {
    await client.end()
  }
}

async function runScript(url: string, script: string): Promise<void> {
  const client = new pg.Client(url)
  client.on('notice', () => undefined)
  await client.connect()
  try {
    await client.query(script)
  } finally {
    await client.end()
  }
}

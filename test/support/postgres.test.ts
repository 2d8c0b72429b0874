/** The Postgres of the project's own: scripts/postgres.ts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { discardPostgres, startPostgres } from '../../scripts/postgres.ts'

const dir = fileURLToPath(new URL(`../../.perdure/test-${process.pid}`, import.meta.url))
const settings = { fsync: 'off' }
afterAll(() => discardPostgres(dir))

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('a server whose starter was killed gives way to the next, which finds its data', async () => {
  const first = await startPostgres({ dir, settings })
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()

  const doomed = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'doomed-starter.ts'), dir])
  expect(await once(doomed, 'exit')).toEqual([null, 'SIGKILL'])

  const next = await startPostgres({ dir, settings })
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  await next.stop()
})

test('a server whose starter lives is shared, and stops with that one', async () => {
  const owner = await startPostgres({ dir, settings })
  const guest = await startPostgres({ dir, settings })
  expect(guest.url).toBe(owner.url)
  await guest.stop()
  expect(await query(owner.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await owner.stop()
  await expect(query(owner.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('nobody gets in without the password', async () => {
  const server = await startPostgres({ dir, settings })
  const stranger = new URL(server.url)
  stranger.password = 'guess'
  await expect(query(stranger.href, 'select 1')).rejects.toThrow('password authentication failed')
  await server.stop()
})

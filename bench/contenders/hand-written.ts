/**
 * What XState's users write today: after each event, `getPersistedSnapshot()` goes into the row, and the next event waits for it.
 */
import pg from 'pg'
import { createActor, type ActorRefFrom } from 'xstate'
import type { Contender } from '../contender.ts'
import { sendOneByOne } from '../drive.ts'
import { createInstanceTable, dropSchema, insertInstances, readNumbers } from '../schema.ts'
import { ticketEvent, turnstile } from '../turnstile.ts'

const schema = 'bench_hand_written'
const connections = 10

interface Instance {
  readonly actor: ActorRefFrom<typeof turnstile>
  version: number
}

export const handWritten: Contender = {
  name: `hand-written XState + pg, pool of ${connections}`,

  async open(url) {
    await createInstanceTable(url, schema)
    const pool = new pg.Pool({ connectionString: url, max: connections })
    const instances = new Map<string, Instance>()
    let statements = 0

    const send = async (id: string, number: number): Promise<void> => {
      const instance = instances.get(id) as Instance
      instance.actor.send(ticketEvent(number))
      await save(pool, id, instance)
      statements++
    }

    return {
      create: async (count) => {
        const ids = await insertInstances(url, schema, count)
        for (const id of ids) instances.set(id, { actor: createActor(turnstile).start(), version: 0 })
        return ids
      },
      drive: (ids, events) => sendOneByOne(ids, events, send),
      readApplied: (ids) =>
        readNumbers(url, { table: `${schema}.instance`, expression: "snapshot->'context'->>'counter'", ids }),
      get written() {
        return { statements, rows: statements }
      },
      close: async () => {
        await pool.end()
        await dropSchema(url, schema)
      }
    }
  }
}

async function save(pool: pg.Pool, id: string, instance: Instance): Promise<void> {
  const { rowCount } = await pool.query({
    name: 'save_instance',
    text: `update ${schema}.instance set version = version + 1, snapshot = $3 where id = $1 and version = $2`,
    values: [id, instance.version, JSON.stringify(instance.actor.getPersistedSnapshot())]
  })
  if (rowCount !== 1) throw new Error(`somebody else has written instance ${id}`)
  instance.version++
}

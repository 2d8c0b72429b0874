/**
 * A runtime in this process that owns nothing: it makes the schema, spawns and sends.
 */
import { createRuntime } from 'perdure'
import { createSchema, dropSchema } from '../schema.ts'
import { turnstile } from '../turnstile.ts'

export async function openLeaf(url: string, schema: string) {
  await createSchema(url, schema)
  const runtime = createRuntime({ database: url, schema, machines: [turnstile], queues: {} })
  await runtime.migrate()
  await runtime.start()
  return {
    runtime,
    close: async (): Promise<void> => {
      await runtime.stop()
      await dropSchema(url, schema)
    }
  }
}

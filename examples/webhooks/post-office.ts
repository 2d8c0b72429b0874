/**
 * Delivers webhooks to pull requests: one durable machine for each.
 *
 * Owns: a schema of the database, which it makes anew. Does not own: what is delivered, and in which order (deliveries.ts).
 */
import { createRuntime, type SendStatus } from 'perdure'
import type { Sql } from 'postgres'
import type { SnapshotFrom } from 'xstate'
import type { Delivery } from './deliveries.ts'
import { pullRequestMachine, type PullRequest } from './pull-request-machine.ts'

export interface Knowledge extends PullRequest {
  readonly state: SnapshotFrom<typeof pullRequestMachine>['value']
  /** Deliveries that wait for a state that takes them. */
  readonly waiting: number
}

export interface Outcome {
  /** How many deliveries had which answer. */
  readonly answers: Readonly<Record<SendStatus, number>>
  /** What became of each pull request, by its key. */
  readonly pullRequests: Readonly<Record<string, Knowledge>>
}

/** Delivers one after the other; resolves when each is applied, or waits. */
export async function deliverAll(sql: Sql, schema: string, deliveries: readonly Delivery[]): Promise<Outcome> {
  await sql`drop schema if exists ${sql(schema)} cascade`
  // 0: every pull request leaves memory after every delivery, as if weeks lay between them.
  const runtime = createRuntime({ database: sql, schema, machines: [pullRequestMachine], passivateAfter: 0 })
  await runtime.migrate()
  await runtime.start()
  try {
    const answers = { applied: 0, deferred: 0, duplicate: 0, queued: 0 }
    for (const { id, pullRequest, event } of deliveries) {
      const actor = await runtime.spawn(pullRequestMachine, { key: pullRequest, ifExists: 'return' })
      const { status } = await actor.send(event, { dedupKey: id })
      answers[status]++
    }
    const pullRequests: Record<string, Knowledge> = {}
    for (const key of new Set(deliveries.map(({ pullRequest }) => pullRequest))) {
      const actor = await runtime.get(pullRequestMachine, { key })
      const { value, context } = await actor.getSnapshot()
      pullRequests[key] = { ...context, state: value, waiting: await countWaiting(sql, schema, actor.id) }
    }
    return { answers, pullRequests }
  } finally {
    await runtime.stop()
  }
}

async function countWaiting(sql: Sql, schema: string, id: string): Promise<number> {
  const [row] = await sql<[{ waiting: number }]>`
    select count(*)::integer as waiting from ${sql(schema)}.signal where actor_id = ${id}`
  return row.waiting
}

/**
 * The contract of permits.ts on Postgres.
 *
 * Owns: how requests travel. Does not own: SQL (sql/queries/*_permits.sql), connections, retries.
 */
import type { Queryable, Row } from './drivers/driver.ts'
import { AHEAD_MS, type PermitRequest, type PermitResult, type PermitStore, type Slot } from './permits.ts'
import { toDocument } from './postgres-rows.ts'
import type { Queries } from './queries.ts'
import { askUntilTold, runUntilSeen } from './second-looks.ts'

export class PostgresPermits implements PermitStore {
  readonly #driver: Queryable
  readonly #queries: Queries

  constructor(driver: Queryable, queries: Queries) {
    this.#driver = driver
    this.#queries = queries
  }

  take(node: string, requests: readonly PermitRequest[]): Promise<readonly PermitResult[]> {
    return askUntilTold(requests, async (asked) => {
      const document = toDocument(asked, toEntry)
      const rows = await runUntilSeen(() => this.#driver.query(this.#queries.takePermits, [node, document, AHEAD_MS]))
      return rows.map(toResult)
    })
  }

  async release(node: string, slots: readonly Slot[]): Promise<void> {
    const document = toDocument(slots, ({ limit, partition, holder }) => ({ limit_name: limit, partition, holder }))
    await this.#driver.query(this.#queries.releasePermits, [node, document])
  }

  async forget(olderThanMs: number, limit: number): Promise<number> {
    const [row] = await this.#driver.query(this.#queries.forgetPermits, [olderThanMs, limit])
    return row?.['forgotten'] as number
  }
}

function toEntry({ limit, rate, ...rest }: PermitRequest, n: number): object {
  return { n, limit_name: limit, tokens_per_ms: rate?.tokensPerMs ?? null, burst: rate?.burst ?? null, ...rest }
}

/** undefined: not told yet. */
function toResult({ verdict, inMs, retryInMs }: Row): PermitResult | undefined {
  switch (verdict) {
    case 'granted':
      return { kind: 'granted', inMs: inMs as number }
    case 'rate':
      return { kind: 'refused', by: 'rate', retryInMs: retryInMs as number }
    case 'concurrency':
      return { kind: 'refused', by: 'concurrency', retryInMs: null }
    case 'death':
      return { kind: 'refused', by: 'death', retryInMs: null }
    default:
      return undefined
  }
}

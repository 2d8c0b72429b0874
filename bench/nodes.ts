/**
 * The benchmark of many nodes: worker processes on one database.
 *
 * Owns: what is measured, in which order. Does not own: measuring (nodes/), the machine (turnstile.ts).
 *
 * Nodes on one machine share its cores with each other and with Postgres: what more of them bring there says little of
 * machines of their own, and that none of them stands in another's way says much.
 */
import type { Load } from './arguments.ts'
import { describeEnvironment, openServer } from './environment.ts'
import { measureFailover } from './nodes/failover.ts'
import { measureIdle } from './nodes/idle.ts'
import { measureLeafLatency } from './nodes/leaf-latency.ts'
import { printFailover, printIdle, printLeafLatency, printScaling } from './nodes/print.ts'
import { measureScaling } from './nodes/scaling.ts'
import { printEnvironment, writeResults } from './report.ts'

export const nodes = {
  description: 'events/s of 1, 2 and 3 processes, sends from one that owns nothing, fail-over after kill -9, idle cost',

  async run(load: Load): Promise<void> {
    const server = await openServer({ shared_preload_libraries: 'pg_stat_statements' })
    try {
      const environment = await describeEnvironment(server.url)
      printEnvironment(environment)
      const idle = await measureIdle(server.url)
      const scaling = await measureScaling(server.url, load)
      const latency = await measureLeafLatency(server.url)
      const failover = await measureFailover(server.url)

      const { actors, events, rounds } = load
      console.log(`\nThroughput of ${actors} awake actors × ${events} events (medians, rounds: ${rounds})`)
      printScaling(scaling)
      printLeafLatency(latency)
      printFailover(failover)
      printIdle(idle)
      await writeResults('nodes', { environment, load, scaling, latency, failover, idle })
    } finally {
      await server.stop()
    }
  }
}

/**
 * How long actors whose node is killed (`kill -9`) stand still: from the kill to the first effect elsewhere.
 *
 * Invariants
 * 1. The node that is killed has work under way for each of its actors; an effect is that such work begins again.
 * 2. The other node is up, has nothing to do and polls as it does by default.
 * 3. Each kill meets new actors. Who took over is killed next.
 */
import { setTimeout } from 'node:timers/promises'
import { openLeaf } from './leaf.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

export interface Failover {
  readonly actors: number
  /** Until the first of the actors is at work elsewhere. */
  readonly firstMs: readonly number[]
  /** Until all of them are. */
  readonly lastMs: readonly number[]
}

const schema = 'bench_nodes'
const kills = 20
const actors = 100
/** What the node looks for each second is looked for at another moment of the second each time. */
const spreadMs = 1_000

export async function measureFailover(url: string): Promise<Failover> {
  const leaf = await openLeaf(url, schema)
  let owner = await startWorker(url, schema)
  const firstMs: number[] = []
  const lastMs: number[] = []
  try {
    for (let kill = 0; kill < kills; kill++) {
      const heir = await startWorker(url, schema)
      await owner.order({ kind: 'work', actors })
      await heir.order({ kind: 'inherit' })
      await setTimeout((spreadMs * kill) / kills)
      const { first, last } = await measureKill(owner, heir)
      await owner.stop()
      owner = heir
      firstMs.push(first)
      lastMs.push(last)
      console.log(`kill ${kill + 1}  first effect after ${Math.round(first)} ms, last after ${Math.round(last)} ms`)
    }
    return { actors, firstMs, lastMs }
  } finally {
    await owner.stop()
    await leaf.close()
  }
}

function measureKill(
  owner: WorkerProcess,
  heir: WorkerProcess
): Promise<{ readonly first: number; readonly last: number }> {
  return new Promise((resolve) => {
    const taken: number[] = []
    const stop = heir.hear(({ kind }) => {
      if (kind !== 'taken') return
      taken.push(performance.now() - killedAt)
      if (taken.length < actors) return
      stop()
      resolve({ first: taken[0] as number, last: taken.at(-1) as number })
    })
    const killedAt = performance.now()
    owner.kill()
  })
}

/** Clocks of nodes that are wrong: leases and timers go by the database's. */
import { expect, test } from 'vitest'
import type { Member } from './member.ts'
import { AN_HOUR_MS } from './server-faults.ts'
import { expectPeace, openClusterStage } from './stage.ts'

const stage = await openClusterStage()

/** By what each is off, step after step. */
const clocks = { ahead: [AN_HOUR_MS], behind: [-AN_HOUR_MS], stepping: [AN_HOUR_MS, -AN_HOUR_MS, 0] }

test(
  'of nodes whose clocks are wrong no timer is early, none stays away, and no lease is lost',
  { timeout: 60_000 },
  async () => {
    const cluster = await stage.open()
    // Long enough that no pause of a busy machine ends it.
    const options = { lease: 10_000, poll: 500, passivateAfter: 200 } as const
    const nodes: Member[] = []
    for (const [name, steps] of Object.entries(clocks)) {
      const node = await cluster.start(name, options)
      await node.stepClock(...steps)
      nodes.push(node)
    }
    const actors = await Promise.all(nodes.map(async (node) => ({ node, id: await cluster.spawn(node) })))
    for (const ms of [50, 800]) {
      await Promise.all(actors.map(({ node, id }) => cluster.send(node, id, { type: 'nap', n: `${id} ${ms}`, ms })))
      // That none was early is a part of the checks of every run.
      const isOver = ({ id }: { readonly id: string }): boolean =>
        nodes.some((node) => node.effects().some(({ step }) => step === `${id} ${ms}!`))
      await cluster.waitUntil('all are awake', () => actors.every(isOver))
    }
    await expectPeace(cluster)
    expect(nodes.map((node) => node.told('node.joined').length)).toEqual([1, 1, 1])
    expect(nodes.flatMap((node) => [...node.told('node.fenced'), ...node.told('reaper.reaped')])).toEqual([])
  }
)

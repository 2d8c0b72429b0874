/** Plans, as short as they could be made, of runs in which the simulation has found something. Each is mended. */
import type { Plan } from './plan.ts'
import { PLAIN } from './shapes.ts'

const actor = '8a9ed4db-2330-40dd-8693-ca216a12200f'
const node = { skewMs: 0, concurrency: 3, passivateAfterMs: 60, maxResident: 1 }
const ground = {
  seed: 1,
  shape: PLAIN,
  actors: [{ id: actor, key: null }],
  nodes: [node, { ...node, passivateAfterMs: 0 }],
  leaseMs: 2_341,
  pollMs: 1_000,
  lastsMs: 3_436
} satisfies Partial<Plan>

const send = { kind: 'send', actor: 0, line: 0 } as const

export const found: readonly { readonly says: string; readonly plan: Plan }[] = [
  {
    says: 'a row that is given back with an event that came in while nobody knew who had it is looked at by the next owner',
    plan: {
      ...ground,
      steps: [
        { at: 84, kind: 'spawn', node: 0, actor: 0 },
        { at: 1_022, kind: 'fail', node: 1, operation: 'claim', fate: 'mute', ms: 0 },
        { at: 1_077, ...send, node: 1, event: { type: 'add', n: 'e0' }, hasDedupKey: false },
        { at: 2_048, kind: 'stop', node: 1 }
      ]
    }
  },
  {
    says: 'an event that waits and one that the same commit sends to its own actor are not taken for each other',
    plan: {
      ...ground,
      shape: { ...PLAIN, defersWhileBusy: true },
      steps: [
        { at: 84, kind: 'spawn', node: 0, actor: 0 },
        { at: 500, ...send, node: 0, event: { type: 'crew', n: 'e0', ms: 0, count: 0 }, hasDedupKey: true },
        { at: 500, ...send, node: 0, event: { type: 'add', n: 'e1' }, hasDedupKey: true }
      ]
    }
  }
]

/**
 * What happens to a cluster in one run, as data: who is there, what is asked of it, and what goes wrong when.
 *
 * Everything that is left to chance beside the plan (how long a call takes) is drawn for each call by itself, so that a plan with a
 * step left out runs as before up to what that step was about.
 *
 * Owns: drawing a plan from a seed, and telling it to people. Does not own: carrying it out (simulation.ts).
 */
import { seeded, type Random } from '../support/random.ts'
import { uuidOf } from './globals.ts'
import type { LedgerEvent } from './ledger.ts'
import { CHORES, drawShape, type Shape } from './shapes.ts'

export interface Plan {
  readonly seed: number
  readonly shape: Shape
  readonly actors: readonly PlannedActor[]
  readonly nodes: readonly NodeSettings[]
  readonly leaseMs: number
  readonly pollMs: number
  /** Then all faults end. */
  readonly lastsMs: number
  readonly steps: readonly Step[]
}

export interface PlannedActor {
  /** Either of them is its address. */
  readonly id: string | null
  readonly key: string | null
}

export interface NodeSettings {
  readonly skewMs: number
  readonly concurrency: number
  readonly passivateAfterMs: number
  readonly maxResident: number
}

/** What becomes of a call. `refuse`, `abort`: it fails, and does nothing · `cut`: does nothing, and `lose`: does all, and the answer is
 * lost · `hang`: does nothing, and `mute`: does all, and there is no answer · `slow`: does all, late · `kill`: the process ends before it
 * is sent, `killLate`: when it is sent, and it does all, some time. */
export type Fate = 'refuse' | 'abort' | 'cut' | 'lose' | 'hang' | 'mute' | 'slow' | 'kill' | 'killLate'

export type Step = { readonly at: number } & (
  | { readonly kind: 'spawn'; readonly node: number; readonly actor: number }
  | {
      readonly kind: 'send'
      readonly node: number
      readonly actor: number
      readonly line: number
      readonly event: LedgerEvent
      readonly hasDedupKey: boolean
    }
  | { readonly kind: 'cancel'; readonly node: number; readonly actor: number }
  | { readonly kind: 'kill'; readonly node: number }
  | { readonly kind: 'stop'; readonly node: number }
  | { readonly kind: 'freeze'; readonly node: number; readonly forMs: number }
  /** The database takes the node's session for ended; the node learns of it `afterMs` later, or first, where that is negative. */
  | { readonly kind: 'sever'; readonly node: number; readonly afterMs: number }
  /** What others tell it is not heard, or twice. */
  | { readonly kind: 'deafen'; readonly node: number; readonly forMs: number; readonly hears: 0 | 2 }
  /** Of the node's next call of this operation. */
  | {
      readonly kind: 'fail'
      readonly node: number
      readonly operation: string
      readonly fate: Fate
      readonly ms: number
    }
)

/** The operations that calls are made of; an effect is seen by the world. */
const OPERATIONS = [
  'commit',
  'commit',
  'commit',
  'claim',
  'claim',
  'pick',
  'signal',
  'signal',
  'insert',
  'renew',
  'join',
  'inbox',
  'unseen',
  'notify',
  'reap',
  'cancel',
  'effect',
  'effect'
] as const
const FATES: readonly Fate[] = [
  'refuse',
  'abort',
  'cut',
  'lose',
  'lose',
  'hang',
  'mute',
  'slow',
  'slow',
  'kill',
  'killLate'
]

export function drawPlan(seed: number): Plan {
  const random = seeded(seed)
  const lastsMs = 2_000 + random.below(4_000)
  const nodes = Array.from({ length: 2 + random.below(2) }, () => drawNode(random))
  const actors = Array.from({ length: 1 + random.below(4) }, (_, index): PlannedActor =>
    random.below(4) === 0 ? { id: null, key: `key ${index}` } : { id: uuidOf(random), key: null }
  )
  const some = <Kind extends Step>(count: number, draw: (at: number, node: number) => Kind): readonly Kind[] =>
    Array.from({ length: count }, () => draw(random.below(lastsMs), random.below(nodes.length)))
  const spawns = actors.flatMap((_, actor) =>
    some(actors[actor]?.key === null ? 1 : 2, (at, node) => ({ at: at % 300, kind: 'spawn', node, actor }))
  )
  const sends = some(5 + random.below(40), (at, node) => ({ at, node, ...drawSend(random, actors) }))
  const named = sends.map((send, index) => ({ ...send, event: { ...send.event, n: `e${index}` } }))
  const faults = [
    ...some(random.below(12), (at, node) => ({ at, kind: 'fail' as const, node, ...drawFailure(random) })),
    ...some(random.below(3), (at, node) => ({ at, kind: 'kill' as const, node })),
    ...some(random.below(3), (at, node) => ({ at, kind: 'freeze' as const, node, forMs: drawPause(random) })),
    ...some(random.below(2), (at, node) => ({ at, kind: 'sever' as const, node, afterMs: random.below(600) - 100 })),
    ...some(random.below(3), (at, node) => ({
      at,
      kind: 'deafen' as const,
      node,
      forMs: random.below(2_000),
      hears: random.of([0, 2] as const)
    })),
    ...some(random.below(4) === 0 ? 1 : 0, (at, node) => ({ at, kind: 'stop' as const, node })),
    ...some(random.below(4) === 0 ? 1 : 0, (at, node) => ({
      at,
      kind: 'cancel' as const,
      node,
      actor: random.below(actors.length)
    }))
  ]
  return {
    seed,
    shape: drawShape(random),
    actors,
    nodes,
    leaseMs: 1_000 + random.below(1_500),
    pollMs: random.of([300, 1_000]),
    lastsMs,
    steps: [...spawns, ...named, ...faults].toSorted((a, b) => a.at - b.at)
  }
}

function drawNode(random: Random): NodeSettings {
  return {
    skewMs: random.below(4) === 0 ? random.below(7_200_000) - 3_600_000 : 0,
    concurrency: random.of([1, 3, 20]),
    passivateAfterMs: random.of([0, 0, 60, 400, 10_000]),
    maxResident: random.of([1, 3, 100])
  }
}

function drawSend(random: Random, actors: readonly PlannedActor[]) {
  const target = actors[random.below(actors.length)] as PlannedActor
  return {
    kind: 'send' as const,
    actor: random.below(actors.length),
    line: random.below(3),
    event: drawEvent(random, target.id ?? { key: target.key as string }),
    hasDedupKey: random.below(4) > 0
  }
}

function drawEvent(random: Random, to: LedgerTarget): LedgerEvent {
  const chance = random.below(100)
  const n = ''
  if (chance < 45) return { type: 'add', n }
  if (chance < 80) return { type: random.of(CHORES), n, ms: random.below(300), count: random.below(4) }
  if (chance < 92) return { type: 'pass', n, to }
  return chance < 98 ? { type: 'fire', n } : { type: 'close', n }
}

type LedgerTarget = Extract<LedgerEvent, { type: 'pass' }>['to']

function drawFailure(random: Random): { readonly operation: string; readonly fate: Fate; readonly ms: number } {
  return { operation: random.of(OPERATIONS), fate: random.of(FATES), ms: random.of([30, 300, 1_200, 3_000]) }
}

/** Beyond a lease, or not. */
function drawPause(random: Random): number {
  return random.of([20, 200, 1_000, 3_000]) + random.below(500)
}

/** For people. */
export function describePlan({ seed, shape, nodes, actors, leaseMs, pollMs, lastsMs, steps }: Plan): readonly string[] {
  const addresses = actors.map(({ id, key }) => key ?? id)
  return [
    `seed ${seed}, lease ${leaseMs} ms, poll ${pollMs} ms, faults until ${lastsMs} ms`,
    `shape ${JSON.stringify(shape)}`,
    ...nodes.map((node, index) => `node ${index} ${JSON.stringify(node)}`),
    ...addresses.map((address, index) => `actor ${index} ${JSON.stringify(address)}`),
    ...steps.map(({ at, kind, ...rest }) => `${String(at).padStart(5)} ${kind} ${JSON.stringify(rest)}`)
  ]
}

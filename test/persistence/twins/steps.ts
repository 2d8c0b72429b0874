/**
 * What may be asked of a store, drawn at random: steps that name actors, nodes and keys by number, so that they mean something
 * in any order and with any of them left out.
 *
 * Owns: what is drawn. Does not own: what a number stands for (pair.ts).
 */
import fc from 'fast-check'

export interface SpawnDraw {
  readonly machine: number
  readonly queue: number
  readonly key: number | null
  readonly keyScope: number
  readonly partition: number | null
  readonly priority: number
  /** Whether it is born leased, and by which node. */
  readonly owner: number | null
  readonly start: 'at once' | 'was due' | 'in an hour' | 'in 2100'
}

export interface JoinDraw {
  readonly total: number
  readonly need: number | null
  readonly concurrency: number | null
}

export interface OutDraw {
  readonly children: readonly SpawnDraw[]
  readonly join: JoinDraw | null
  /** To an actor, or to whoever has a key. */
  readonly messages: readonly { readonly to: number; readonly byKey: boolean }[]
  /** Cancels all sessions that it has, or none. */
  readonly cancels: boolean
}

export interface CommitDraw {
  readonly actor: number
  readonly kind: 'transition' | 'acknowledgement' | 'end' | 'retry' | 'park'
  readonly isOfWrongVersion: boolean
  readonly status: 'waiting' | 'running' | 'ready'
  readonly end: 'done' | 'failed' | 'stopped'
  readonly journal: 'none' | 'kept' | 'kept with the snapshot before'
  readonly timer: 'none' | 'due' | 'in 2100'
  readonly deferred: readonly (number | null)[]
  readonly dedupKeys: readonly number[]
  /** Of its inbox: one in so many. */
  readonly consumesEvery: number
  readonly hasSeenAll: boolean
  readonly release: boolean
  readonly retryInMs: number
  readonly out: OutDraw | null
}

export type Step =
  | { readonly do: 'insert'; readonly actors: readonly SpawnDraw[] }
  | {
      readonly do: 'signal'
      readonly signals: readonly { readonly to: number; readonly key: number | null; readonly machine: number | null }[]
    }
  | { readonly do: 'claim'; readonly node: number; readonly actors: readonly number[] }
  | {
      readonly do: 'pick'
      readonly node: number
      readonly queue: number
      readonly knows: number
    }
  | { readonly do: 'commit'; readonly stranger: number | null; readonly commits: readonly CommitDraw[] }
  | { readonly do: 'cancel'; readonly actor: number; readonly hasReason: boolean }
  | { readonly do: 'retry'; readonly actor: number }
  | { readonly do: 'reap'; readonly node: number }
  | { readonly do: 'die' | 'leave in order' | 'leave at once'; readonly node: number }
  | { readonly do: 'forget keys' | 'collect' }

export const COUNTS = { machines: 3, queues: 2, keys: 3, scopes: 4, partitions: 2, nodes: 3, dedupKeys: 12 } as const

const below = (count: number) => fc.nat(count - 1)
const anyActor = fc.nat(30)
const node = below(COUNTS.nodes)
const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
const seldomSome = <T>(some: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some })

const rarely = <T>(some: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some })

const spawnDraw: fc.Arbitrary<SpawnDraw> = fc.record({
  machine: below(COUNTS.machines),
  queue: below(COUNTS.queues),
  key: seldomSome(below(COUNTS.keys)),
  keyScope: below(COUNTS.scopes),
  partition: seldomSome(below(COUNTS.partitions)),
  priority: fc.integer({ min: -3, max: 3 }),
  owner: fc.option(node, { freq: 2 }),
  start: fc.oneof(
    { weight: 7, arbitrary: fc.constant('at once' as const) },
    { weight: 3, arbitrary: fc.constantFrom('was due', 'in an hour', 'in 2100') }
  )
})

const outDraw: fc.Arbitrary<OutDraw> = fc.record({
  children: fc.array(spawnDraw, { maxLength: 2 }),
  join: fc.option(
    fc.record({
      total: fc.nat(3),
      need: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 2 }),
      concurrency: fc.option(fc.integer({ min: 1, max: 2 }), { freq: 2 })
    })
  ),
  messages: fc.array(fc.record({ to: anyActor, byKey: seldom }), { maxLength: 3 }),
  cancels: seldom
})

const commitDraw: fc.Arbitrary<CommitDraw> = fc.record({
  actor: anyActor,
  kind: fc.constantFrom(
    ...(['transition', 'transition', 'transition', 'transition', 'acknowledgement', 'acknowledgement'] as const),
    ...(['end', 'end', 'retry', 'park'] as const)
  ),
  isOfWrongVersion: fc.nat(15).map((n) => n === 15),
  status: fc.constantFrom('waiting', 'waiting', 'running', 'ready'),
  end: fc.constantFrom('done', 'failed', 'stopped'),
  journal: fc.constantFrom('none', 'kept', 'kept with the snapshot before'),
  timer: fc.constantFrom('none', 'due', 'in 2100'),
  deferred: fc.array(fc.option(below(COUNTS.dedupKeys), { freq: 2 }), { maxLength: 2 }),
  dedupKeys: seldomSome(below(COUNTS.dedupKeys)).map((key) => (key === null ? [] : [key])),
  consumesEvery: fc.integer({ min: 1, max: 3 }),
  hasSeenAll: fc.boolean(),
  release: fc.boolean(),
  retryInMs: fc.constantFrom(0, 3_600_000),
  out: fc.option(outDraw, { freq: 2 })
})

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      actors: fc.array(spawnDraw, { minLength: 1, maxLength: 3 })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('signal' as const),
      signals: fc.array(
        fc.record({
          to: anyActor,
          key: fc.option(below(COUNTS.dedupKeys), { freq: 2 }),
          machine: seldomSome(below(COUNTS.machines))
        }),
        { minLength: 1, maxLength: 4 }
      )
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      node,
      actors: fc.uniqueArray(anyActor, { minLength: 1, maxLength: 4 })
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pick' as const),
      node,
      queue: below(COUNTS.queues),
      knows: fc.oneof(fc.constant(2 ** COUNTS.machines - 1), fc.integer({ min: 1, max: 2 ** COUNTS.machines - 1 }))
    })
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      stranger: rarely(node),
      commits: fc.array(commitDraw, { minLength: 1, maxLength: 4 })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('cancel' as const), actor: anyActor, hasReason: fc.boolean() })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), actor: anyActor }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reap' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('die', 'leave in order', 'leave at once'), node })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('forget keys', 'collect') }) }
)

export const steps = fc.array(step, { minLength: 1, maxLength: 100, size: 'max' })

/**
 * Bugs that are planted, one at a time, to check the checker: each breaks one promise, and is to be found.
 *
 * Owns: putting them around the store, or into a class of the engine, for the length of a run, from outside: src knows nothing of them.
 */
import { Incarnation } from '../../src/actors/incarnation.ts'
import type { ClaimedRow, Commit, Pick, Store } from '../../src/persistence/store.ts'

export interface Bug {
  readonly name: string
  /** `now`: the database's clock. */
  readonly inStore?: (store: Store, now: () => number) => Store
  /** Puts it in place; answers what puts it back. */
  readonly inCode?: () => () => void
}

export const bugs: readonly Bug[] = [
  { name: 'effects before commit', inCode: performAtOnce },
  { name: 'compare-and-set without the owner', inStore: commitForAnybody },
  {
    name: 'no guard for wake-ups',
    inStore: (store) => changeCommits(store, (commit) => (commit.release ? { ...commit, inboxSeen: MAX_SEQ } : commit))
  },
  {
    name: 'dedup keys forgotten at consumption',
    inStore: (store) => changeCommits(store, (commit) => ({ ...commit, dedupKeys: [] }))
  },
  { name: 'timers re-armed in full', inStore: rearmTimers }
]

/** Above every arrival number. */
const MAX_SEQ = Number.MAX_SAFE_INTEGER

/** A turn's effects run with it, and are not run again when it is committed. */
function performAtOnce(): () => void {
  const { run, perform } = Incarnation.prototype
  const performed = new WeakSet<object>()
  Incarnation.prototype.run = function (this: Incarnation, ...args) {
    const outcome = run.apply(this, args)
    performed.add(outcome.turn.effects)
    perform.call(this, outcome.turn.effects)
    return outcome
  }
  Incarnation.prototype.perform = function (this: Incarnation, effects) {
    return performed.has(effects) ? [] : perform.call(this, effects)
  }
  return () => Object.assign(Incarnation.prototype, { run, perform })
}

/** Whoever has the right version writes. */
function commitForAnybody(store: Store): Store {
  return replace(store, {
    commit: async (node, commits) => {
      const results = []
      for (const commit of commits) {
        const [row] = await store.read([commit.id])
        if (row?.owner === null) await store.claim(node, [commit.id])
        results.push(...(await store.commit(row?.owner ?? node, [commit])))
      }
      return results
    }
  })
}

/** Who takes up an actor begins to count its delays anew. */
function rearmTimers(store: Store, now: () => number): Store {
  const rearm = (row: ClaimedRow): ClaimedRow => {
    if (row.snapshot === null || row.timerAt === null) return row
    const { context } = JSON.parse(row.snapshot) as { context: { busy?: { ms: number }; errand?: { ms: number } } }
    const dueAt = now() + (context.busy ?? context.errand ?? { ms: 0 }).ms
    return { ...row, timerAt: dueAt, snapshot: row.snapshot.replace(/"dueAt":[\d.]+/g, `"dueAt":${dueAt}`) }
  }
  return replace(store, {
    claim: async (node, ids) =>
      (await store.claim(node, ids)).map((result) =>
        result.kind === 'claimed' ? { ...result, row: rearm(result.row) } : result
      ),
    pick: async (pick: Pick) => {
      const picked = await store.pick(pick)
      return { ...picked, rows: picked.rows.map(rearm) }
    }
  })
}

function changeCommits(store: Store, change: (commit: Commit) => Commit): Store {
  return replace(store, { commit: (node, commits) => store.commit(node, commits.map(change)) })
}

function replace(store: Store, others: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value = (Reflect.get(others, name) ?? Reflect.get(target, name, target)) as unknown
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    }
  })
}

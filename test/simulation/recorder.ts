/**
 * The store, with a memory of every transition that it has written and of every message that a commit has sent: what a trigger does
 * for the cluster tests.
 *
 * Owns: the past, and telling how the rows stand. Does not own: the rows; who asked for what (simulation.ts).
 *
 * Invariant
 * 1. It goes by the rows before and after, not by what the store answers.
 */
import type { ActorRow, Commit as StoreCommit, CommitResult, NewActor, Store } from '../../src/persistence/store.ts'
import { isTerminal } from '../../src/persistence/store.ts'
import type { ActorState, Commit, NamedEvent, SendRecord } from '../support/run.ts'
import type { LedgerContext } from './ledger.ts'
import type { World } from './world.ts'

export interface RecordedState extends ActorState {
  readonly key: string | null
  readonly machine: string
  readonly parent: string | null
  readonly context: LedgerContext | null
}

interface Stored {
  readonly value: unknown
  readonly context: LedgerContext
}

export class Recorder {
  readonly #store: Store
  readonly #world: World
  readonly #beginsAt: number
  readonly #ids = new Set<string>()
  readonly commits: Commit[] = []
  readonly messages: SendRecord[] = []
  /** Writes by a node that had not the lease. */
  readonly intrusions: { readonly actor: string; readonly version: number }[] = []

  constructor(store: Store, world: World, beginsAt: number) {
    this.#store = store
    this.#world = world
    this.#beginsAt = beginsAt
  }

  /** The store, recorded. */
  wrap(): Store {
    const insert = (actors: readonly NewActor[]) => {
      for (const { id } of actors) this.#ids.add(id)
      return this.#store.insert(actors)
    }
    const commit = (node: string, commits: readonly StoreCommit[]) => this.#commit(node, commits)
    const others: Partial<Store> = { insert, commit }
    return new Proxy(this.#store, {
      get: (store, name) => {
        const value = (Reflect.get(others, name) ?? Reflect.get(store, name, store)) as unknown
        return typeof value === 'function' ? (value as () => unknown).bind(store) : value
      }
    })
  }

  async states(): Promise<readonly RecordedState[]> {
    const ids = [...this.#ids]
    const rows = await this.#store.read(ids)
    const inboxes = await Promise.all(ids.map((id) => this.#store.inbox(id, 0)))
    return rows.flatMap((row, index) => (row === null ? [] : [stateOf(row, inboxes[index] ?? [])]))
  }

  async #commit(node: string, commits: readonly StoreCommit[]): Promise<readonly CommitResult[]> {
    const ids = commits.map(({ id }) => id)
    const before = await this.#store.read(ids)
    const at = this.#world.moment()
    const results = await this.#store.commit(node, commits)
    const after = await this.#store.read(ids)
    for (const [index, commit] of commits.entries()) {
      this.#world.tell(`${commit.id} on ${commit.version} release ${commit.release}: ${JSON.stringify(results[index])}`)
      const [old, row] = [before[index], after[index]]
      if (!old || !row) continue
      if (results[index]?.kind === 'committed' && old.owner !== node)
        this.intrusions.push({ actor: row.id, version: row.version })
      this.#note(node, commit, results[index] as CommitResult)
      if (row.version === old.version && row.snapshot === old.snapshot) continue
      const { context } = readSnapshot(row) as Stored
      const now = this.#world.now
      const of = context.busy?.type === 'nap' ? context.busy.n : null
      const owner = old.owner === node ? node : null
      const timer = { of, dueAt: row.timerAt === null ? null : row.timerAt - this.#beginsAt, now }
      this.commits.push({ actor: row.id, version: row.version, owner, at, taken: context.taken, timer })
      this.#world.tell(`${row.id} is at version ${row.version}: ${context.taken.join(' ')}`)
    }
    return results
  }

  #note(node: string, { id, outgoing }: StoreCommit, result: CommitResult): void {
    if (outgoing === undefined || result.kind !== 'committed') return
    for (const { id: child } of outgoing.births) this.#ids.add(child)
    const undelivered = (result.outgoing?.undelivered ?? []).map(({ to }) => JSON.stringify(to))
    for (const { to, event } of outgoing.messages) {
      const isThere = !undelivered.includes(JSON.stringify(to))
      this.messages.push({
        by: id,
        actor: 'id' in to ? to.id : to.key,
        event: JSON.parse(event) as NamedEvent,
        order: this.messages.length,
        outcome: isThere ? { kind: 'ok', answer: 'queued' } : { kind: 'refused', error: 'UndeliveredError' },
        askedAt: this.#world.now,
        answeredAt: this.#world.now
      })
    }
    this.#world.tell(`${id} reaches ${outgoing.messages.length} and bears ${outgoing.births.length} from ${node}`)
  }
}

function readSnapshot({ snapshot }: ActorRow): Stored | null {
  return snapshot === null ? null : (JSON.parse(snapshot) as Stored)
}

function stateOf(row: ActorRow, signals: readonly { readonly event: string }[]): RecordedState {
  const stored = readSnapshot(row)
  return {
    actor: row.id,
    key: row.key,
    machine: row.machine,
    parent: row.parent?.id ?? null,
    status: row.status,
    version: row.version,
    value: stored?.value ?? null,
    context: stored?.context ?? null,
    inbox: signals.flatMap(({ event }) => (JSON.parse(event) as Partial<NamedEvent>).n ?? []),
    left: findLeft(row, stored)
  }
}

function findLeft({ status, journal, owner, wakeAt, timerAt }: ActorRow, stored: Stored | null): string | null {
  if (isTerminal(status) || status === 'parked') return null
  if (status !== 'waiting') return `is ${status}`
  if (journal !== null) return 'has effects that are not acknowledged'
  if ((owner === null ? wakeAt : timerAt) !== null) return 'waits for a time'
  return stored?.context.busy ? `is busy with '${stored.context.busy.n}'` : null
}

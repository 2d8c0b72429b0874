/**
 * What every rule of the conformance suite stands on: the store under test, a living node, and short ways to bring an
 * actor into the state that a rule is about.
 */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type {
  Locked,
  ActorRow,
  ClaimedRow,
  ClaimResult,
  Commit,
  CommitResult,
  InsertResult,
  Lease,
  NewActor,
  SignalResult,
  Store
} from '../../../src/persistence/store.ts'
import { LIVE_STATUSES } from '../../../src/persistence/store.ts'
import type { OpenStore } from '../store-conformance.ts'

export const HOUR_MS = 3_600_000
export const LONG_AGO = Date.UTC(2020, 0, 1)
const INBOX_LIMIT = 1_000

/** The machine of `newActor`, as a picker names it. */
export const MACHINES = [{ name: 'order', version: null }]

export const uniqueId = (): string => randomUUID()

/** An actor that nobody owns and that is to run at once. */
export function newActor(fields: Partial<NewActor> = {}): NewActor {
  return {
    id: uniqueId(),
    machine: 'order',
    machineVersion: null,
    key: null,
    keyScope: LIVE_STATUSES,
    queue: 'default',
    priority: 0,
    partitionKey: null,
    input: null,
    owner: null,
    startAt: null,
    startInMs: null,
    parent: null,
    ...fields
  }
}

/** A commit that only acknowledges: no transition, the lease kept. */
export function acknowledgement(of: { id: string; version: number }, fields: Partial<Commit> = {}): Commit {
  return {
    id: of.id,
    version: of.version,
    snapshot: null,
    status: 'waiting',
    output: null,
    lastError: null,
    journal: null,
    journalNeedsBefore: false,
    timerAt: null,
    deferred: [],
    consumed: [],
    dedupKeys: [],
    inboxSeen: 0,
    release: false,
    retryInMs: null,
    ...fields
  }
}

/** A commit of a transition that leaves the actor awake and waiting. */
export function transition(of: { id: string; version: number }, fields: Partial<Commit> = {}): Commit {
  return acknowledgement(of, { snapshot: `{"turn":${of.version + 1}}`, ...fields })
}

export class World {
  /** A node that lives on `store` as long as the suite runs. */
  readonly node = uniqueId()
  #opened: OpenStore | undefined
  #lease: Lease | undefined
  #second: Promise<Store> | undefined
  /** Leases of nodes that are dead; their sessions stay until the suite ends. */
  readonly #expired: Lease[] = []

  async open(opened: OpenStore): Promise<void> {
    this.#opened = opened
    this.#lease = await this.store.join(this.node, 'suite', HOUR_MS)
  }

  async close(): Promise<void> {
    for (const lease of this.#expired) await lease.leave(true)
    await this.#lease?.leave(true)
    await this.#opened?.close()
  }

  get store(): Store {
    if (this.#opened === undefined) throw new Error('the store is not open yet')
    return this.#opened.store
  }

  get lease(): Lease {
    if (this.#lease === undefined) throw new Error('the node has not joined yet')
    return this.#lease
  }

  /** The same rows through another store, where the implementation allows two. */
  async second(skip: (reason: string) => never): Promise<Store> {
    return (await this.#openSecond()) ?? skip('this store can be opened only once')
  }

  /** Deals out stores for calls that race: the n-th call goes through another one than its neighbours, if there are two. */
  async dealStores(): Promise<(n: number) => Store> {
    const stores = [this.store, (await this.#openSecond()) ?? this.store] as const
    return (n) => (n % 2 === 0 ? stores[0] : stores[1])
  }

  /** Lets the store's clock move on; one that cannot be moved moves by itself. */
  async passTime(): Promise<void> {
    await this.#opened?.advance?.(1)
  }

  /** A node that did `work` while it lived, and whose lease ran out then. */
  async deadNode(work: (node: string) => Promise<unknown> = async () => undefined): Promise<string> {
    const node = uniqueId()
    this.#expired.push(await this.store.join(node, 'dead', HOUR_MS))
    await work(node)
    await this.#opened?.expire(node)
    return node
  }

  async insert(fields: Partial<NewActor> = {}): Promise<NewActor> {
    const actor = newActor(fields)
    expect(await this.insertOne(actor)).toEqual({ kind: 'inserted' })
    return actor
  }

  /** Owned by the suite's node, one transition behind it, waiting. */
  async awake(fields: Partial<NewActor> = {}): Promise<{ id: string; version: number }> {
    const { id } = await this.insert({ owner: this.node, ...fields })
    await this.commit(transition({ id, version: 0 }))
    return { id, version: 1 }
  }

  /** Owned by nobody, one transition behind it, waiting. */
  async asleep(commit: Partial<Commit> = {}, fields: Partial<NewActor> = {}): Promise<{ id: string; version: number }> {
    const { id } = await this.insert({ owner: this.node, ...fields })
    const result = await this.commit(transition({ id, version: 0 }, { release: true, ...commit }))
    expect(result).toMatchObject({ kind: 'committed', released: true })
    return { id, version: 1 }
  }

  /** Ended with the given status. */
  async ended(status: 'done' | 'failed' | 'stopped', fields: Partial<NewActor> = {}): Promise<string> {
    const { id } = await this.insert({ owner: this.node, ...fields })
    await this.commit(transition({ id, version: 0 }, { status }))
    return id
  }

  async insertOne(actor: NewActor): Promise<InsertResult> {
    return told(await this.store.insert([actor]))
  }

  async claim(id: string, node = this.node): Promise<ClaimResult> {
    return told(await this.store.claim(node, [id]))
  }

  /** Claims a row that is to be had. */
  async take(id: string, node = this.node): Promise<ClaimedRow> {
    const result = await this.claim(id, node)
    if (result.kind !== 'claimed') throw new Error(`the row is not to be had: ${JSON.stringify(result)}`)
    return result.row
  }

  async commit(commit: Commit, node = this.node): Promise<CommitResult> {
    return only(await this.store.commit(node, [commit]))
  }

  async signal(actorId: string, event = '{"type":"go"}', dedupKey: string | null = null): Promise<SignalResult> {
    return told(await this.store.signal([{ actorId, machine: null, event, dedupKey }], INBOX_LIMIT))
  }

  /** Sends a signal that is accepted; answers its arrival number. */
  async queue(actorId: string, event?: string, dedupKey?: string): Promise<number> {
    const result = await this.signal(actorId, event, dedupKey)
    if (result.kind !== 'queued') throw new Error(`the signal was not queued: ${JSON.stringify(result)}`)
    return result.seq
  }

  async row(id: string): Promise<ActorRow> {
    const row = only(await this.store.read([id]))
    if (row === null) throw new Error(`no row ${id}`)
    return row
  }

  async inboxEvents(id: string): Promise<string[]> {
    return (await this.store.inbox(id, 0)).map((signal) => signal.event)
  }

  async findKey(key: string): Promise<string | null> {
    return only(await this.store.findKeys([key]))
  }

  async pickAll(queue: string, limit = 100): Promise<string[]> {
    const { rows } = await this.store.pick({ node: this.node, queue, machines: MACHINES, limit })
    return rows.map((row) => row.id)
  }

  /** Reaps until nothing dead is left; answers the nodes that were found dead. */
  async reapAll(): Promise<string[]> {
    const found: string[] = []
    for (;;) {
      const { nodes, actors } = await this.store.reap(this.node, 1_000)
      found.push(...nodes)
      if (nodes.length === 0 && actors === 0) return found
    }
  }

  async #openSecond(): Promise<Store | undefined> {
    this.#second ??= this.#opened?.second?.()
    return this.#second
  }
}

function only<T>(answers: readonly T[]): T {
  expect(answers).toHaveLength(1)
  return answers[0] as T
}

/** The one answer, of a row that nobody keeps locked. */
function told<Answer extends { readonly kind: string }>(answers: readonly (Answer | Locked)[]): Answer {
  const answer = only(answers)
  if (answer.kind === 'locked') throw new Error('the row is locked')
  return answer as Answer
}

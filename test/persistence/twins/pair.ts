/**
 * Two stores that are asked the same: the one in memory, and a real one. Every answer, and every row after it, must be the same.
 *
 * Owns: asking both, and the nodes. Does not own: what is drawn (steps.ts), what it stands for (cast.ts), what is the
 * same (comparable.ts).
 */
import { isDeepStrictEqual } from 'node:util'
import type { MemoryStore } from '../../../src/persistence/memory-store.ts'
import { STOP_CHILD } from '../../../src/persistence/outgoing.ts'
import type { Commit, Lease, Store } from '../../../src/persistence/store.ts'
import { HOUR_MS, uniqueId } from '../conformance/world.ts'
import { Cast, MACHINES } from './cast.ts'
import { comparable, tellDifference } from './comparable.ts'
import { COUNTS, type CommitDraw, type Step } from './steps.ts'

const INBOX_LIMIT = 4
const ALL = 1_000
/** Rows are looked at after each step; what belongs to them, after so many. */
const LOOK_EVERY = 5

export interface Twin {
  readonly store: Store
  now(): number
  /** Ends the lease of a node. */
  expire(node: string): Promise<void>
}

interface Node {
  readonly id: string
  readonly leases: readonly Lease[]
}

export class Pair {
  readonly #memory: Twin & { readonly store: MemoryStore }
  readonly #real: Twin
  readonly #nodes: Node[] = []
  /** Of nodes that are dead: their sessions stay until the end. */
  readonly #expired: Lease[] = []
  readonly #cast: Cast
  #taken = 0

  constructor(memory: Twin & { readonly store: MemoryStore }, real: Twin) {
    this.#memory = memory
    this.#real = real
    this.#cast = new Cast(memory.store)
  }

  async open(): Promise<void> {
    for (let slot = 0; slot < COUNTS.nodes; slot++) this.#nodes.push(await this.#join())
  }

  async close(): Promise<void> {
    for (const lease of [...this.#expired, ...this.#nodes.flatMap(({ leases }) => leases)]) await lease.leave(true)
  }

  /** Asks both, and compares what they say and what they hold after it. */
  async take(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#take(step)
    await this.#compareAll()
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'insert': {
        const actors = step.actors.map((draw) =>
          this.#cast.newActor(draw, draw.owner === null ? null : this.#node(draw.owner))
        )
        await this.#ask((store) => store.insert(actors))
        break
      }
      case 'signal': {
        const signals = step.signals.map(({ to, key, machine }) => ({
          actorId: this.#cast.idOf(to),
          machine: machine === null ? null : (MACHINES[machine]?.name as string),
          event: this.#cast.newEvent(),
          dedupKey: key === null ? null : `dedup ${key}`
        }))
        await this.#ask((store) => store.signal(signals, INBOX_LIMIT))
        break
      }
      case 'claim': {
        const ids = [...new Set(step.actors.map((actor) => this.#cast.idOf(actor)))]
        await this.#ask((store) => store.claim(this.#node(step.node), ids))
        break
      }
      case 'pick': {
        const machines = MACHINES.filter((_, index) => step.knows & (1 << index))
        const pick = { node: this.#node(step.node), queue: `queue ${step.queue}`, machines, limit: ALL }
        await this.#ask((store) => store.pick(pick))
        break
      }
      case 'commit':
        await this.#commit(step.commits, step.stranger === null ? null : this.#node(step.stranger))
        break
      case 'cancel': {
        const reason = step.hasReason ? '"why"' : null
        await this.#ask((store) => store.cancel({ id: this.#cast.idOf(step.actor), request: STOP_CHILD, reason }))
        break
      }
      case 'retry':
        await this.#ask((store) => store.retry(this.#cast.idOf(step.actor)))
        break
      case 'reap':
        await this.#ask((store) => store.reap(this.#node(step.node), ALL))
        break
      case 'forget keys':
        await this.#ask((store) => store.purgeDedup(-HOUR_MS, ALL))
        break
      case 'collect':
        await this.#ask((store) => store.collect([{ machine: 'order', retentionMs: -HOUR_MS }], ALL))
        break
      default:
        await this.#end(step.do, step.node)
    }
    await this.#ask((store) => store.read(this.#cast.ids))
    if (++this.#taken % LOOK_EVERY === 0) await this.#compareAll()
  }

  async #end(how: 'die' | 'leave in order' | 'leave at once', slot: number): Promise<void> {
    const { id, leases } = this.#nodes[slot] as Node
    if (how === 'die') {
      for (const twin of [this.#memory, this.#real]) await twin.expire(id)
      this.#expired.push(...leases)
    } else {
      for (const lease of leases) await lease.leave(how === 'leave in order')
      // Who leaves a database may free the rows of other dead nodes with its own.
      for (const { store } of [this.#memory, this.#real]) await store.reap(this.#node((slot + 1) % COUNTS.nodes), ALL)
    }
    this.#nodes[slot] = await this.#join()
  }

  async #join(): Promise<Node> {
    const id = uniqueId()
    const leases = []
    for (const { store } of [this.#memory, this.#real]) leases.push(await store.join(id, 'twin', HOUR_MS))
    return { id, leases }
  }

  async #commit(draws: readonly CommitDraw[], stranger: string | null): Promise<void> {
    const drawn = await this.#cast.newCommits(draws, stranger)
    if (drawn === null) return
    const { node, commits } = drawn
    // What commits of one batch do to each other is in no order that is promised.
    const batches = commits.some(({ outgoing }) => outgoing) ? commits.map((commit) => [commit]) : [commits]
    for (const batch of batches) {
      const results = await this.#ask((store) => store.commit(node, batch))
      for (const [index, result] of results.entries()) this.#cast.note(batch[index] as Commit, result)
    }
  }

  #node(slot: number): string {
    return (this.#nodes[slot] as Node).id
  }

  async #ask<Answer>(ask: (store: Store) => Promise<Answer>): Promise<Answer> {
    const answer = await ask(this.#memory.store)
    const other = await ask(this.#real.store)
    const [inMemory, inDatabase] = [comparable(answer, this.#memory.now()), comparable(other, this.#real.now())]
    if (!isDeepStrictEqual(inMemory, inDatabase)) throw new Error(tellDifference(inMemory, inDatabase))
    return answer
  }

  async #compareAll(): Promise<void> {
    const ids = this.#cast.ids
    const pairs = ids.flatMap((actorId) =>
      Array.from({ length: COUNTS.dedupKeys }, (_, key) => ({ actorId, dedupKey: `dedup ${key}` }))
    )
    const keys = Array.from({ length: COUNTS.keys }, (_, key) => `key ${key}`)
    await this.#ask(async (store) => Promise.all(ids.map((id) => store.inbox(id, 0))))
    await this.#ask((store) => store.knownDedup(pairs))
    await this.#ask((store) => store.findKeys(keys))
    for (const { id } of this.#nodes) {
      await this.#ask(async (store) => (await store.unseen(id, ALL)).toSorted())
      await this.#ask(async (store) => (await store.claimed(id, ALL)).toSorted())
    }
  }
}

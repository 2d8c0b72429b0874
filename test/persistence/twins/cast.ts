/**
 * The actors that a run brings into being, and what the numbers of a step mean for them.
 *
 * Owns: the ids, and what is drawn as an actor, an event or a commit, in the words of the store. Does not own: asking (pair.ts).
 *
 * Each actor has a priority of its own: which of equals comes first is not promised.
 */
import type { MemoryStore } from '../../../src/persistence/memory-store.ts'
import {
  isTerminal,
  LIVE_STATUSES,
  type ActorStatus,
  type Commit,
  type CommitResult,
  type NewActor,
  type NewJoin,
  type Outgoing
} from '../../../src/persistence/store.ts'
import { acknowledgement, HOUR_MS, LONG_AGO, newActor } from '../conformance/world.ts'
import { COUNTS, type CommitDraw, type OutDraw, type SpawnDraw } from './steps.ts'

const IN_2100 = Date.UTC(2100, 0, 1)
export const MACHINES = [
  { name: 'order', version: null },
  { name: 'order', version: '2' },
  { name: 'parcel', version: null }
] as const
const SCOPES: readonly (readonly ActorStatus[])[] = [
  LIVE_STATUSES,
  ['ready', 'running', 'waiting'],
  [...LIVE_STATUSES, 'done'],
  []
]

export interface Known {
  readonly id: string
  /** Sessions under which it has had children. */
  readonly sessions: number[]
  /** The newest arrival number that a commit has called seen. */
  seen: number
}

export class Cast {
  readonly #store: MemoryStore
  readonly #actors: Known[] = []
  #events = 0

  /** `store`: where the rows can be looked at. */
  constructor(store: MemoryStore) {
    this.#store = store
  }

  get ids(): readonly string[] {
    return this.#actors.map(({ id }) => id)
  }

  idOf(actor: number): string {
    return this.#actors[actor % this.#actors.length]?.id ?? '00000000-0000-4000-8000-000000000000'
  }

  /** Each is another, so that none is taken for another. */
  newEvent(): string {
    return `{"n":${++this.#events}}`
  }

  newActor(draw: SpawnDraw, owner: string | null): NewActor {
    const machine = MACHINES[draw.machine] as (typeof MACHINES)[number]
    const serial = this.#actors.length
    const actor = newActor({
      // Later ones have higher ids, as those that go by time do: of two that were born at once the newer is known by that.
      id: `01900000-0000-7000-8000-${String(serial).padStart(12, '0')}`,
      machine: machine.name,
      machineVersion: machine.version,
      queue: `queue ${draw.queue}`,
      key: draw.key === null ? null : `key ${draw.key}`,
      keyScope: SCOPES[draw.keyScope] as readonly ActorStatus[],
      partitionKey: draw.partition === null ? null : `partition ${draw.partition}`,
      priority: draw.priority * 1_000 + serial,
      owner: draw.start === 'at once' ? owner : null,
      startAt: draw.start === 'was due' ? LONG_AGO : draw.start === 'in 2100' ? IN_2100 : null,
      startInMs: draw.start === 'in an hour' ? HOUR_MS : null,
      input: this.newEvent()
    })
    this.#actors.push({ id: actor.id, sessions: [], seen: 0 })
    return actor
  }

  /** One commit each, for actors of one node; `stranger`: of a node that need not own them. */
  async newCommits(
    draws: readonly CommitDraw[],
    stranger: string | null
  ): Promise<{ readonly node: string; readonly commits: readonly Commit[] } | null> {
    const owners = await this.#owners()
    const first = [...owners.keys()][(draws[0]?.actor ?? 0) % Math.max(owners.size, 1)]
    const node = stranger ?? (first && owners.get(first))
    if (!node) return null
    const actors = stranger ? this.#actors : [...owners.keys()].filter((actor) => owners.get(actor) === node)
    const commits = new Map<string, Commit>()
    for (const draw of draws) {
      const actor = actors[draw.actor % actors.length]
      if (actor && !commits.has(actor.id)) commits.set(actor.id, await this.#newCommit(actor, draw))
    }
    return { node, commits: [...commits.values()] }
  }

  note(commit: Commit, result: CommitResult): void {
    const actor = this.#actors.find(({ id }) => id === commit.id)
    if (result.kind === 'committed' && actor) actor.seen = Math.max(actor.seen, commit.inboxSeen)
  }

  /** Of the actors that are leased: by whom. */
  async #owners(): Promise<ReadonlyMap<Known, string>> {
    const rows = await this.#store.read(this.ids)
    const owners = new Map<Known, string>()
    for (const [index, actor] of this.#actors.entries()) {
      const owner = rows[index]?.owner
      if (owner) owners.set(actor, owner)
    }
    return owners
  }

  async #newCommit(actor: Known, draw: CommitDraw): Promise<Commit> {
    const [row] = await this.#store.read([actor.id])
    const inbox = await this.#store.inbox(actor.id, 0)
    const version = row?.version ?? 0
    const kind = version === 0 && draw.kind === 'acknowledgement' ? 'transition' : draw.kind
    const hasTransition = kind === 'transition' || kind === 'end'
    const inboxSeen = draw.hasSeenAll ? (row?.inboxSeq ?? 0) : actor.seen
    const seen = inbox.filter(({ seq }) => seq <= inboxSeen)
    const status = statusOf(kind, draw, version)
    const journal = draw.journal === 'none' || kind === 'end' ? null : '"journal"'
    const isEndOfChild = kind === 'end' && row?.parent != null
    return acknowledgement(
      { id: actor.id, version: draw.isOfWrongVersion ? version + 1 : version },
      {
        status,
        journal,
        inboxSeen,
        snapshot: hasTransition ? `{"turn":${version + 1}}` : null,
        output: status === 'done' ? this.newEvent() : null,
        lastError: status === 'failed' || kind === 'retry' || kind === 'park' ? this.newEvent() : null,
        journalNeedsBefore: journal !== null && draw.journal !== 'kept' && version > 0,
        timerAt: isTerminal(status) || draw.timer === 'none' ? null : draw.timer === 'due' ? LONG_AGO : IN_2100,
        release: draw.release && kind !== 'end',
        retryInMs: kind === 'retry' ? draw.retryInMs : null,
        ...(hasTransition && {
          deferred: draw.deferred.map((key) => ({
            event: this.newEvent(),
            dedupKey: key === null ? null : `dedup ${key}`
          })),
          dedupKeys: draw.dedupKeys
            .map((key) => `dedup ${key}`)
            .filter((key) => !draw.deferred.includes(Number(key.at(-1)))),
          consumed: seen.filter((_, index) => index % draw.consumesEvery === 0).map(({ seq }) => seq)
        }),
        ...(hasTransition &&
          (draw.out || isEndOfChild) && { outgoing: this.#outgoing(actor, draw.out, kind === 'end', isEndOfChild) })
      }
    )
  }

  #outgoing(actor: Known, draw: OutDraw | null, isEnd: boolean, tellsParent: boolean): Outgoing {
    const none = { births: [], joins: [], messages: [], cancels: [], tellsParent }
    if (draw === null) return none
    const cancels = draw.cancels ? [...actor.sessions] : []
    const messages = draw.messages.map(({ to, byKey }) => ({
      to: byKey ? { key: `key ${to % COUNTS.keys}` } : { id: this.idOf(to) },
      event: this.newEvent()
    }))
    if (isEnd) return { ...none, messages, cancels }
    const births: NewActor[] = []
    const bear = (child: SpawnDraw, session: number, index: number | null): void => {
      births.push({ ...this.newActor(child, null), parent: { id: actor.id, session, index } })
    }
    for (const child of draw.children) bear(child, this.#newSession(actor), null)
    const joins: NewJoin[] = []
    if (draw.join) {
      const session = this.#newSession(actor)
      joins.push({ session, ...draw.join })
      const isOverAtOnce = draw.join.total < (draw.join.need ?? 0)
      for (let index = 0; index < draw.join.total && !isOverAtOnce; index++) {
        bear({ ...PLAIN, key: index === 1 ? (draw.children[0]?.key ?? null) : null }, session, index)
      }
    }
    return { births, joins, messages, cancels, tellsParent }
  }

  #newSession(actor: Known): number {
    const session = (actor.sessions.at(-1) ?? 0) + 1
    actor.sessions.push(session)
    return session
  }
}

const PLAIN: SpawnDraw = {
  machine: 0,
  queue: 0,
  key: null,
  keyScope: 0,
  partition: null,
  priority: 0,
  owner: null,
  start: 'at once'
}

function statusOf(kind: CommitDraw['kind'], { status, end }: CommitDraw, version: number): ActorStatus {
  if (kind === 'end') return end
  if (kind === 'park') return 'parked'
  if (kind === 'retry') return 'waiting'
  return version === 0 && kind === 'acknowledgement' ? 'ready' : status
}

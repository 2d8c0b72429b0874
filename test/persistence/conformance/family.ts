/** Short ways to give an actor of the suite children, and to end them. */
import type { Commit, CommitResult, NewActor, NewJoin, Outgoing } from '../../../src/persistence/store.ts'
import { newActor, transition, type World } from './world.ts'

export interface Actor {
  readonly id: string
  readonly version: number
}

export const outgoing = (fields: Partial<Outgoing> = {}): Outgoing => ({
  births: [],
  joins: [],
  messages: [],
  cancels: [],
  tellsParent: false,
  ...fields
})

export const childOf = (parent: Actor, session: number, index: number | null = null, fields: Partial<NewActor> = {}) =>
  newActor({ ...fields, parent: { id: parent.id, session, index } })

export const joinOf = (total: number, fields: Partial<NewJoin> = {}): NewJoin => ({
  session: 1,
  total,
  need: null,
  concurrency: null,
  ...fields
})

export class Family {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  /** The next transition of an actor that the suite's node owns, with what goes out. */
  async go(actor: Actor, out: Partial<Outgoing>, fields: Partial<Commit> = {}): Promise<CommitResult> {
    return this.#world.commit(transition(actor, { outgoing: outgoing(out), ...fields }))
  }

  /** A parent, two transitions behind it, awake, with children under session 1. */
  async withChild(fields: Partial<NewActor> = {}): Promise<{ parent: Actor; child: string }> {
    const parent = await this.#world.awake()
    const child = childOf(parent, 1, null, fields)
    await this.go(parent, { births: [child] })
    return { parent: { id: parent.id, version: 2 }, child: child.id }
  }

  async withJoin(total: number, join: Partial<NewJoin> = {}, fields: Partial<NewActor> = {}) {
    const parent = await this.#world.awake()
    const births = Array.from({ length: total }, (_, index) => childOf(parent, 1, index, fields))
    const result = await this.go(parent, { births, joins: [joinOf(total, join)] })
    return { parent: { id: parent.id, version: 2 }, children: births.map(({ id }) => id), result }
  }

  /** Leases a child, and has it end in its first turn. */
  async end(child: string, status: 'done' | 'failed' | 'stopped' = 'done', fields: Partial<Commit> = {}) {
    const { version } = await this.#world.take(child)
    return this.go({ id: child, version }, { tellsParent: true }, { status, ...fields })
  }

  async statuses(ids: readonly string[]): Promise<string[]> {
    return (await this.#world.store.read(ids)).map((row) => row?.status ?? 'missing')
  }

  /** What a parent was told, in order. */
  async told(id: string): Promise<unknown[]> {
    return (await this.#world.inboxEvents(id)).map((event) => JSON.parse(event) as unknown)
  }
}

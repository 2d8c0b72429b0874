/**
 * Who must be told that something is in an inbox: the actors of this node look into theirs, other nodes are told, pickers look for
 * rows that nobody owns.
 *
 * Owns: telling. Does not own: how nodes tell each other (supervisor/wakes.ts), reading an inbox (actor.ts).
 */
import type { CommittedOutgoing, Store } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Actor } from './actor.ts'
import type { Registry } from './registry.ts'
import type { Strays } from './strays.ts'

/** How many actors with unseen signals one statement tells of. */
const UNSEEN_BATCH = 500
/** How many rows that were leased unheard one look takes. */
const CLAIMED_BATCH = 10_000

export interface PostOptions {
  readonly node: string
  readonly store: Pick<Store, 'unseen' | 'claimed'>
  readonly registry: Registry
  readonly strays: Strays
  readonly telemetry: Telemetry
  /** Rows have come about, or can be had, that some picker should look at. */
  readonly poke: () => void
  /** An actor that another node has was sent something. */
  readonly tellOwner: (node: string, id: string) => void
}

export class Post {
  readonly #options: PostOptions

  constructor(options: PostOptions) {
    this.#options = options
  }

  /** Looks for signals that others have put into the inboxes of this node's actors: of all, so that none hides behind those before it. */
  async look(): Promise<void> {
    const { store, node } = this.#options
    let ids: readonly string[] = []
    do {
      ids = await store.unseen(node, UNSEEN_BATCH, ids.at(-1) ?? null)
      this.heed(ids)
    } while (ids.length === UNSEEN_BATCH)
  }

  /** Takes up rows that this node has leased by a pick whose answer was lost: nothing else would find them while the node lives. */
  async takeBackPicked(): Promise<void> {
    const { store, node, registry, strays } = this.#options
    for (const id of await store.claimed(node, CLAIMED_BATCH)) if (!registry.get(id)) strays.takeBack(id)
  }

  /** Others have put signals into the inboxes of these actors, which are, or were, this node's. */
  heed(ids: readonly string[]): void {
    const { registry, strays } = this.#options
    for (const id of ids) {
      const actor = registry.get(id)
      if (actor) actor.fetchInbox()
      else strays.takeBack(id)
    }
  }

  /** This node has put a signal into an inbox. Its own actor reads that before what is sent to it later. */
  arrived(id: string, owner: string | null): void {
    const { node, registry, strays, poke, tellOwner } = this.#options
    const present = registry.get(id)
    if (owner === null) poke()
    else if (present) present.fetchInbox()
    else if (owner === node) strays.add(id)
    else tellOwner(owner, id)
  }

  /** A commit has reached other rows. */
  reached({ id, registration }: Actor, { owners, wakesRows, undelivered }: CommittedOutgoing): void {
    for (const owner of owners) this.arrived(owner.id, owner.node)
    if (wakesRows) this.#options.poke()
    for (const { to, reason } of undelivered) {
      this.#options.telemetry.emit('message.undelivered', { id, machine: registration.name, to, reason })
    }
  }
}

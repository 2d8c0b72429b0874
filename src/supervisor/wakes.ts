/**
 * What nodes tell each other, so that nobody waits for the next poll: whose inbox has something new, that rows are to be had, that
 * schedules have changed.
 *
 *     tell ──► gathered while a statement is under way ──► one NOTIFY for all ──► hear, on every node
 *
 * Owns: the form of the messages, gathering them, the connection that listens.
 * Does not own: what is done about them (engine.ts, picker.ts, scheduler.ts), polling (node.ts), which finds all that was not heard.
 *
 * Invariants
 * 1. Nothing depends on a message: one that is lost costs time until the next poll, one that is told twice costs a look.
 * 2. After every (re)connection everything is looked at once: what was told before that was not heard.
 */
import * as Effect from 'effect/Effect'
import { Batcher } from '../persistence/group-commit.ts'
import type { Listening, Store } from '../persistence/store.ts'
import { makeLoop } from './loop.ts'
import type { ChildSpec } from './supervisor.ts'

export interface WakesOptions {
  readonly store: Store
  /** The inboxes of these actors, which this node has, have something new. */
  readonly onSignals: (ids: readonly string[]) => void
  /** Rows may be to be had that no node owns. */
  readonly onRows: () => void
  /** A schedule has changed. */
  readonly onSchedules: () => void
  /** Nothing was heard before this moment. */
  readonly onConnected: () => void
  /** This node's id of the moment. */
  readonly node: () => string | null
}

/** `node: null` tells of rows that nobody owns, SCHEDULERS of schedules. `by` is who tells, where that need not hear it. */
interface Message {
  readonly by: string | null
  readonly node: string | null
  readonly ids: readonly string[]
}

/** In the place of a node's id. */
const SCHEDULERS = 'schedulers'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** A message of Postgres holds 8,000 bytes. */
const MAX_IDS = 100
/** How often the connection is looked at, in this process. */
const LOOK_MS = 100

export class Wakes {
  readonly #options: WakesOptions
  readonly #told: Batcher<Told, undefined>
  #listening: Listening | null = null
  /** Another one with each start and each stop. */
  #life = 0

  constructor(options: WakesOptions) {
    this.#options = options
    this.#told = new Batcher({
      name: 'notify',
      lanes: 1,
      maxBatch: 10_000,
      repeatable: true,
      retryForMs: 0,
      run: async (told) => {
        await options.store.notify(toMessages(told, options.node()))
        return told.map(() => undefined)
      }
    })
  }

  /** Tells the node that owns an actor of a signal in its inbox. */
  tellOwner(node: string, id: string): void {
    this.#told.submit({ node, id }, ignore)
  }

  /** Tells every node that rows are to be had. */
  tellPickers(): void {
    this.#told.submit({ node: null, id: null }, ignore)
  }

  /** Tells every node that a schedule has changed. */
  tellSchedulers(): void {
    this.#told.submit({ node: SCHEDULERS, id: null }, ignore)
  }

  /** Resolves when all that was to be told has been sent. */
  whenTold(): Promise<void> {
    return this.#told.whenIdle()
  }

  readonly spec: ChildSpec = {
    name: 'wakes',
    restart: 'permanent',
    start: Effect.suspend(() => {
      this.#life++
      const loop = makeLoop({ name: 'wakes', step: () => this.#listen() })
      const leave = Effect.promise(() => {
        this.#life++
        return this.#end()
      })
      return Effect.addFinalizer(() => leave).pipe(Effect.andThen(loop.spec.start))
    })
  }

  async #listen(): Promise<number> {
    if (this.#listening?.isOpen) return LOOK_MS
    await this.#end()
    const life = this.#life
    const listening = await this.#options.store.listen((message) => this.#hear(message))
    if (life === this.#life) {
      this.#listening = listening
      this.#options.onConnected()
    } else {
      // It came when nobody wanted it any more; whoever has started since then has its own.
      void listening.end().catch(() => undefined)
    }
    return LOOK_MS
  }

  async #end(): Promise<void> {
    const listening = this.#listening
    this.#listening = null
    // A server that has fallen silent answers no goodbye.
    void listening?.end().catch(() => undefined)
  }

  #hear(text: string): void {
    const message = readMessage(text)
    const { node, onSignals, onRows, onSchedules } = this.#options
    if (message === null || (message.by !== null && message.by === node())) return
    if (message.node === null) onRows()
    else if (message.node === SCHEDULERS) onSchedules()
    else if (message.node === node()) onSignals(message.ids)
  }
}

/** An actor that `node` has got something; or, `node: null`, rows are to be had that nobody owns; or schedules have changed. */
export interface Told {
  readonly node: string | null
  readonly id: string | null
}

/** `by`: the node that need not hear them; null: all are to. */
export function toMessages(told: readonly Told[], by: string | null): readonly string[] {
  const idsByNode = new Map<string | null, Set<string>>()
  for (const { node, id } of told) {
    const ids = idsByNode.get(node) ?? new Set()
    idsByNode.set(node, id === null ? ids : ids.add(id))
  }
  return [...idsByNode].flatMap(([node, all]) =>
    inParts([...all], MAX_IDS).map((ids) => JSON.stringify({ by, node, ids } satisfies Message))
  )
}

const ignore = (): void => undefined

const isUuid = (id: unknown): boolean => typeof id === 'string' && UUID.test(id)

/** Anybody may notify on the channel: what is not a message of ours is not heard. */
function readMessage(text: string): Message | null {
  try {
    const message = JSON.parse(text) as Message | null
    return Array.isArray(message?.ids) && message.ids.every(isUuid) ? message : null
  } catch {
    return null
  }
}

/** At least one part. */
function inParts<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts = [items.slice(0, size)]
  for (let start = size; start < items.length; start += size) parts.push(items.slice(start, start + size))
  return parts
}

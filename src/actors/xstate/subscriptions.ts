/**
 * Subscriptions that code of the machine itself holds: `subscribe` and `on` called on an actor of the tree.
 *
 * Owns: who listens to which session. They live as long as the tree is in memory, and are not stored.
 * Does not own: observers from outside (they are the host's), when notices go out (after the commit, as effects).
 */
import type { AnyEventObject } from 'xstate'
import type { LiveActor, LiveObserver, Subscription } from './internals.ts'

export type Notice = 'next' | 'error' | 'complete'
export type EmitHandler = (event: AnyEventObject) => void

interface Listener {
  readonly sessionId: string
  readonly observer?: LiveObserver
  readonly type?: string
  readonly handler?: EmitHandler
}

export class Subscriptions {
  readonly #listeners = new Set<Listener>()
  readonly #known = new Set<string>()

  /** Somebody has observed this session before: its notices are on their way. */
  isKnown(sessionId: string): boolean {
    return this.#known.has(sessionId)
  }

  observe(sessionId: string, observer: LiveObserver): Subscription {
    this.#known.add(sessionId)
    return this.#add({ sessionId, observer })
  }

  on(sessionId: string, type: string, handler: EmitHandler): Subscription {
    return this.#add({ sessionId, type, handler })
  }

  notify(sessionId: string, notice: Notice, value: unknown): void {
    for (const listener of this.#of(sessionId)) {
      if (notice !== 'next') this.#listeners.delete(listener)
      listener.observer?.[notice]?.(value)
    }
  }

  emit(sessionId: string, event: AnyEventObject): void {
    for (const { type, handler } of this.#of(sessionId)) if (type === event.type || type === '*') handler?.(event)
  }

  #of(sessionId: string): readonly Listener[] {
    return [...this.#listeners].filter((listener) => listener.sessionId === sessionId)
  }

  #add(listener: Listener): Subscription {
    this.#listeners.add(listener)
    return { unsubscribe: () => void this.#listeners.delete(listener) }
  }
}

/** XState's own `subscribe`, past the one that holds notices back. */
export function subscribeNatively(actor: LiveActor, observer: LiveObserver): Subscription {
  const { subscribe } = Object.getPrototypeOf(actor) as LiveActor
  return subscribe.call(actor, observer)
}

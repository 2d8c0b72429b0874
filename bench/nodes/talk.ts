/**
 * What the benchmark of many nodes says to its worker processes, and they to it.
 */

/** What a worker is to do; it answers each with `done`, in order. */
export type Order =
  /** Bring so many turnstiles of its own into memory. */
  | { readonly kind: 'create'; readonly actors: number }
  /** Give each of them so many events, the next when the one before is durable. */
  | { readonly kind: 'drive'; readonly events: number }
  /** Begin so many actors whose work never ends in this process. */
  | { readonly kind: 'work'; readonly actors: number }
  /** Work that others have begun ends as soon as it begins here. */
  | { readonly kind: 'inherit' }
  /** Tell of every turn from now on. */
  | { readonly kind: 'tell' }

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly ids: readonly string[] }
  /** A turn was committed here. */
  | { readonly kind: 'turn' }
  /** Work of an actor that another process had begun has begun here. */
  | { readonly kind: 'taken' }

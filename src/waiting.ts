/**
 * Waiting for an actor: for a snapshot that satisfies a predicate, or for its end.
 *
 * Owns: the race between a notice, a timeout and the end of the runtime. Does not own: where notices come from: from the
 * actor itself where it is awake here, else from the watcher.
 *
 * Invariant
 * 1. The subscription comes before the first read: what happens in between is heard.
 * 2. A database that goes away, and comes back, ends no wait.
 */
import type { AnyMachineSnapshot } from 'xstate'
import type { Observers } from './actors/observers.ts'
import {
  ActorNotFoundError,
  LeaseLostError,
  OverloadedError,
  StoreUnavailableError,
  WaitTimeoutError
} from './errors.ts'

/** What was heard of an actor: a snapshot, or its end. */
export type News =
  | { readonly kind: 'snapshot'; readonly snapshot: AnyMachineSnapshot }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** `last: null`: it was stopped, and its last snapshot is not known or cannot be read. */
  | { readonly kind: 'ended'; readonly last: AnyMachineSnapshot | null }

export interface Wait<Value> {
  readonly id: string
  readonly observers: Observers
  readonly timeoutMs: number | null
  /** Aborted when the runtime stops. */
  readonly stopped: AbortSignal
  /** What is known without waiting; null: nothing is committed yet. */
  readonly readNow: () => Promise<News | null>
  /** undefined: wait on. Throwing ends the wait. */
  readonly judge: (news: News) => { readonly value: Value } | undefined
}

/** Between two reads while the database is away. */
const AGAIN_MS = 1_000
/** The wait outlasts it. */
const isPassing = (error: unknown): boolean =>
  error instanceof StoreUnavailableError || error instanceof LeaseLostError || error instanceof OverloadedError

/** What a timer of Node can wait; it would take more for nothing at all. */
const MAX_TIMER_MS = 2 ** 31 - 1

export function waitForNews<Value>({ id, observers, timeoutMs, stopped, readNow, judge }: Wait<Value>): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    let last: AnyMachineSnapshot | undefined
    let again: NodeJS.Timeout | undefined
    let isSettled = false
    const settle = (finish: () => void): void => {
      isSettled = true
      subscription.unsubscribe()
      clearTimeout(timer)
      clearTimeout(again)
      stopped.removeEventListener('abort', onStopped)
      finish()
    }
    const hear = (news: News | null): void => {
      if (news === null) return
      if (news.kind === 'snapshot') last = news.snapshot
      try {
        const verdict = judge(news)
        if (verdict) settle(() => resolve(verdict.value))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const read = (): void =>
      void readNow().then(hear, (error: unknown) => {
        if (!isPassing(error)) settle(() => reject(error))
        else if (!isSettled) again = setTimeout(read, AGAIN_MS)
      })
    const onStopped = (): void => settle(() => reject(stopped.reason as Error))
    const subscription = observers.subscribe(id, {
      next: (snapshot) => hear({ kind: 'snapshot', snapshot }),
      error: (error) =>
        error instanceof ActorNotFoundError ? settle(() => reject(error)) : hear({ kind: 'failed', error }),
      complete: () => (last ? hear({ kind: 'ended', last }) : read())
    })
    let timer: NodeJS.Timeout | undefined
    const deadline = performance.now() + (timeoutMs ?? Infinity)
    const arm = (): void => {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) settle(() => reject(new WaitTimeoutError(id, timeoutMs ?? 0)))
      else timer = setTimeout(arm, Math.min(Math.ceil(leftMs), MAX_TIMER_MS))
    }
    if (timeoutMs !== null) timer = setTimeout(arm, Math.min(timeoutMs, MAX_TIMER_MS))
    stopped.addEventListener('abort', onStopped)
    if (stopped.aborted) return onStopped()
    read()
  })
}

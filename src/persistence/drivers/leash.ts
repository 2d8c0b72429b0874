/**
 * A client as it is handed to code of the user's: it works until the transaction is over, whatever keeps it.
 *
 * Owns: when it works. Does not own: the client, the transaction.
 *
 * Invariants
 * 1. Once `end` was called nothing that is asked reaches the server: it would run outside of the transaction, or in that of somebody else.
 * 2. The connection is not the code's to give back or to close.
 */
import { EventEmitter } from 'node:events'

export interface Leash {
  readonly client: unknown
  end(): void
}

type Call = (...args: readonly unknown[]) => unknown

/** A query of postgres.js, which begins when somebody waits for it. */
interface Lazy {
  executed: boolean
  handle: () => unknown
}

const NOT_YOURS: readonly unknown[] = ['release', 'end']

export function leash(client: object): Leash {
  let isOver = false
  const ask = (call: () => unknown, args: readonly unknown[]): unknown => {
    if (isOver) return refuse(args)
    const answer = call()
    if (isLazy(answer)) keepInTime(answer, () => isOver)
    return answer
  }
  const hand = (whole: object): object =>
    new Proxy(whole, {
      apply: (target, self, args: unknown[]) => ask(() => Reflect.apply(target as Call, self, args), args),
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        // Whoever listens, or looks at what it is, asks nothing of the server: libraries do so to tell clients apart.
        if (typeof value !== 'function' || name in EventEmitter.prototype) return value
        if (NOT_YOURS.includes(name)) return () => refuseEnd(name)
        return (...args: unknown[]) => {
          const given = name === 'savepoint' ? args.map(handOn) : args
          return ask(() => Reflect.apply(value, target, given), args)
        }
      }
    })
  /** What code of the user's is called with, as its own client. */
  const handOn = (value: unknown): unknown =>
    typeof value === 'function' ? (inner: object) => (value as Call)(hand(inner)) : value
  return {
    client: hand(client),
    end: () => {
      isOver = true
    }
  }
}

const over = (): Error => new Error('the transaction is over: its client cannot be used any more')

/** As a client says so: to the callback, where there is one. Whoever does not look is not ended by it. */
function refuse(args: readonly unknown[]): unknown {
  const callback = args.at(-1)
  if (typeof callback === 'function') return process.nextTick(() => (callback as Call)(over()))
  const refusal = Promise.reject(over())
  refusal.catch(() => undefined)
  return refusal
}

function refuseEnd(name: string | symbol): never {
  throw new Error(`the client of a transaction step is not yours to ${String(name)}`)
}

function isLazy(answer: unknown): answer is Lazy {
  return typeof answer === 'object' && answer !== null && 'handle' in answer && 'executed' in answer
}

function keepInTime(query: Lazy, isOver: () => boolean): void {
  const handle = query.handle.bind(query)
  query.handle = () => {
    if (isOver() && !query.executed) throw over()
    return handle()
  }
}

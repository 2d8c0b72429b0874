/**
 * A client as it is handed to code of the user's: it works until the transaction is over, whatever keeps it.
 *
 * Owns: when it works. Does not own: the client, the transaction.
 *
 * Invariants
 * 1. Once `end` was called nothing that is asked reaches the server: it would run outside of the transaction, or in that of somebody else.
 * 2. The connection is not the code's to give back or to close.
 */
const NOT_YOURS: readonly unknown[] = ['release', 'end']

export interface Leash {
  readonly client: unknown
  end(): void
}

export function leash(client: object): Leash {
  let isOver = false
  const guard = (call: () => unknown): unknown => {
    if (isOver) throw new Error('the transaction is over: its client cannot be used any more')
    return call()
  }
  const handed = new Proxy(client, {
    apply: (target, self, args) => guard(() => Reflect.apply(target as () => unknown, self, args)),
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      // By their constructors libraries tell clients apart.
      if (typeof value !== 'function' || name === 'constructor') return value
      return (...args: unknown[]) =>
        guard(() => {
          if (NOT_YOURS.includes(name))
            throw new Error(`the client of a transaction step is not yours to ${String(name)}`)
          return Reflect.apply(value, target, args)
        })
    }
  })
  return {
    client: handed,
    end: () => {
      isOver = true
    }
  }
}

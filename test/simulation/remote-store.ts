/**
 * The store as one process has it: every call goes over the wire, and so does what it hears of others.
 *
 * Owns: the sessions of the process, which the database and the process can lose each by itself. Does not own: the wire's faults.
 */
import type { Lease, Listening, Store } from '../../src/persistence/store.ts'
import { lost, type Wire } from './wire.ts'
import type { Process, World } from './world.ts'

/** A lease's session, as its two ends know it. */
export interface Session {
  /** Whether the process takes it to be open. */
  isOpen: boolean
  /** The database has seen it end, and has freed what the node had. */
  end(): Promise<void>
}

export interface Connection {
  readonly store: Store
  /** Of the node of the moment. */
  session(): Session | null
  /** How often what comes is heard. */
  hears: 0 | 1 | 2
}

/** Those that answer with a promise, whatever becomes of them. */
const OPERATIONS: readonly string[] = [
  'reap',
  'notify',
  'insert',
  'claim',
  'pick',
  'commit',
  'signal',
  'findKeys',
  'cancel',
  'retry',
  'unseen',
  'claimed',
  'inbox',
  'read',
  'knownDedup',
  'purgeDedup',
  'collect',
  'findUnknown',
  'due',
  'fire',
  'forget'
]

export function connect(target: Store, process: Process, wire: Wire, world: World): Connection {
  let current: Session | null = null

  const overWire = <Part extends object>(part: Part, others: Partial<Part> = {}): Part =>
    new Proxy(part, {
      get(_, name) {
        const value = Reflect.get(part, name, part) as unknown
        const other = Reflect.get(others, name) as unknown
        if (other !== undefined) return other
        if (typeof value !== 'function' || !OPERATIONS.includes(String(name))) return value
        const run = value as (...args: unknown[]) => Promise<unknown>
        return (...args: unknown[]) => wire.call(process, String(name), () => run.apply(part, args))
      }
    })

  async function join(node: string, name: string, leaseMs: number): Promise<Lease> {
    const lease = await wire.call(process, 'join', () => target.join(node, name, leaseMs))
    let hasEnded = false
    const session: Session = {
      isOpen: true,
      end: async () => {
        hasEnded = true
        await lease.leave(false)
      }
    }
    current = session
    const ask = <Answer>(operation: string, run: () => Promise<Answer>): Promise<Answer> =>
      wire.call(process, operation, () => (hasEnded ? Promise.reject(lost()) : run()))
    return {
      get isOpen() {
        return session.isOpen
      },
      renew: () => ask('renew', () => lease.renew()),
      leave: async (inOrder) => {
        session.isOpen = false
        await ask('leave', () => lease.leave(inOrder))
      }
    }
  }

  async function listen(hear: (message: string) => void): Promise<Listening> {
    const deliver = (message: string): void => {
      for (let time = 0; time < connection.hears; time++) world.schedule(process, time * 40 + 1, () => hear(message))
    }
    return wire.call(process, 'listen', () => target.listen(deliver))
  }

  const connection: Connection = {
    store: overWire(target, { join, listen, schedules: overWire(target.schedules), permits: overWire(target.permits) }),
    session: () => current,
    hears: 1
  }
  return connection
}

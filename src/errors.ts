/**
 * Every error that perdure gives to its user: a tagged class with the data that a program needs and a message that
 * names the thing and the remedy. Owns: the classes. Does not own: classification of database errors (persistence/transient-errors.ts).
 *
 * Invariants
 * 1. `_tag` equals the class name, so that errors can be told apart across realms and by `Effect.catchTag`.
 * 2. A message never holds an event's, a context's or a connection string's content: those may be secrets.
 */
import { shorten } from './shorten.ts'

export abstract class PerdureError extends Error {
  abstract readonly _tag: string
  override get name(): string {
    return this._tag
  }
}

/** An option, an argument or an event handed to perdure cannot be used. Nothing was stored. */
export class InvalidArgumentError extends PerdureError {
  readonly _tag = 'InvalidArgumentError'
  readonly argument: string
  constructor(argument: string, problem: string, remedy: string) {
    super(`${shorten(argument)} ${problem}. ${remedy}`)
    this.argument = argument
  }
}

/** One thing about a machine that registration refuses or warns of. */
export interface Finding {
  readonly level: 'error' | 'warning'
  /** Where in the machine, e.g. `#order.paying invoke[0]`. */
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

/** A machine that cannot be durable was registered. Carries every finding, not just the first. */
export class MachineNotDurableError extends PerdureError {
  readonly _tag = 'MachineNotDurableError'
  readonly machine: string
  readonly findings: readonly Finding[]
  constructor(machine: string, findings: readonly Finding[]) {
    const lines = findings.map((f) => `  - ${f.place}: ${f.problem}. ${f.remedy}`)
    super(`machine '${machine}' cannot be durable:\n${lines.join('\n')}`)
    this.machine = machine
    this.findings = findings
  }
}

/** A machine was used that this runtime was not created with, or an actor of a machine or version that it was not created with. */
export class MachineNotRegisteredError extends PerdureError {
  readonly _tag = 'MachineNotRegisteredError'
  readonly machine: string
  constructor(machine: string, problem: string, remedy: string) {
    super(`machine '${machine}' ${problem}. ${remedy}`)
    this.machine = machine
  }
}

/** A ref, or a spawn that is to give the actor that exists, takes the actor for one of another machine. Nothing was taken. */
export class MachineMismatchError extends PerdureError {
  readonly _tag = 'MachineMismatchError'
  readonly actorId: string
  readonly expected: string
  readonly actual: string
  constructor(actorId: string, expected: string, actual: string) {
    super(
      `actor ${actorId} is of machine '${actual}', not of '${expected}'. ` +
        `Check its id or key; its ref is runtime.get(machine, id) with the machine '${actual}'.`
    )
    this.actorId = actorId
    this.expected = expected
    this.actual = actual
  }
}

/** A value that cannot be stored as it is: a function, a symbol, a cycle, an instance of an unknown class. */
export class NotSerializableError extends PerdureError {
  readonly _tag = 'NotSerializableError'
  /** Path of the value from the thing that was stored, e.g. `context.items[3].onClick`. */
  readonly path: string
  constructor(path: string, what: string) {
    super(
      `${shorten(path)} is ${what}, which cannot be stored. ` +
        `Keep plain data there (JSON, Date, Map, Set, BigInt, Error, RegExp, URL, typed arrays, actor refs).`
    )
    this.path = path
  }
}

/** A value is larger than the limit for its kind. Nothing was stored. */
export class TooLargeError extends PerdureError {
  readonly _tag = 'TooLargeError'
  readonly sizeBytes: number
  readonly limitBytes: number
  constructor(what: string, sizeBytes: number, limitBytes: number, option: string) {
    super(
      `${what} takes ${sizeBytes} bytes, more than the limit of ${limitBytes}. ` +
        `Store a reference to large data instead, or raise createRuntime({ bounds: { ${option} } }).`
    )
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/** A stored snapshot cannot be brought back: it is malformed, or the machine no longer has what it names. */
export class SnapshotIllegalError extends PerdureError {
  readonly _tag = 'SnapshotIllegalError'
  readonly actorId: string
  constructor(actorId: string, problem: string, remedy = 'Register the machine, in the version that wrote it') {
    super(`the stored snapshot of actor ${actorId} cannot be restored: ${problem}. ${remedy}.`)
    this.actorId = actorId
  }
}

/** The `migrate` of a machine threw, or gave back what the machine cannot take up (`cause`). The row stays as it was. */
export class MigrationFailedError extends PerdureError {
  readonly _tag = 'MigrationFailedError'
  readonly actorId: string
  constructor(actorId: string, from: string | null, to: string | null, cause: unknown) {
    const versions = [from, to].map((version) => (version === null ? 'no version' : `version '${version}'`))
    super(`actor ${actorId} cannot be moved from ${versions.join(' to ')}; see cause. Fix its \`migrate\`.`, { cause })
    this.actorId = actorId
  }
}

/** No actor has this id or key. */
export class ActorNotFoundError extends PerdureError {
  readonly _tag = 'ActorNotFoundError'
  readonly address: string
  constructor(address: string) {
    super(`no actor ${address} exists. Check the id or key, and that the spawn was committed in this schema.`)
    this.address = address
  }
}

/** The actor is done, failed or stopped, and takes no more events. */
export class ActorTerminatedError extends PerdureError {
  readonly _tag = 'ActorTerminatedError'
  readonly actorId: string
  readonly status: string
  constructor(actorId: string, status: string) {
    super(`actor ${actorId} is ${status} and takes no more events. Read its result, or spawn another.`)
    this.actorId = actorId
    this.status = status
  }
}

/** `ref.result()` of an actor that failed; `cause` is the error that its machine ended with. */
export class ActorFailedError extends PerdureError {
  readonly _tag = 'ActorFailedError'
  readonly actorId: string
  constructor(actorId: string, cause: unknown) {
    super(`actor ${actorId} failed; see cause.`, { cause })
    this.actorId = actorId
  }
}

/** The actor ended before `waitFor`'s predicate held. */
export class WaitUnmetError extends PerdureError {
  readonly _tag = 'WaitUnmetError'
  readonly actorId: string
  readonly status: string
  constructor(actorId: string, status: string) {
    super(`actor ${actorId} is ${status} and its snapshot does not satisfy the predicate of waitFor.`)
    this.actorId = actorId
    this.status = status
  }
}

/** `waitFor` or `result` waited as long as it was told to. The actor goes on. */
export class WaitTimeoutError extends PerdureError {
  readonly _tag = 'WaitTimeoutError'
  readonly actorId: string
  readonly timeoutMs: number
  constructor(actorId: string, timeoutMs: number) {
    super(`actor ${actorId} did not get there within ${timeoutMs} ms. It goes on; wait again or raise the timeout.`)
    this.actorId = actorId
    this.timeoutMs = timeoutMs
  }
}

/** The key is taken by an actor whose status is in its key scope. Carries that actor's id. */
export class DuplicateKeyError extends PerdureError {
  readonly _tag = 'DuplicateKeyError'
  readonly key: string
  readonly actorId: string
  constructor(key: string, actorId: string) {
    super(`key '${key}' is taken by actor ${actorId}. Use it, or spawn with ifExists: 'return' to get its ref.`)
    this.key = key
    this.actorId = actorId
  }
}

/** `spawn({ id })` named an id that exists. */
export class DuplicateIdError extends PerdureError {
  readonly _tag = 'DuplicateIdError'
  readonly actorId: string
  constructor(actorId: string) {
    super(`an actor with id ${actorId} exists. Spawn with ifExists: 'return' to get its ref.`)
    this.actorId = actorId
  }
}

/** The actor's mailbox in memory is full: events come faster than they commit. The event was not taken. */
export class MailboxFullError extends PerdureError {
  readonly _tag = 'MailboxFullError'
  readonly actorId: string
  constructor(actorId: string, limit: number) {
    super(`the mailbox of actor ${actorId} holds ${limit} events. Await earlier sends, or retry after a pause.`)
    this.actorId = actorId
  }
}

/** The actor's durable inbox is full of events that its present state does not take. The event was not taken. */
export class InboxFullError extends PerdureError {
  readonly _tag = 'InboxFullError'
  readonly actorId: string
  constructor(actorId: string, limit: number) {
    super(
      `the inbox of actor ${actorId} holds ${limit} events that its state does not take. ` +
        `Give the machine a transition for them, register it with unhandled: 'drop', or raise bounds.inbox.`
    )
    this.actorId = actorId
  }
}

/** As much waits for the database on this node as may. The call was not taken. */
export class OverloadedError extends PerdureError {
  readonly _tag = 'OverloadedError'
  constructor(limit: number) {
    super(
      `${limit} calls wait for the database on this node. Retry after a pause; if it goes on, look at the database.`
    )
  }
}

/**
 * The database cannot be reached, or cannot write, and the call is known not to have taken effect; of `migrate`, what was applied
 * before stays.
 */
export class StoreUnavailableError extends PerdureError {
  readonly _tag = 'StoreUnavailableError'
  constructor(operation: string, cause: unknown, then = '; nothing was stored. Retry.') {
    super(`the database was not available for ${operation}${then}`, { cause })
  }
}

/** This node lost its lease, or cannot be sure that it holds it, before the call was taken. It joins again by itself. */
export class LeaseLostError extends PerdureError {
  readonly _tag = 'LeaseLostError'
  constructor(reason: string) {
    super(`this node is no member just now (${reason}); nothing was taken. Retry: it joins again by itself.`)
  }
}

/** The connection was lost around a commit and it could not be found out whether the call took effect. */
export class OutcomeUnknownError extends PerdureError {
  readonly _tag = 'OutcomeUnknownError'
  constructor(operation: string, cause: unknown) {
    super(
      `${operation}: the database was lost before it answered, so it is unknown whether it took effect. ` +
        `Retry with the same dedupKey (send) or id (spawn): that is safe in both cases.`,
      { cause }
    )
  }
}

/** The runtime was not started, is stopping, or has stopped. */
export class RuntimeNotRunningError extends PerdureError {
  readonly _tag = 'RuntimeNotRunningError'
  constructor(operation: string, state: string) {
    const isAhead = state === 'not started' || state === 'starting'
    const remedy = isAhead ? 'Await runtime.start() first.' : 'A runtime starts once: create another.'
    super(`${operation} is not possible while the runtime is ${state}. ${remedy}`)
  }
}

/** The database's schema is missing, or older or newer than this version of perdure. */
export class SchemaMismatchError extends PerdureError {
  readonly _tag = 'SchemaMismatchError'
  constructor(schema: string, found: number, needed: number) {
    super(
      found === 0
        ? `schema '${schema}' has no perdure tables. Call runtime.migrate() once before runtime.start().`
        : found < needed
          ? `schema '${schema}' is at migration ${found}, this perdure needs ${needed}. Call runtime.migrate().`
          : `schema '${schema}' is at migration ${found}, newer than this perdure knows (${needed}). Upgrade the package.`
    )
  }
}

/** The installed xstate release lacks an internal that perdure relies on; running it would break promise P1. */
export class XStateUnsupportedError extends PerdureError {
  readonly _tag = 'XStateUnsupportedError'
  constructor(problem: string) {
    super(`the installed xstate cannot be made durable: ${problem}. Install xstate >=5.20 <6.`)
  }
}
